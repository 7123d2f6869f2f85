/**
 * The units of an experiment, and the part of its configuration that decides each.
 *
 * @module
 */
import { unknownName, UsageError } from "../../experiment/usage_error.ts";
import { excerpt } from "../../text/printable.ts";
import { hashConfiguration, leavesOf } from "../configuration_hash.ts";
import { unitKey } from "../stored_unit.ts";

/** What `--dry-run` says of an experiment. */
export interface ResolvedRun {
  /** Name of the experiment. */
  readonly experiment: string;
  /** The preset. */
  readonly preset: string | null;
  /** Engine asked for. */
  readonly engine: string;
  /** Data asked for. */
  readonly data: string;
  /** Whether engines may compute in half precision; not unless told. */
  readonly halfPrecision?: boolean;
  /** The whole configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A unit that is to run. */
export interface SweepUnit {
  /** The regime. */
  readonly regime: string;
  /** The arm. */
  readonly arm: string;
  /** The seed. */
  readonly seed: number;
  /** Its run folder. */
  readonly folder: string;
  /** Hash of what decides its numbers, but for the seed. */
  readonly configuration: string;
}

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Takes out of a configuration what one arm in one regime does not depend on: other arms, but for those that
 * it is `like`, and other regimes.
 *
 * @param run The whole.
 * @param unit The arm and the regime.
 */
export function partOfConfiguration(
  { experiment, engine, data, halfPrecision, config }: Omit<ResolvedRun, "preset">,
  { arm, regime }: { readonly arm: string; readonly regime: string },
): Mapping {
  const { arms, regimes, only: _, ...rest } = config;
  const chain: Record<string, unknown> = {};
  for (let name: string | undefined = arm; name !== undefined && !(name in chain);) {
    const found: unknown = (arms as Mapping)[name];
    chain[name] = found;
    const like: unknown = (found as Mapping | null | undefined)?.["like"];
    name = typeof like === "string" ? like : undefined;
  }
  const where = { [regime]: (regimes as Mapping)[regime] };
  return {
    ...{ experiment, engine, data },
    ...(halfPrecision && { halfPrecision }),
    config: { ...rest, arms: chain, regimes: where },
  };
}

/**
 * Says which keys differ between two configurations.
 *
 * @param before What was.
 * @param after What is.
 */
export function configurationChanges(before: unknown, after: unknown): string[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort()
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) =>
      `${key} (${excerpt(now.get(key) ?? "nothing", 60)}, was ${
        excerpt(old.get(key) ?? "nothing", 60)
      })`
    );
}

/**
 * Lists the units of a sweep, all arms of a seed before the next seed, so that pairs are complete early.
 *
 * @param run What `--dry-run` says.
 * @param options Names of arms and regimes (default all), seeds, and the folder of the study.
 * @throws {UsageError} If the experiment has no arms and regimes, or not those that are named.
 */
export async function sweepUnits(
  run: ResolvedRun,
  { arms, regimes, seeds, out }: {
    readonly arms: readonly string[] | undefined;
    readonly regimes: readonly string[] | undefined;
    readonly seeds: readonly number[];
    readonly out: string;
  },
): Promise<SweepUnit[]> {
  const chosen = (kind: "arms" | "regimes", named: readonly string[] | undefined) => {
    const all = run.config[kind];
    if (typeof all !== "object" || all === null || Array.isArray(all) || !("only" in run.config)) {
      throw new UsageError(
        `Cannot sweep ${run.experiment}: its configuration has no mapping "${kind}", or no "only" to ` +
          `run a part of it. Experiments with arms as data can be swept.`,
      );
    }
    // An arm that a preset takes out is null.
    const valid = Object.keys(all).filter((name) => (all as Mapping)[name] !== null);
    for (const name of named ?? []) {
      if (!valid.includes(name)) {
        throw new UsageError(unknownName(kind.slice(0, -1), { found: name, valid }));
      }
    }
    return valid.filter((name) => named === undefined || named.includes(name));
  };
  const [armNames, regimeNames] = [chosen("arms", arms), chosen("regimes", regimes)];
  const groups = await Promise.all(
    regimeNames.flatMap((regime) =>
      armNames.map(async (arm) => ({
        regime,
        arm,
        configuration: await hashConfiguration(partOfConfiguration(run, { arm, regime })),
      }))
    ),
  );
  return seeds.flatMap((seed) =>
    groups.map((group) => ({ ...group, seed, folder: `${out}/${unitKey({ ...group, seed })}` }))
  );
}
