/**
 * The plan of a verdict: what will be compared, by which margins, decided before the first unit runs.
 *
 * @module
 */
import { z } from "zod";
import { readConfigFile } from "../../experiment/config_file.ts";
import { fileLayer, resolveConfig } from "../../experiment/config_layers.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { parseSeeds } from "../seed_list.ts";

/** A budget axis. */
export type Axis = "steps" | "samples" | "flops" | "seconds";

/** The budget axes, in the order of the tables. */
export const AXES = ["steps", "samples", "flops", "seconds"] as const satisfies readonly Axis[];

/** An accuracy that runs are to reach. */
export interface PlannedTarget {
  /** Its name in tables. */
  readonly name: string;
  /** The accuracy itself, from 0 to 1. */
  readonly accuracy?: number;
  /** `arm/protocol` whose plateau it is a share of: the mean of its last evaluations, over the planned seeds. */
  readonly plateauOf?: string;
  /** The share of that plateau. */
  readonly share?: number;
}

/** Two arms with their protocols, and what is claimed of the first. */
export interface PlannedComparison {
  /** `arm/protocol` that the claim is about. */
  readonly candidate: string;
  /** `arm/protocol` that it is compared with. */
  readonly control: string;
  /** Of the test accuracy: better than the control's, or not worse by the margin. */
  readonly kind: "superiority" | "non-inferiority";
  /** Tests of one family in one regime are corrected together. */
  readonly family: string;
  /** Regimes in which it is tested; all of the plan unless named. */
  readonly regimes: readonly string[];
  /** Seeds that are planned; those of the plan unless named. */
  readonly seeds: readonly number[];
  /** Whether test accuracy is compared. */
  readonly accuracy: boolean;
  /** Targets to which the time is compared; all of the plan unless named. */
  readonly targets: readonly string[];
  /** Axes on which it is measured; all unless named. */
  readonly axes: readonly Axis[];
}

/** Two arms that must give the same figures at every seed, such as a placebo and what it must equal. */
export interface PlannedCheck {
  /** What is checked, in a few words. */
  readonly name: string;
  /** `arm/protocol`. */
  readonly candidate: string;
  /** `arm/protocol`. */
  readonly control: string;
  /** Largest difference of test accuracy and of every evaluation, as a share. */
  readonly tolerance: number;
}

/** Everything that is decided before the first unit runs. */
export interface VerdictPlan {
  /** Name of the experiment. */
  readonly study: string;
  /** What is asked. */
  readonly question: string;
  /** Regimes, in the order of the tables. */
  readonly regimes: readonly string[];
  /** Planned seeds. */
  readonly seeds: readonly number[];
  /** Chance of any wrong win or loss in a family and regime; tests are two-sided. */
  readonly alpha: number;
  /** Confidence level of the intervals. */
  readonly level: number;
  /** Resamples of the bootstrap. */
  readonly resamples: number;
  /** Differences that are too small to matter. */
  readonly margins: {
    /** Of test accuracy, as a share: 0.01 is one point. */
    readonly accuracy: number;
    /** Of the time to a target, as a share of the budget that both arms have. */
    readonly time: number;
  };
  /** A target is reached at the first of this many evaluations in a row at or above it. */
  readonly consecutive: number;
  /** The targets. */
  readonly targets: readonly PlannedTarget[];
  /** The comparisons. */
  readonly comparisons: readonly PlannedComparison[];
  /** What must be equal. */
  readonly checks: readonly PlannedCheck[];
}

const share = z.number().gt(0).lt(1);
const name = z.string().regex(/^[\w.-]+$/, "Expected a name of letters, digits, dots and hyphens");
const side = z.string().regex(
  /^[\w.-]+\/[\w.-]+$/,
  "Expected arm/protocol, such as meta/fine-tune",
);
const seeds = z.union([z.string(), z.int().min(0), z.array(z.int().min(0)).min(1)]);

const schema = z.strictObject({
  format: z.literal(1),
  study: name,
  question: z.string().default(""),
  regimes: z.array(name).min(1),
  seeds,
  alpha: share.default(0.05),
  level: share.default(0.95),
  resamples: z.int().min(40).max(1_000_000).default(10_000),
  margins: z.strictObject({
    accuracy: share.default(0.01),
    time: share.default(0.05),
  }).prefault({}),
  consecutive: z.int().min(1).default(3),
  targets: z.array(z.strictObject({
    name,
    accuracy: share.optional(),
    plateauOf: side.optional(),
    share: z.number().positive().max(2).optional(),
  })).default([]),
  comparisons: z.array(z.strictObject({
    candidate: side,
    control: side,
    kind: z.enum(["superiority", "non-inferiority"]),
    family: name,
    regimes: z.array(name).min(1).optional(),
    seeds: seeds.optional(),
    accuracy: z.boolean().default(true),
    targets: z.array(name).optional(),
    axes: z.array(z.enum(AXES)).optional(),
  })).min(1),
  checks: z.array(z.strictObject({
    name: z.string(),
    candidate: side,
    control: side,
    tolerance: z.number().min(0).lt(1).default(0),
  })).default([]),
});

/**
 * Reads a plan.
 *
 * @param path The YAML file.
 * @throws {UsageError} If it is not valid: one line a fault, each with `file:line:column`, what was found
 * and what was expected.
 */
export async function readVerdictPlan(path: string): Promise<VerdictPlan> {
  const document = await readConfigFile(path);
  // The schema needs no defaults of its own here: a plan is complete or it is refused.
  const raw = await resolveConfig<z.output<typeof schema>>(schema, [fileLayer(document)]);
  const faults: string[] = [];
  const at = (keys: readonly (string | number)[], text: string) => {
    faults.push(`${document.place(keys)}: ${text}.`);
  };
  const seedsAt = (value: z.output<typeof seeds>, keys: readonly (string | number)[]): number[] => {
    try {
      const list = parseSeeds(Array.isArray(value) ? value.join(",") : String(value));
      // The exact test takes no more.
      if (list.length > 40) {
        throw new RangeError(`found ${list.length} seeds, expected at most 40.`);
      }
      return list;
    } catch (error) {
      at(keys, (error as Error).message.replace(/\.$/, ""));
      return [];
    }
  };
  const known = (
    list: readonly string[],
    { valid, keys, what }: {
      readonly valid: readonly string[];
      readonly keys: readonly (string | number)[];
      readonly what: string;
    },
  ) => {
    for (const [index, item] of list.entries()) {
      if (!valid.includes(item)) {
        at([...keys, index], `found ${what} "${item}", expected one of ${valid.join(", ")}`);
      } else if (list.indexOf(item) < index) at([...keys, index], `found "${item}" twice`);
    }
  };
  const planned = seedsAt(raw.seeds, ["seeds"]);
  known(raw.regimes, { valid: raw.regimes, keys: ["regimes"], what: "regime" });
  const targetNames = raw.targets.map((target) => target.name);
  known(targetNames, { valid: targetNames, keys: ["targets"], what: "target" });
  for (const [index, target] of raw.targets.entries()) {
    const plateau = target.plateauOf !== undefined && target.share !== undefined;
    const half = (target.plateauOf !== undefined) !== (target.share !== undefined);
    if (half || plateau === (target.accuracy !== undefined)) {
      at(["targets", index], `expected either accuracy, or plateauOf and share`);
    }
  }
  const tested = new Map<string, number>();
  const comparisons = raw.comparisons.map((comparison, index): PlannedComparison => {
    const keys = ["comparisons", index] as const;
    const { regimes = raw.regimes, targets = targetNames, axes = AXES } = comparison;
    known(regimes, { valid: raw.regimes, keys: [...keys, "regimes"], what: "regime" });
    known(targets, { valid: targetNames, keys: [...keys, "targets"], what: "target" });
    known(axes, { valid: AXES, keys: [...keys, "axes"], what: "axis" });
    if (comparison.candidate === comparison.control) {
      at([...keys, "control"], `found "${comparison.control}" on both sides`);
    }
    const measures = [
      ...(comparison.accuracy ? ["accuracy"] : []),
      ...targets.flatMap((target) => axes.map((axis) => `${target} ${axis}`)),
    ];
    if (measures.length === 0) at(keys, "it tests nothing");
    for (const regime of regimes) {
      for (const measure of measures) {
        const key = [regime, comparison.candidate, comparison.control, measure].join(" ");
        const earlier = tested.get(key);
        if (earlier !== undefined) {
          at(
            keys,
            `tests "${key}", as comparison ${earlier + 1} does; a test belongs to one family`,
          );
        }
        tested.set(key, index);
      }
    }
    return {
      ...comparison,
      regimes,
      targets,
      axes,
      seeds: comparison.seeds === undefined
        ? planned
        : seedsAt(comparison.seeds, [...keys, "seeds"]),
    };
  });
  if (faults.length > 0) throw new UsageError(faults.slice(0, 20).join("\n"));
  const targets = raw.targets.map(({ name, accuracy, plateauOf, share }): PlannedTarget => ({
    name,
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(plateauOf === undefined ? {} : { plateauOf }),
    ...(share === undefined ? {} : { share }),
  }));
  const { format: _, ...rest } = raw;
  return { ...rest, seeds: planned, targets, comparisons };
}
