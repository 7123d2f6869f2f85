/**
 * What tuning tried before a study: every trial of every arm, as `trials.json` holds it.
 *
 * @module
 */
import { z } from "zod";
import { fileError } from "../run/file_error.ts";
import { percent } from "./percent.ts";
import type { TextTable } from "./text_table.ts";

const schema = z.object({
  plan: z.object({
    study: z.string(),
    regime: z.string(),
    seed: z.int().min(0),
    trials: z.int().min(1),
    arms: z.record(z.string(), z.object({ protocol: z.string() })),
  }),
  results: z.array(z.object({
    name: z.string(),
    arm: z.string(),
    values: z.record(z.string(), z.number()),
    accuracy: z.number().min(0).max(1).exactOptional(),
  })),
});

/** Trials of the arms of a study, ranked on validation images. */
export type Tuning = z.output<typeof schema>;

/** A trial, with its validation accuracy from 0 to 1 if it has run to its end. */
export type TrialResult = Tuning["results"][number];

/** Name of the file, in the folder of the trials and among committed summaries. */
export const TUNING_FILE = "trials.json";

/**
 * Reads what tuning tried.
 *
 * @param path A `trials.json`.
 * @throws {SyntaxError} If it is something else: file, key, what was expected.
 * @throws {Error} If it cannot be read.
 */
export async function readTuning(path: string): Promise<Tuning> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw fileError("read what tuning tried", { path, cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${path}: it is no JSON. Run deno task tune again.`, {
      cause,
    });
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const faults = error.issues.map(({ path: keys, message }) => `  ${keys.join(".")}: ${message}`);
  throw new SyntaxError(`Cannot use ${path} as the trials of tuning:\n${faults.join("\n")}`);
}

/**
 * The best trial of an arm: the first of the most accurate.
 *
 * @param arm Name of the arm.
 * @param results Trials of all arms.
 * @throws {RangeError} If no trial of the arm has run.
 */
export function bestTrial(arm: string, results: readonly TrialResult[]): TrialResult {
  const own = results.filter((result) => result.arm === arm && result.accuracy !== undefined);
  if (own.length === 0) throw new RangeError(`No trial of the arm "${arm}" has run.`);
  return own.reduce((best, result) => result.accuracy! > best.accuracy! ? result : best);
}

/** How the accuracies of every arm's trials are spread, and the best trial. */
export function tuningTable({ plan, results }: Tuning): TextTable {
  return {
    heads: ["arm", "trials", "least", "median", "best", "values of the best"],
    rows: Object.keys(plan.arms).map((arm) => {
      const sorted = results.flatMap((result) =>
        result.arm === arm && result.accuracy !== undefined ? [result.accuracy] : []
      ).sort((a, b) => a - b);
      if (sorted.length === 0) return [arm, "0", "–", "–", "–", "–"];
      const middle = (sorted.length - 1) / 2;
      const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
      return [
        ...[arm, String(sorted.length)],
        ...[sorted[0]!, median, sorted.at(-1)!].map(percent),
        valuesText(bestTrial(arm, results)),
      ];
    }),
  };
}

/** Every trial, the best of an arm first. */
export function trialTable({ plan, results }: Tuning): TextTable {
  return {
    heads: ["trial", "values", "validation accuracy"],
    rows: Object.keys(plan.arms).flatMap((arm) =>
      results.filter((result) => result.arm === arm)
        .sort((a, b) => (b.accuracy ?? -1) - (a.accuracy ?? -1))
        .map((result) => [
          result.name,
          valuesText(result),
          result.accuracy === undefined ? "–" : percent(result.accuracy),
        ])
    ),
  };
}

/** One line: where, how many, and by which images. */
export function tuningText({ plan }: Tuning): string {
  return `Tuning: ${plan.trials} random trials of every arm in ${plan.regime}, seed ${plan.seed}, ` +
    `ranked by accuracy on validation images; arms that are like a tuned one take its values.`;
}

function valuesText({ values }: TrialResult): string {
  return Object.entries(values).map(([option, value]) => `${option} ${value}`).join(", ");
}
