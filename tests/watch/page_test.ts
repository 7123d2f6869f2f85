/** What the page computes: thinned and smoothed curves, axes, lines and costs. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { makeScale } from "../../src/watch/page/chart_scale.ts";
import { addPoints, noCurves } from "../../src/watch/page/curves.ts";
import { chooseLines, legendLines } from "../../src/watch/page/lines.ts";
import { sectionOf, SECTIONS } from "../../src/watch/page/panels.ts";
import { readSettings } from "../../src/watch/page/settings.ts";
import { nearest, smooth, thin } from "../../src/watch/page/thin.ts";
import { byteWords, dateWords, metricWords, tickWords } from "../../src/watch/page/words.ts";

Deno.test("thin() keeps the first, last, lowest and highest point of every column", () => {
  const xs = [...Array(10_000).keys()];
  const ys = xs.map((x) => Math.sin(x * 12.9898) * 43758.5453 % 1);
  const columns = 100;
  const chosen = thin(xs, ys, columns);
  assert(chosen.length <= 4 * columns, `${chosen.length} points`);
  assertEquals(chosen, [...new Set(chosen)].sort((a, b) => a - b));
  for (let column = 0; column < columns; column++) {
    const inside = xs.filter((x) => Math.min(99, Math.floor(x / 9999 * columns)) === column);
    const kept = chosen.filter((k) => inside.includes(k)).map((k) => ys[k]!);
    const all = inside.map((k) => ys[k]!);
    assertEquals(Math.max(...kept), Math.max(...all));
    assertEquals(Math.min(...kept), Math.min(...all));
    assert(chosen.includes(inside[0]!) && chosen.includes(inside.at(-1)!));
  }
  assertEquals(thin([1, 2], [3, 4], 100), [0, 1]);
  assertEquals(thin([], [], 100), []);
});

Deno.test("smooth() keeps constants, and begins where the curve does", () => {
  assertEquals(smooth([3, 1], 0), [3, 1]);
  for (const value of smooth([2, 2, 2, 2], 0.9)) assertAlmostEquals(value, 2);
  // (0.5 * 0.5 * 4 + 0.5 * 0) / (0.5 * 0.5 + 0.5)
  assertAlmostEquals(smooth([4, 0], 0.5)[1]!, 4 / 3);
});

Deno.test("nearest() finds the closest point", () => {
  const found = [-9, 0, 1.4, 1.6, 4, 99].map((x) => nearest([0, 1, 2, 7], x));
  assertEquals(found, [0, 0, 1, 2, 2, 3]);
  assertEquals(nearest([], 1), -1);
});

Deno.test("axes write round values, also for one value and for logarithms", () => {
  assertEquals(makeScale([0, 300], [0, 100], { ticks: 4 }).ticks, [0, 100, 200, 300]);
  const log = makeScale([0.001, 10], [0, 100], { ticks: 6, log: true });
  assertEquals(log.ticks.map((tick) => Number(tick.toPrecision(3))), [0.001, 0.01, 0.1, 1, 10]);
  assertAlmostEquals(log.at(0.1), 50);
  assertAlmostEquals(log.valueAt(50), 0.1);
  const flat = makeScale([2, 2], [0, 100], { ticks: 4 });
  assertEquals([flat.at(2), flat.ticks.length > 1], [50, true]);
});

Deno.test("every metric has a section, and words", () => {
  const title = (metric: string) => SECTIONS[sectionOf(metric)]!.title;
  assertEquals(
    ["loss", "validationLoss", "rotationCosine", "wantedWeight", "jigsawAccuracy"].map(title),
    [
      ...["Training", "Validation", "Alignment of gradients", "Weights of tasks"],
      "Pretext tasks and the rest",
    ],
  );
  assertEquals(metricWords("validationAccuracyAdapted"), "validation accuracy adapted");
  assertEquals([1500, -0.25, 0].map(tickWords), ["1.5k", "-0.25", "0"]);
  assertEquals([5 << 20, 3 * 2 ** 30].map(byteWords), ["5.0 MiB", "3.0 GiB"]);
  const date = "2025-01-31T12:00:00.000Z";
  const ago = [0, 59, 600, 7200, 1e6, -59, -7200].map((each) =>
    dateWords(date, Date.parse(date) + 1000 * each)
  );
  const words = ["just now", "just now", "10 min ago", "2 h ago", "2025-01-31"];
  // A clock may be behind by a little; by more, what it says of the time is wrong.
  assertEquals(ago, [...words, "just now", "2025-01-31"]);
  assertEquals(dateWords("", 0), "");
});

Deno.test("seeds of an arm share a colour, arms do not, and budgets move the points", () => {
  const run = () => {
    const curves = noCurves();
    addPoints(curves, { arm: "m", phase: "p", metric: "loss", steps: [1, 2], values: [5, 6] });
    return curves;
  };
  const cost = { stage: "m-p", steps: 4, samples: 40, flops: 400, seconds: 1, clock: [] };
  const base = { id: "a", name: "a", experiment: "", state: "done", begun: "" } as const;
  const detail = {
    ...{ ...base, error: "", facts: {}, notices: [], pictures: [], report: false },
    costs: [cost],
  };
  const unit = (id: string, seed: number) => ({ run: id, regime: "r", arm: "m", seed });
  const shown = {
    overview: {
      runs: ["a", "b", "c"].map((id) => ({ ...base, id, name: `run ${id}` })),
      studies: [{ id: "s", experiment: "e", units: [unit("a", 0), unit("b", 1)] }],
      ...{ chosen: [], faults: [] },
    },
    runs: new Map([
      ["a", { detail, curves: run() }],
      ["b", { detail: undefined, curves: run() }],
      ["c", { detail: undefined, curves: run() }],
    ]),
  };
  const legend = legendLines(shown, "p");
  assertEquals(legend.map(({ name }) => name), ["run a", "run b", "run c"]);
  assertEquals(legend[0]!.color, legend[1]!.color);
  assert(legend[0]!.dash !== legend[1]!.dash && legend[2]!.color !== legend[0]!.color);
  const options = { phase: "p", legend, hidden: new Set<string>() };
  const along = (axis: "steps" | "FLOPs") => chooseLines(shown, { ...options, axis });
  assertEquals(along("steps").byMetric.get("loss")!.length, 3);
  const flops = along("FLOPs");
  assertEquals([flops.dropped, flops.byMetric.get("loss")![0]!.xs], [2, [100, 200]]);
});

Deno.test("settings in an address are held to what there is", () => {
  assertEquals(readSettings("#run=a&run=b&axis=FLOPs&log=1&smoothing=0.9&phase=p"), {
    ...{ runs: ["a", "b"], phase: "p", axis: "FLOPs", log: true, smoothing: 0.9 },
  });
  assertEquals(readSettings("#axis=evil&smoothing=7"), {
    ...{ runs: undefined, phase: undefined, axis: "steps", log: false, smoothing: 0 },
  });
});
