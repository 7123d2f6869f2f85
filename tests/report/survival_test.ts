import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  kaplanMeier,
  type Observation,
  restrictedMean,
  restrictedMeanInterval,
} from "../../src/report/kaplan_meier.ts";
import { logRankTest } from "../../src/report/log_rank.ts";

/** Remission times in weeks under 6-mercaptopurine and placebo (Freireich et al. 1963). */
const treated: Observation[] = [
  ...[6, 6, 6, 7, 10, 13, 16, 22, 23].map((time) => ({ time, reached: true })),
  ...[6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map((time) => ({ time, reached: false })),
];
const placebo: Observation[] = [
  1,
  1,
  2,
  2,
  3,
  4,
  4,
  5,
  5,
  8,
  8,
  8,
  8,
  11,
  11,
  12,
  12,
  15,
  17,
  22,
  23,
]
  .map((time) => ({ time, reached: true }));

Deno.test("kaplanMeier() gives the published curve of the 6-MP trial", () => {
  const curve = kaplanMeier(treated);
  assertEquals(curve.map((step) => step.time), [6, 7, 10, 13, 16, 22, 23]);
  assertEquals(curve.map((step) => step.atRisk), [21, 17, 15, 12, 11, 7, 6]);
  const published = [0.857143, 0.806723, 0.752941, 0.690196, 0.627451, 0.537815, 0.448179];
  const errors = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346];
  for (const [i, step] of curve.entries()) {
    assertAlmostEquals(step.survival, published[i]!, 1e-6);
    assertAlmostEquals(Math.sqrt(step.variance), errors[i]!, 1e-4);
  }
});

Deno.test("kaplanMeier() without censoring is the share of runs that need longer", () => {
  for (const { time, survival } of kaplanMeier(placebo)) {
    const longer = placebo.filter((run) => run.time > time).length;
    assertAlmostEquals(survival, longer / placebo.length, 1e-12);
  }
  assertEquals(kaplanMeier([{ time: 5, reached: false }]), []);
});

Deno.test("restrictedMean() is the area under the curve", () => {
  assertAlmostEquals(restrictedMean(treated, 30), 21.046498599439776, 1e-12);
  assertAlmostEquals(restrictedMean(treated, 35), 23.287394957983192, 1e-12);
  const times = placebo.map((run) => run.time);
  const mean = times.reduce((sum, time) => sum + time) / times.length;
  assertAlmostEquals(restrictedMean(placebo, 23), mean, 1e-12);
  assertAlmostEquals(restrictedMean(placebo, 100), mean, 1e-12);
});

Deno.test("restrictedMean() throws beyond what was seen", () => {
  assertThrows(() => restrictedMean(treated, 36), RangeError, "at most 35");
  assertThrows(() => restrictedMean(treated, 0), RangeError, "positive, finite horizon");
  assertThrows(() => restrictedMean([], 5), RangeError, "0 runs");
  assertThrows(() => kaplanMeier([{ time: -1, reached: true }]), RangeError, "time -1");
});

Deno.test("restrictedMeanInterval() agrees with the normal interval of an uncensored mean", () => {
  const { estimate, low, high } = restrictedMeanInterval(placebo, { horizon: 23 });
  const deviations = placebo.map((run) => (run.time - estimate) ** 2);
  const error = Math.sqrt(deviations.reduce((sum, square) => sum + square)) / placebo.length;
  assertAlmostEquals(low, estimate - 1.96 * error, 0.25);
  assertAlmostEquals(high, estimate + 1.96 * error, 0.25);
});

Deno.test("restrictedMeanInterval() counts runs that never arrive with the horizon", () => {
  const runs = [100, 150, 200].map((time) => ({ time, reached: true }))
    .concat([{ time: 400, reached: false }]);
  const { estimate, low, high } = restrictedMeanInterval(runs, { horizon: 400 });
  assertEquals(estimate, (100 + 150 + 200 + 400) / 4);
  assertEquals(low >= 100 && high <= 400 && low < estimate && estimate < high, true);
  const short = { time: 50, reached: false };
  assertThrows(
    () => restrictedMeanInterval([...runs, short], { horizon: 400 }),
    RangeError,
    "ended at 50",
  );
});

Deno.test("logRankTest() gives the published statistic of the 6-MP trial", () => {
  const result = logRankTest([treated, placebo]);
  assertAlmostEquals(result.chiSquare, 16.792940989216536, 1e-9);
  assertAlmostEquals(result.pValue, 4.168809109334529e-05, 1e-14);
  assertEquals(result.observed, [9, 21]);
  assertAlmostEquals(result.expected[0]!, 19.25, 5e-3);
  assertAlmostEquals(logRankTest([placebo, treated]).chiSquare, result.chiSquare, 1e-9);
});

Deno.test("logRankTest() of three groups agrees with the matrix formula in another library", () => {
  const third = [5, 8, 9, 13, 14, 18, 20, 24, 30, 33]
    .map((time, i) => ({ time, reached: ![2, 5, 8].includes(i) }));
  const result = logRankTest([treated, placebo, third]);
  assertEquals(result.degreesOfFreedom, 2);
  assertAlmostEquals(result.chiSquare, 21.77623408393028, 1e-9);
  assertAlmostEquals(result.pValue, 1.867888078767696e-05, 1e-14);
  const [first, second] = [result.expected[0]!, result.expected[1]!];
  assertAlmostEquals(first, 18.35846395, 1e-7);
  assertAlmostEquals(second, 9.38774672, 1e-7);
});

Deno.test("logRankTest() of equal groups is 0, and throws where nothing can be compared", () => {
  const result = logRankTest([treated, treated]);
  assertAlmostEquals(result.chiSquare, 0, 1e-12);
  assertAlmostEquals(result.pValue, 1, 1e-12);
  const never = [{ time: 5, reached: false }];
  assertThrows(() => logRankTest([never, never]), RangeError, "no target was reached");
  assertThrows(() => logRankTest([treated]), RangeError, "1 groups");
  assertThrows(() => logRankTest([treated, []]), RangeError, "0 runs");
});

Deno.test("logRankTest() compares a group without events like any other", () => {
  const fast = [10, 12, 14, 15, 18].map((time) => ({ time, reached: true }));
  const never = [30, 34, 35, 39, 50].map((time) => ({ time, reached: false }));
  const result = logRankTest([fast, never]);
  // SciPy 1.17's logrank: the square of its statistic, and its p-value.
  assertAlmostEquals(result.chiSquare, 9.700742820077762, 1e-9);
  assertAlmostEquals(result.pValue, 0.0018419354016198002, 1e-12);
  assertEquals([result.observed, result.degreesOfFreedom], [[5, 0], 1]);
});

Deno.test("logRankTest() leaves out groups that ended before anything could be compared", () => {
  const two = logRankTest([treated, placebo]);
  // Ended before the first event: as if it were not there (R's survdiff counts it no degree).
  const early = [{ time: 0.5, reached: false }, { time: 0.25, reached: false }];
  for (const groups of [[treated, placebo, early], [early, treated, placebo]]) {
    const three = logRankTest(groups);
    assertAlmostEquals(three.chiSquare, two.chiSquare, 1e-9);
    assertAlmostEquals(three.pValue, two.pValue, 1e-14);
    assertEquals(three.degreesOfFreedom, 1);
  }
  assertThrows(() => logRankTest([early, placebo]), RangeError, "no target was reached while runs");
  // Pairs that never meet: two comparisons of one degree each.
  const later = (runs: Observation[]) => runs.map((run) => ({ ...run, time: run.time + 100 }));
  const ended = [{ time: 1, reached: true }, { time: 2, reached: true }];
  const slow = [{ time: 2, reached: true }, { time: 3, reached: true }];
  const apart = logRankTest([ended, slow, later(ended), later(slow)]);
  assertEquals(apart.degreesOfFreedom, 3);
});

Deno.test("restricted means refuse horizons, levels and resamples that make no sense", () => {
  assertThrows(() => restrictedMean(placebo, Infinity), RangeError, "finite horizon");
  assertThrows(() => restrictedMean(placebo, NaN), RangeError, "finite horizon");
  const refused = (options: object, message: string) =>
    assertThrows(
      () => restrictedMeanInterval(placebo, { horizon: 23, ...options }),
      RangeError,
      message,
    );
  refused({ level: 95 }, "level 95");
  refused({ resamples: 1 }, "with 1 resamples");
  // A group of which no run reached its target needs the horizon.
  const never = [{ time: 50, reached: false }, { time: 60, reached: false }];
  assertEquals(restrictedMean(never, 50), 50);
  assertEquals(kaplanMeier(never), []);
});
