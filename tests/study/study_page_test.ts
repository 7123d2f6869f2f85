import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { studyPage } from "../../src/study/verdict/study_page.ts";
import { computeVerdict } from "../../src/study/verdict/verdict.ts";
import { renderPage } from "../../src/report/page.ts";
import { curveSeries, survivalLine } from "../../src/study/verdict/study_charts.ts";
import { demoPage, demoVerdict } from "./demo_page.ts";
import { comparison, planWith, unit } from "./simulate.ts";

Deno.test("studyPage() puts the verdict first and everything it rests on behind", async () => {
  const html = await demoPage();
  const order = [
    "Warning.",
    "Is &lt;it&gt; worth it?",
    "40 of 60 planned units are there",
    "Equal or better, and sooner",
    "Test accuracy, with mean cost",
    "Time to a target",
    "must give the same figures",
    "Planned units that are not there",
    "Mean test accuracy and mean cost",
    "Validation accuracy against steps, regime same",
    "Differences of test accuracy at equal seeds",
    "Validation accuracy against samples",
    "Validation accuracy against flops",
    "Validation accuracy against seconds",
    "Not yet at target most, against steps, regime same",
    "Alignment of gradients, meta in same, pretrain",
    "Size of corrections, meta in same, pretrain",
    "Configuration (first digits of its hash)",
    "a: &lt;b&gt;",
  ];
  const places = order.map((text) => html.indexOf(text));
  assertEquals(places.includes(-1), false, order[places.indexOf(-1)]);
  assertEquals(places, places.toSorted((a, b) => a - b));
  assertEquals(await demoPage(), html);
  assertEquals(/<script|<link|src=|@import|<b>|https?:(?!\/\/www\.w3\.org)/i.test(html), false);
});

Deno.test("studyPage() shows the figures of the verdict", async () => {
  const html = await demoPage();
  const { verdict, units } = demoVerdict();
  const cell = verdict.families[0]!.cells[0]!;
  const mean = (100 * cell.measured!.means.candidate).toFixed(2);
  assertStringIncludes(html, `data-label="candidate %">${mean}</td>`);
  const mine = units.filter(({ unit }) => unit.arm === "meta" && unit.regime === "poor");
  const accuracies = mine.map(({ unit }) => unit.outcomes[0]!.test.accuracy);
  const average = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  const arms = html.slice(html.indexOf("Mean test accuracy and mean cost"));
  assertStringIncludes(arms, `data-label="test accuracy">${(100 * average).toFixed(2)}%</td>`);
  assertMatch(html, /class="outcome win">win<\/td>/);
  assertMatch(html, /class="outcome loss">failed<\/td>/);
  assertMatch(html, /against joint\/fine-tune, regime poor<\/span>/);
  // Alignment's last point is the mean over seeds: 0.3 cos 3 + 0.045.
  assertStringIncludes(html, `Rotation ${(0.3 * Math.cos(3) + 0.045).toFixed(3)}`);
  assertStringIncludes(html, "contrastive 0.210");
  assertStringIncludes(html, "correction 5.000");
  // Curves begin after what pretraining has cost.
  assertStringIncludes(html, 'data-label="pretraining steps">100</td>');
});

Deno.test("studyPage() of a study without units says that there is no verdict", async () => {
  const { verdict: { plan } } = demoVerdict();
  const verdict = computeVerdict(plan, []);
  const html = await studyPage(verdict, {
    units: [],
    provenance: { plan: "p.yaml", planChanged: false, units: [], warnings: [] },
  });
  assertStringIncludes(html, "There is no verdict: none of 60 planned units is there.");
  assertEquals(html.includes("<svg"), false);
});

Deno.test("curves begin after pretraining, with the range of the seeds as their band", () => {
  const units = [
    unit({ arm: "meta", seed: 0, before: 100, curve: [0.1, 0.3, 0.5] }),
    unit({ arm: "meta", seed: 1, before: 100, curve: [0.1, 0.4, 0.9] }),
    unit({ arm: "meta", seed: 1, before: 100, regime: "poor", curve: [0.9] }),
    unit({ arm: "supervised", seed: 0, curve: [0.2] }),
  ];
  const plan = planWith({ comparisons: [comparison()] });
  const [control, candidate] = curveSeries(plan, { units, regime: "same", axis: "steps" });
  assertEquals(candidate, {
    name: "meta/fine-tune",
    points: [
      { x: 100, y: 0.1, low: 0.1, high: 0.1 },
      { x: 110, y: 0.35, low: 0.3, high: 0.4 },
      { x: 120, y: 0.7, low: 0.5, high: 0.9 },
    ],
  });
  assertEquals(control, { name: "supervised/fine-tune", points: [{ x: 0, y: 0.2 }] });
  const flops = curveSeries(plan, { units, regime: "same", axis: "flops" });
  assertEquals(flops[1]!.points[1]!.x, 110e9);
});

Deno.test("survivalLine() falls at once where a target is reached, and goes on to the end", () => {
  const time = (time: number, reached: boolean) => ({ time, reached, watched: 50, pretraining: 0 });
  assertEquals(survivalLine([time(10, true), time(30, true), time(50, false), time(50, false)]), [
    { x: 0, y: 1 },
    { x: 10, y: 1 },
    { x: 10, y: 0.75 },
    { x: 30, y: 0.75 },
    { x: 30, y: 0.5 },
    { x: 50, y: 0.5 },
  ]);
});

Deno.test("renderPage() escapes the texts of every kind of section", () => {
  const nasty = `<img src=x onerror="alert('&')">`;
  const safe = "&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;";
  const html = renderPage({
    title: nasty,
    notices: [{ kind: "info", text: nasty }],
    sections: [
      { kind: "heading", text: nasty },
      { kind: "text", label: nasty, paragraphs: [nasty] },
      { kind: "facts", facts: { [nasty]: nasty } },
      {
        ...{ kind: "table", label: nasty, caption: nasty, heads: [nasty, nasty] },
        rows: [{ head: nasty, description: nasty, cells: [nasty], tone: "win" }],
      },
      { kind: "list", items: [nasty] },
      { kind: "fold", summary: nasty, sections: [{ kind: "code", text: nasty }] },
    ],
  });
  assertEquals(html.includes("<img"), false);
  // Title twice, notice, heading, text twice, fact twice, table eight times, list, fold twice.
  assertEquals(html.split(safe).length - 1, 19);
});
