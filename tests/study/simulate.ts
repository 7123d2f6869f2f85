/**
 * Studies with known truth: units whose figures are drawn from a distribution that the test chooses.
 */
import { normalQuantile } from "../../src/report/special_functions.ts";
import type { StoredUnit } from "../../src/study/stored_unit.ts";
import type { Outcome, UnitSummary } from "../../src/study/unit_summary.ts";
import type { PlannedComparison, VerdictPlan } from "../../src/study/verdict/verdict_plan.ts";

/** Uniform numbers in (0, 1): the generator of L'Ecuyer's combined kind, unlike the one in the toolkit. */
export function uniform(seed: number): () => number {
  let [a, b] = [(seed * 2 + 1) % 2147483562 + 1, (seed * 7919 + 3) % 2147483398 + 1];
  const next = () => {
    a = (40014 * a) % 2147483563;
    b = (40692 * b) % 2147483399;
    const difference = (a - b + 2147483562) % 2147483562;
    return (difference + 0.5) / 2147483562;
  };
  for (let i = 0; i < 20; i++) next();
  return next;
}

/** Normal numbers. */
export function normal(seed: number): () => number {
  const random = uniform(seed);
  return () => normalQuantile(random());
}

export const regimes = ["same", "poor"];
export const seeds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

export function comparison(change: Partial<PlannedComparison> = {}): PlannedComparison {
  return {
    ...{ candidate: "meta/fine-tune", control: "supervised/fine-tune", kind: "superiority" },
    ...{ family: "primary", regimes, seeds, accuracy: true, targets: [], axes: [] },
    ...change,
  };
}

export function planWith(change: Partial<VerdictPlan> = {}): VerdictPlan {
  return {
    ...{ study: "demo", question: "", regimes, seeds, alpha: 0.05, level: 0.95, resamples: 40 },
    ...{ margins: { accuracy: 0.01, time: 0.05 }, consecutive: 3, targets: [], checks: [] },
    comparisons: [comparison()],
    ...change,
  };
}

/** One unit. */
export function unit(change: {
  readonly arm: string;
  readonly seed: number;
  readonly regime?: string;
  readonly protocol?: string;
  readonly accuracy?: number;
  readonly curve?: readonly number[];
  readonly every?: number;
  readonly before?: number;
  readonly configuration?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}): StoredUnit {
  const { arm, seed, regime = "same", protocol = "fine-tune", curve = [], every = 10 } = change;
  const cost = (steps: number) => ({
    steps,
    samples: 32 * steps,
    flops: 1e9 * steps,
    seconds: steps / 4,
  });
  const outcome: Outcome = {
    protocol,
    before: cost(change.before ?? 0),
    curve: curve.map((accuracy, at) => ({ ...cost(at * every), accuracy })),
    test: { accuracy: change.accuracy ?? 0.5, images: 1000 },
    figures: {},
  };
  const summary: UnitSummary = {
    ...{ format: 1, study: "demo", arm, regime, seed, chance: 0.1 },
    outcomes: [outcome],
    phases: [],
    configuration: change.configuration ?? `${arm} in ${regime}`,
    facts: change.facts ?? { engine: "webgpu", adapter: "one", commit: "c", data: ["d"] },
  };
  return { path: `${regime}/${arm}/seed-${seed}/unit.json`, unit: summary };
}

/** A curve that rises by equal steps from 0.1 and then stays, reaching `top` at evaluation `at`. */
export function rising(
  { top, at, length }: { readonly top: number; readonly at: number; readonly length: number },
): number[] {
  return Array.from({ length }, (_, i) => 0.1 + (top - 0.1) * Math.min(i / at, 1));
}

/** What is true of a simulated study. */
export interface Truth {
  /** Gain of the candidate in accuracy. */
  readonly gain: number;
  /** Spread of a difference at one seed, as a standard deviation. */
  readonly spread: number;
  /** Factor of the candidate's time. */
  readonly pace: number;
}

/** All units of two arms: accuracies share the luck of the seed, so differences spread less. */
export function simulate(truth: Truth, seed: number): StoredUnit[] {
  const draw = normal(seed);
  return regimes.flatMap((regime) =>
    seeds.flatMap((number) => {
      const luck = 0.6 + 0.03 * draw();
      return ["supervised", "meta"].map((arm) => {
        const candidate = arm === "meta";
        const own = (truth.spread / Math.SQRT2) * draw();
        const at = Math.round(
          Math.max(2, (20 + 4 * draw()) * (candidate ? truth.pace : 1)),
        );
        return unit({
          ...{ arm, seed: number, regime },
          accuracy: luck + own + (candidate ? truth.gain : 0),
          curve: rising({ top: 0.6, at, length: 40 }),
        });
      });
    })
  );
}
