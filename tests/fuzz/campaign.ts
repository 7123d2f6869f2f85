/**
 * Many programs, and what became of them.
 *
 * @module
 */
import { RefusedCall } from "./builder.ts";
import { Engines, type EngineUnderTest } from "./engines.ts";
import { generate, prune } from "./generate.ts";
import { minimise } from "./minimise.ts";
import type { Mode } from "./modes.ts";
import type { Recipe } from "./recipe.ts";
import { attempt, drawSetting, type Setting, type Verdict } from "./trial.ts";

/** What is run. */
export interface CampaignOptions {
  /** Seed of all programs. */
  readonly seed: number;
  /** Number of the first program. */
  readonly first: number;
  /** How many programs. */
  readonly programs: number;
  /** Engines; each program runs on all of them. */
  readonly engines: readonly EngineUnderTest[];
  /** What is computed of each program; drawn unless told. */
  readonly mode?: Mode | undefined;
  /** Adapter that programs are compiled for; drawn unless told. */
  readonly adapter?: string | undefined;
  /** Whether some inputs are not finite. */
  readonly special: boolean;
  /** Whether to end with the first failure. */
  readonly stop?: boolean;
  /** Whether failing programs are made smaller. */
  readonly minimise: boolean;
  /** Called after every program. */
  readonly onProgram?: (done: number, failures: readonly Failure[]) => void;
}

/** A program that failed. */
export interface Failure {
  /** How it was run. */
  readonly setting: Setting;
  /** What happened. */
  readonly verdict: Verdict;
  /** The program, made smaller. */
  readonly recipe: Recipe;
}

/** A program's outcome on one engine. */
export interface Outcome {
  /** How it was run. */
  readonly setting: Setting;
  /** What happened. */
  readonly verdict: Verdict;
}

/** Outcome of a campaign. */
export interface CampaignResult {
  /** Every program on every engine. */
  readonly outcomes: readonly Outcome[];
  /** Those that were not right. */
  readonly failures: readonly Failure[];
}

/** Runs random programs. */
export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const engines = new Engines();
  const outcomes: Outcome[] = [];
  const failures: Failure[] = [];
  try {
    for (let done = 0; done < options.programs; done++) {
      if (options.stop && failures.length > 0) break;
      const key = [options.seed, options.first + done] as const;
      const recipe = generateOrRefuse(...key);
      for (const engine of options.engines) {
        const setting = drawSetting(recipe.recipe, key, { ...options, engine });
        const verdict = recipe.refused ?? await attempt(engines, recipe.recipe, setting);
        outcomes.push({ setting, verdict });
        if (verdict.kind === "right") continue;
        failures.push(
          recipe.refused || !options.minimise
            ? { setting, verdict, recipe: recipe.recipe }
            : await smallest(engines, { setting, verdict, recipe: recipe.recipe }),
        );
      }
      options.onProgram?.(done + 1, failures);
    }
  } finally {
    engines.close();
  }
  return { outcomes, failures };
}

/** A program; where a call of the public API was refused, the program up to there. */
function generateOrRefuse(
  seed: number,
  program: number,
): { recipe: Recipe; refused?: Verdict } {
  try {
    return { recipe: generate(seed, program) };
  } catch (error) {
    if (!(error instanceof RefusedCall)) throw error;
    return {
      recipe: prune(error.recipe),
      refused: {
        kind: "refused",
        message: `while building: ${error.message}`,
        elements: 0,
        ambiguous: 0,
        special: 0,
        ratio: 0,
      },
    };
  }
}

/** A message without its numbers: what two failures of one kind have in common. */
function patternOf({ kind, message }: Verdict): string {
  return kind === "refused" ? message.replaceAll(/[-\d.e]+/g, "#").slice(0, 60) : kind;
}

async function smallest(engines: Engines, failure: Failure): Promise<Failure> {
  const pattern = patternOf(failure.verdict);
  let { setting, verdict } = failure;
  // The simplest setting in which it fails.
  const simpler: Setting[] = [
    { ...setting, adapter: "as it is", recompute: "auto", donate: false },
    { ...setting, adapter: "as it is" },
    { ...setting, recompute: "auto", donate: false },
  ];
  for (const candidate of [...simpler.map((s): Setting => ({ ...s, mode: "out" })), ...simpler]) {
    const found = await attempt(engines, failure.recipe, candidate);
    if (patternOf(found) !== pattern) continue;
    setting = candidate;
    verdict = found;
    break;
  }
  const recipe = await minimise(failure.recipe, async (smaller) => {
    const found = await attempt(engines, smaller, fit(setting, smaller));
    if (patternOf(found) !== pattern) return false;
    verdict = found;
    return true;
  });
  return { setting: fit(setting, recipe), verdict, recipe };
}

/** A setting for a smaller program: mapped axes for its inputs. */
function fit(setting: Setting, recipe: Recipe): Setting {
  const { axes } = drawSetting(recipe, setting.key, {
    engine: setting.engine,
    special: setting.special,
  });
  return { ...setting, axes };
}
