import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { studyPage } from "../../src/study/study_page.ts";
import { computeVerdict } from "../../src/study/verdict.ts";
import { demoPage, demoVerdict } from "./demo_page.ts";

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
  const { verdict } = demoVerdict();
  const cell = verdict.families[0]!.cells[0]!;
  const mean = (100 * cell.measured!.means.candidate).toFixed(2);
  assertStringIncludes(html, `data-label="candidate %">${mean}</td>`);
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
