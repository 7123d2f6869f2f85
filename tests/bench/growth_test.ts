/**
 * Growth of operations and memory, counted in plans: no time is measured, no device is needed.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fitGrowth } from "../../bench/fit_growth.ts";
import { byTheIdeal, growthChart } from "../../bench/growth_chart.ts";
import { AXES, type Axis, fitAxis, plannedGradient, sizeOn } from "../../bench/growth_points.ts";
import { madeUpPaper } from "../predict/made_up_adapter.ts";

Deno.test("fitGrowth() finds an exponent in the larger sizes, with its interval", () => {
  const cube = fitGrowth([1, 2, 4, 8, 16].map((size) => ({ size, amount: 5 * size ** 3 })));
  assertAlmostEquals(cube.exponent, 3);
  assertAlmostEquals(cube.spread, 0, 1e-6);
  // A constant that small sizes do not outgrow is left out.
  const late = fitGrowth([1, 2, 64, 128, 256].map((size) => ({ size, amount: 3 + size })));
  assertEquals(late.points, 3);
  assertAlmostEquals(late.exponent, 1, 0.05);
  const noisy = fitGrowth([1, 2, 4].map((size, k) => ({ size, amount: size * [1, 1.1, 1][k]! })));
  // By hand: residuals -1/3, 2/3, -1/3 of ln 1.1, one degree of freedom, sum of squares 2 (ln 2)^2.
  const rest = Math.log(1.1) ** 2 * 6 / 9;
  assertAlmostEquals(noisy.spread, 12.706 * Math.sqrt(rest / (2 * Math.log(2) ** 2)), 1e-9);
  assertEquals(fitGrowth([{ size: 1, amount: 1 }, { size: 2, amount: 2 }]).spread, Infinity);
  assertThrows(() => fitGrowth([{ size: 1, amount: 1 }]), RangeError, "two positive points");
  assertThrows(() => fitGrowth([{ size: 1, amount: 0 }, { size: 2, amount: 1 }]), RangeError);
});

/** Exponents of an axis with the least and the most that they may be. */
const EXPECTED: Readonly<
  Record<
    Axis,
    {
      readonly sizes: readonly number[];
      readonly flops: readonly [number, number];
      readonly bytes: readonly [number, number];
    }
  >
> = {
  tasks: { sizes: [2, 4], flops: [0.98, 1.02], bytes: [0.85, 1.05] },
  // Only the parameters of every step are kept.
  innerSteps: { sizes: [8, 16], flops: [0.85, 1.02], bytes: [-0.02, 0.15] },
  filters: { sizes: [32, 64], flops: [1.6, 2.05], bytes: [0.8, 1.3] },
  extent: { sizes: [32, 64], flops: [1.9, 2.05], bytes: [1.7, 2.05] },
};

for (const [axis, { sizes, flops, bytes }] of Object.entries(EXPECTED)) {
  Deno.test(`operations and memory of a meta-gradient grow as they should with ${axis}`, async () => {
    const points = [];
    for (const size of sizes) {
      using paper = madeUpPaper();
      points.push({ size, ...await plannedGradient(paper, sizeOn(axis as Axis, size)) });
    }
    const fitted = fitAxis(points);
    const within = (value: number, [least, most]: readonly [number, number], what: string) =>
      assert(value >= least && value <= most, `${what} ~ ${axis} ^ ${value.toFixed(3)}`);
    within(fitted.flops.exponent, flops, "operations");
    within(fitted.bytes.exponent, bytes, "memory");
    assert(fitted.predicted.exponent < AXES[axis as Axis].time + 0.05, "predicted time");
  });
}

Deno.test("growthChart() shows time by the ideal one, measured and predicted", async () => {
  const point = (size: number, milliseconds: number) => ({
    ...{ size, milliseconds, predicted: 5 * size ** 2, flops: 1, dispatches: 1, bytes: 1 },
  });
  const points = new Map([["filters", [point(8, 10), point(32, 240)]]] as const);
  const [measured, predicted] = byTheIdeal(points);
  // 24 times as long for four times the size: 1.5 times the ideal.
  assertEquals(measured!.points, [{ x: 1, y: 1 }, { x: 4, y: 1.5 }]);
  assertEquals([predicted!.name, predicted!.points[1]], ["filters, predicted", { x: 4, y: 1 }]);
  const svg = await growthChart(points);
  assertMatch(svg, /^<svg /);
  for (const word of ["filters, predicted", "ideal", "times the smallest size"]) {
    assertStringIncludes(svg, word);
  }
});
