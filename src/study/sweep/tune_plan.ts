/**
 * What is tried for every arm before a study.
 *
 * @module
 */
import { z } from "zod";
import { HostRandom } from "../../data/mod.ts";

const range = z.strictObject({
  from: z.number().positive().describe("Least value."),
  to: z.number().positive().describe("Largest value."),
}).refine(({ from, to }) => from < to, "Expected from < to");

/** The schema of `experiments/<study>.tune.yaml`. */
export const tunePlanSchema = z.strictObject({
  format: z.literal(1),
  study: z.string().min(1),
  regime: z.string().min(1).describe("The regime in which trials run."),
  seed: z.int().min(0).describe("Seed of the trials, which no unit of the study has."),
  trials: z.int().min(1).describe("Trials of every arm: the same number for all."),
  arms: z.record(
    z.string(),
    z.strictObject({
      protocol: z.string().describe("Whose validation accuracy at the end is compared."),
      space: z.record(z.string(), range)
        .describe("Ranges of options of the arm, drawn evenly on a logarithmic scale."),
    }),
  ),
});

/** What is tried. */
export type TunePlan = z.output<typeof tunePlanSchema>;

/** One trial of an arm. */
export interface Trial {
  /** Name of the trial's own arm. */
  readonly name: string;
  /** The arm that is tuned. */
  readonly arm: string;
  /** Values by option. */
  readonly values: Readonly<Record<string, number>>;
}

/** Digits of a value; more would not be another trial. */
const DIGITS = 3;

/**
 * Draws the trials.
 *
 * @param plan Arms and ranges.
 * @returns Trials, those of one number of all arms together, so that a search that is cut short has tried
 *   all arms alike. Trial `k` is the same for any number of trials.
 */
export function drawTrials({ arms, trials, seed }: TunePlan): Trial[] {
  return Array.from({ length: trials }, (_, k) =>
    Object.entries(arms).map(([arm, { space }]) => ({
      name: `${arm}-trial-${k}`,
      arm,
      values: Object.fromEntries(
        Object.entries(space).map(([option, { from, to }]) => {
          const words = [...`${arm} ${option}`].map((letter) => letter.codePointAt(0)!);
          const share = new HostRandom([seed, k, ...words]).uint32() / 2 ** 32;
          return [option, Number((from * (to / from) ** share).toPrecision(DIGITS))];
        }),
      ),
    }))).flat();
}

/**
 * A trial as an arm of a configuration: like the arm that is tuned, with other options.
 *
 * @param trial The trial.
 * @returns Its arm; `fineTune.rate` and the like reach into groups of the arm.
 */
export function trialArm({ arm, values }: Omit<Trial, "name">): Readonly<Record<string, unknown>> {
  return { like: arm, ...nested(values) };
}

/**
 * Values by dotted keys as mappings in mappings.
 *
 * @param values Values by option.
 * @returns The same, nested.
 */
export function nested(values: Readonly<Record<string, number>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(values)) {
    const [key, inner] = option.split(".");
    if (inner === undefined) result[key!] = value;
    else result[key!] = { ...result[key!] as object, [inner]: value };
  }
  return result;
}
