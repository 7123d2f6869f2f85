/**
 * Main effects of a factorial study.
 *
 * @module
 */
import {
  bootstrapInterval,
  holmCorrection,
  type Interval,
  signFlipTest,
} from "../../report/mod.ts";
import type { EffectsPlan } from "./effects_plan.ts";
import type { StoredUnit } from "../stored_unit.ts";
import { differingFacts } from "./study_units.ts";

/** The main effect of a factor. */
export interface MainEffect {
  /** The factor. */
  readonly factor: string;
  /** Mean accuracy at level -, from 0 to 1. */
  readonly low: number;
  /** Mean accuracy at level +. */
  readonly high: number;
  /** Difference of the means of every seed. */
  readonly differences: readonly number[];
  /** The mean difference with its BCa interval; absent with one seed. */
  readonly interval?: Interval;
  /** Exact two-sided sign-flip test over seeds. */
  readonly p: number;
  /** The same after Holm's correction over the factors of a protocol. */
  readonly holm: number;
}

/** Effects under a protocol. */
export interface ProtocolEffects {
  /** The protocol. */
  readonly protocol: string;
  /** Seeds for which every arm is there. */
  readonly seeds: readonly number[];
  /** Units that are planned and not there, as `arm/seed-N`. */
  readonly missing: readonly string[];
  /** Effects in the order of the plan; empty if no seed is complete. */
  readonly effects: readonly MainEffect[];
}

/**
 * Computes main effects: for every seed the mean test accuracy of the arms at level + minus that of the
 * arms at level -. In an orthogonal array each factor is averaged over all levels of the others; effects
 * of pairs of factors are confounded with those of single ones, as in every saturated design.
 *
 * Source: Taguchi's L8 is the fractional factorial 2^(7-4), Box, Hunter and Hunter, Statistics for
 * Experimenters, chapter 6.
 *
 * @param plan Arms, factors, seeds.
 * @param units The units; those of other arms and regimes are passed over.
 * @returns Effects by protocol; only seeds for which all arms are there count.
 * @throws {RangeError} If units of an arm are of different configurations, or units of different data or precision.
 */
export function mainEffects(plan: EffectsPlan, units: readonly StoredUnit[]): ProtocolEffects[] {
  const { arms, factors, level } = plan;
  const stored = units.filter(({ unit: { regime, arm } }) =>
    regime === plan.regime && arms.includes(arm)
  );
  const own = stored.map(({ unit }) => unit);
  for (const arm of arms) {
    const kinds = new Set(own.filter((unit) => unit.arm === arm).map((unit) => unit.configuration));
    if (kinds.size > 1) {
      throw new RangeError(
        `Cannot mix the units of ${arm}: they are of ${kinds.size} configurations, expected one. Remove ` +
          `those that were run before the change.`,
      );
    }
  }
  const fault = differingFacts(stored);
  if (fault !== undefined) throw new RangeError(`Cannot compute main effects: ${fault}.`);
  return plan.protocols.map((protocol) => {
    const accuracy = (arm: string, seed: number): number | undefined =>
      own.find((unit) => unit.arm === arm && unit.seed === seed)?.outcomes
        .find((outcome) => outcome.protocol === protocol)?.test.accuracy;
    const missing = plan.seeds.flatMap((seed) =>
      arms.filter((arm) => accuracy(arm, seed) === undefined).map((arm) => `${arm}/seed-${seed}`)
    );
    const seeds = plan.seeds.filter((seed) =>
      arms.every((arm) => accuracy(arm, seed) !== undefined)
    );
    if (seeds.length === 0) return { protocol, seeds, missing, effects: [] };
    const found = Object.entries(factors).map(([factor, { signs }]) => {
      const meanAt = (sign: string, seed: number): number => {
        const chosen = arms.filter((_, k) => signs[k] === sign);
        return mean(chosen.map((arm) => accuracy(arm, seed)!));
      };
      const [lows, highs] = ["-", "+"].map((sign) => seeds.map((seed) => meanAt(sign, seed)));
      const differences = highs!.map((high, k) => high - lows![k]!);
      return {
        factor,
        low: mean(lows!),
        high: mean(highs!),
        differences,
        ...(seeds.length > 1 && { interval: bootstrapInterval(differences, { level }) }),
        p: signFlipTest(differences),
      };
    });
    const corrected = holmCorrection(found.map(({ p }) => p));
    return {
      protocol,
      seeds,
      missing,
      effects: found.map((effect, k) => ({ ...effect, holm: corrected[k]! })),
    };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
