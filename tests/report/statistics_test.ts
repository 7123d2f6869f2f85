import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { bootstrapInterval } from "../../src/report/bootstrap.ts";
import { signFlipTest } from "../../src/report/sign_flip.ts";
import {
  chiSquareSurvival,
  logGamma,
  normalCdf,
  normalQuantile,
} from "../../src/report/special_functions.ts";
import {
  holmCorrection,
  mean,
  median,
  quantile,
  standardDeviation,
} from "../../src/report/statistics.ts";
import { wilsonInterval } from "../../src/report/wilson.ts";

/** Relative agreement, for values far below one. */
function assertClose(actual: number, expected: number, tolerance = 1e-12): void {
  assertAlmostEquals(actual, expected, tolerance * Math.max(Math.abs(expected), 1e-300));
}

Deno.test("normalCdf() and normalQuantile() agree with tables to 12 digits", () => {
  const cdf: [number, number][] = [
    [-8, 6.22096057427174e-16],
    [-3, 0.0013498980316300933],
    [-0.1, 0.460172162722971],
    [0, 0.5],
    [1.96, 0.9750021048517795],
    [6, 0.9999999990134123],
  ];
  for (const [x, p] of cdf) assertClose(normalCdf(x), p);
  const quantiles: [number, number][] = [
    [1e-12, -7.034483825301131],
    [0.001, -3.090232306167813],
    [0.025, -1.9599639845400545],
    [0.3, -0.5244005127080409],
    [0.9, 1.2815515655446004],
    [1 - 1e-9, 5.997807019601637],
  ];
  for (const [p, x] of quantiles) assertClose(normalQuantile(p), x, 1e-10);
  assertAlmostEquals(normalQuantile(0.5), 0, 1e-12);
  assertEquals([normalQuantile(0), normalQuantile(1)], [-Infinity, Infinity]);
  assertEquals([normalCdf(-Infinity), normalCdf(Infinity)], [0, 1]);
});

Deno.test("chiSquareSurvival() and logGamma() agree with tables to 11 digits", () => {
  const survival: [number, number, number][] = [
    [0.1, 1, 0.7518296340458492],
    [3.841458820694124, 1, 0.05],
    [16.79, 1, 4.1752751389197874e-05],
    [30, 3, 1.3800570312932553e-06],
    [100, 50, 3.454931382984871e-05],
    [0.5, 10, 0.999993388289439],
    [0, 4, 1],
  ];
  for (const [x, k, p] of survival) assertClose(chiSquareSurvival(x, k), p, 1e-11);
  assertClose(chiSquareSurvival(5, 2), Math.exp(-2.5));
  for (let n = 1, factorial = 1; n < 20; factorial *= n++) {
    assertAlmostEquals(logGamma(n), Math.log(factorial), 1e-11);
  }
  assertClose(logGamma(0.1), 2.252712651734206);
});

Deno.test("mean(), median(), quantile() and standardDeviation() of small samples", () => {
  assertEquals(mean([1, 2, 6]), 3);
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertEquals(quantile([10, 0], 0.3), 3);
  assertEquals([quantile([3, 1, 2], 0), quantile([3, 1, 2], 1)], [1, 3]);
  assertEquals(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7));
});

Deno.test("statistics throw on too few values, NaN and wrong probabilities", () => {
  assertThrows(() => mean([]), RangeError, "mean of 0 values");
  assertThrows(() => standardDeviation([1]), RangeError, "at least 2");
  assertThrows(() => median([1, NaN]), RangeError, "value 1 is NaN");
  assertThrows(() => quantile([1], 1.5), RangeError, "quantile 1.5");
  assertThrows(() => bootstrapInterval([1]), RangeError, "at least 2");
  assertThrows(() => holmCorrection([0.1, NaN]), RangeError, "p-value NaN");
});

Deno.test("holmCorrection() agrees with the worked example of Holm's method", () => {
  // 4 p-values: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1 raised to the one before.
  const adjusted = holmCorrection([0.01, 0.04, 0.03, 0.005]);
  for (const [i, expected] of [0.03, 0.06, 0.06, 0.02].entries()) {
    assertClose(adjusted[i]!, expected);
  }
  assertEquals(holmCorrection([0.9, 0.8]), [1, 1]);
  assertEquals(holmCorrection([]), []);
});

Deno.test("bootstrapInterval() agrees with another implementation of BCa", () => {
  const values = [1.2, 0.4, 3.9, 2.2, 8.1, 0.9, 1.7, 2.8, 0.3, 5.5, 1.1, 0.7];
  const interval = bootstrapInterval(values, { resamples: 50_000 });
  // SciPy 1.17, 100,000 resamples, three seeds: 1.408-1.417 and 4.133-4.158; percentiles: 1.25, 3.78.
  assertEquals(interval.estimate, 2.4);
  assertAlmostEquals(interval.low, 1.412, 0.02);
  assertAlmostEquals(interval.high, 4.145, 0.04);
  const deviation = (sample: readonly number[]) => {
    const center = mean(sample);
    return Math.sqrt(mean(sample.map((value) => (value - center) ** 2)));
  };
  const spread = bootstrapInterval(values, { statistic: deviation, resamples: 50_000 });
  // SciPy: 1.318-1.326 and 3.444-3.451.
  assertAlmostEquals(spread.low, 1.322, 0.02);
  assertAlmostEquals(spread.high, 3.448, 0.02);
});

Deno.test("bootstrapInterval() depends on the seed alone and is a point for equal values", () => {
  const values = [0.61, 0.64, 0.6, 0.66, 0.63];
  const options = { resamples: 2000, seed: 5 };
  assertEquals(bootstrapInterval(values, options), bootstrapInterval(values, options));
  const other = bootstrapInterval(values, { ...options, seed: 6, level: 0.5 });
  const wide = bootstrapInterval(values, { ...options, seed: 6, level: 0.99 });
  assertEquals(wide.low < other.low && other.high < wide.high, true);
  assertEquals(bootstrapInterval([3, 3, 3]), { estimate: 3, low: 3, high: 3, level: 0.95 });
});

Deno.test("bootstrapInterval() of the mean covers a normal mean about as often as it says", () => {
  let state = 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  let covered = 0;
  const trials = 300;
  for (let trial = 0; trial < trials; trial++) {
    const values = Array.from({ length: 20 }, normal);
    const { low, high } = bootstrapInterval(values, { level: 0.9, resamples: 500, seed: trial });
    if (low <= 0 && 0 <= high) covered++;
  }
  // About 0.88 at n = 20, with a standard error of 0.018.
  assertAlmostEquals(covered / trials, 0.88, 0.06);
});

Deno.test("signFlipTest() agrees with enumeration of all signs", () => {
  const differences = [0.5, 1.2, -0.3, 2.1, 0.8, -0.1, 0.9];
  // SciPy's permutation_test, exact: 8, 4 and 125 of 128.
  assertEquals(signFlipTest(differences), 8 / 128);
  assertEquals(signFlipTest(differences, { alternative: "greater" }), 4 / 128);
  assertEquals(signFlipTest(differences, { alternative: "less" }), 125 / 128);
  const mirrored = differences.map((value) => -value);
  assertEquals(signFlipTest(mirrored, { alternative: "less" }), 4 / 128);
});

Deno.test("signFlipTest() counts ties as extreme and knows its limits", () => {
  // 0.1 + 0.2 - 0.3 is 5.6e-17, not 0: still a tie with its mirror image.
  assertEquals(signFlipTest([0.1, 0.2, -0.3]), 1);
  assertEquals(signFlipTest([0, 0]), 1);
  assertEquals(signFlipTest([1]), 1);
  assertEquals(signFlipTest(new Array(5).fill(1)), 2 / 32);
  // With n equal differences of which k are negative, the tail is binomial: n = 24, k = 5.
  const flipped = Array.from({ length: 24 }, (_, i) => i < 5 ? -1 : 1);
  const tail = [1, 24, 276, 2024, 10626, 42504].reduce((sum, count) => sum + count);
  assertEquals(signFlipTest(flipped, { alternative: "greater" }), tail / 2 ** 24);
  assertThrows(() => signFlipTest([]), RangeError, "0 values");
  assertThrows(() => signFlipTest(new Array(41).fill(1)), RangeError, "41 pairs");
});

Deno.test("signFlipTest() tells sums apart whose values differ by orders of magnitude", () => {
  // SciPy's permutation_test counts 3 and 15 of 16 for the second.
  assertEquals(signFlipTest([1e13, 1, 1, 1]), 2 / 16);
  assertEquals(signFlipTest([1e13, 1, 1, 1], { alternative: "greater" }), 1 / 16);
  const mixed = [1e6, 1e-3, 2e-3, -1e-3];
  assertEquals(signFlipTest(mixed, { alternative: "greater" }), 3 / 16);
  assertEquals(signFlipTest(mixed, { alternative: "less" }), 15 / 16);
  assertEquals(signFlipTest(mixed), 6 / 16);
  assertEquals(signFlipTest(mixed.map((value) => value * 1e-200)), 6 / 16);
});

Deno.test("signFlipTest() agrees with exact enumeration in whole numbers", () => {
  let state = 7;
  const random = (bound: number) => (state = (state * 48271) % 2147483647) % bound;
  for (let trial = 0; trial < 200; trial++) {
    const differences = Array.from({ length: 1 + random(8) }, () => random(9) - 4);
    const observed = differences.reduce((sum, value) => sum + value, 0);
    const counts = { greater: 0, less: 0, "two-sided": 0 };
    for (let signs = 0; signs < 2 ** differences.length; signs++) {
      const sum = differences.reduce((a, value, k) => a + (signs & (1 << k) ? -value : value), 0);
      if (sum >= observed) counts.greater++;
      if (sum <= observed) counts.less++;
      if (Math.abs(sum) >= Math.abs(observed)) counts["two-sided"]++;
    }
    for (const alternative of ["greater", "less", "two-sided"] as const) {
      const exact = counts[alternative] / 2 ** differences.length;
      // Tenths are not exact: equal sums differ in their last bits.
      for (const scale of [1, 0.1, 1e-9, 3e7]) {
        const scaled = differences.map((value) => value * scale);
        assertEquals(signFlipTest(scaled, { alternative }), exact, `${scaled} ${alternative}`);
      }
    }
  }
  assertThrows(
    () => signFlipTest([1], { alternative: "both" as never }),
    RangeError,
    'the alternative "both"',
  );
});

Deno.test("bootstrapInterval() gives the statistic the sample and nothing else", () => {
  const values = [0.61, 0.64, 0.6, 0.66, 0.63, 0.95];
  const trimmed = (sample: readonly number[], cut = 0.2) => {
    const sorted = [...sample].sort((a, b) => a - b);
    const off = Math.floor(cut * sorted.length);
    return mean(sorted.slice(off, sorted.length - off));
  };
  const interval = bootstrapInterval(values, { statistic: trimmed });
  assertEquals(interval, bootstrapInterval(values, { statistic: (sample) => trimmed(sample) }));
  // SciPy 1.17, BCa, 100,000 resamples, three seeds: 0.6075-0.61 and 0.7925.
  assertAlmostEquals(interval.estimate, 0.635, 1e-12);
  assertAlmostEquals(interval.low, 0.60875, 0.003);
  assertAlmostEquals(interval.high, 0.7925, 0.003);
  const counts: number[] = [];
  bootstrapInterval(values, {
    statistic(...args) {
      counts.push(args.length);
      return mean(args[0]);
    },
  });
  assertEquals(new Set(counts), new Set([1]));
});

Deno.test("bootstrapInterval() refuses levels, resamples and statistics that make no interval", () => {
  const values = [1, 2, 3];
  for (const level of [95, 1, 0, -0.5, NaN]) {
    assertThrows(() => bootstrapInterval(values, { level }), RangeError, `at level ${level}`);
  }
  for (const resamples of [1, 39, 0, 100.5, NaN, Infinity]) {
    const message =
      `with ${resamples} resamples at level 0.95: expected a whole number of at least 40`;
    assertThrows(() => bootstrapInterval(values, { resamples }), RangeError, message);
  }
  bootstrapInterval(values, { resamples: 40 });
  assertThrows(
    () => bootstrapInterval(values, { statistic: (sample) => 1 / (sample[0]! - sample[1]!) }),
    RangeError,
    "expected a finite number of every sample",
  );
});

Deno.test("bootstrapInterval() beyond the pole of the acceleration ends at the last replicate", () => {
  // Every resample has fewer distinct values than the sample (bias 4), and leaving out 24 moves the
  // jackknife alone (acceleration 0.16): 1 - a (z0 + z) is below 0 at the upper end.
  const values = Array.from({ length: 25 }, (_, k) => k);
  const statistic = (sample: readonly number[]) =>
    new Set(sample).size + (sample.includes(24) ? 1e-3 : 0);
  const { low, high } = bootstrapInterval(values, { statistic, level: 0.9999, resamples: 20_000 });
  assertEquals(low <= high, true, `${low} to ${high}`);
  // The most distinct values that 20,000 resamples have.
  assertEquals(high > 20, true, `${high}`);
});

Deno.test("wilsonInterval() agrees with SciPy, at the ends too", () => {
  // scipy.stats.binomtest(k, n).proportion_ci(level, method="wilson").
  const cases: [number, number, number, number, number?][] = [
    [600, 1000, 0.5693094295142662, 0.6299252187886226],
    [0, 50, 0, 0.07134759913335872],
    [50, 50, 0.9286524008666412, 1],
    [3, 10, 0.10779126740630102, 0.6032218525388546],
    [3, 10, 0.1268765839031979, 0.5583002041301649, 0.9],
  ];
  for (const [count, trials, low, high, level] of cases) {
    const found = wilsonInterval(count / trials, {
      trials,
      ...(level === undefined ? {} : { level }),
    });
    assertAlmostEquals(found.low, low, 1e-12);
    assertAlmostEquals(found.high, high, 1e-12);
  }
  for (const [share, trials] of [[-0.1, 5], [1.1, 5], [0.5, 0], [NaN, 5]] as const) {
    assertThrows(() => wilsonInterval(share, { trials }), RangeError, "Cannot make an interval");
  }
});
