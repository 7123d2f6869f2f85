/**
 * Which commits a verdict rests on: that of its plan and those of its units, and which came first.
 *
 * @module
 */
import type { StoredUnit } from "../stored_unit.ts";

/** Units of one commit. */
export interface UnitCommit {
  /** The commit, `unknown` where the units do not say. */
  readonly commit: string;
  /** Number of units. */
  readonly units: number;
  /** Whether the plan, as it is now, was there then; `undefined` where git cannot tell. */
  readonly planned?: boolean;
}

/** Where plan and units are from. */
export interface Provenance {
  /** The plan's file. */
  readonly plan: string;
  /** Last commit that changed the plan; `undefined` if there is none, or no git. */
  readonly planCommit?: string;
  /** Date of that commit. */
  readonly planDate?: string;
  /** `true` if the file differs from what is committed. */
  readonly planChanged: boolean;
  /** Commits of the units. */
  readonly units: readonly UnitCommit[];
  /** What of this weakens the verdict. */
  readonly warnings: readonly string[];
}

/**
 * Asks git about the plan, and the units about themselves.
 *
 * @param plan Path of the plan's file.
 * @param units The units; their fact `commit` is read.
 */
export async function readProvenance(
  plan: string,
  units: readonly StoredUnit[],
): Promise<Provenance> {
  const folder = plan.replace(/[^/]*$/, "") || ".";
  const file = plan.slice(plan.lastIndexOf("/") + 1);
  const log = await git(folder, ["log", "-1", "--format=%H %cI", "--", file]);
  const [planCommit, planDate] = log?.output.trim().split(" ").filter((part) => part !== "") ?? [];
  const status = await git(folder, ["status", "--porcelain", "--", file]);
  const planChanged = status?.output.trim() !== "";
  const byCommit = Map.groupBy(units, ({ unit }) => String(unit.facts["commit"] ?? "unknown"));
  const commits: UnitCommit[] = [];
  for (const [commit, stored] of byCommit) {
    const known = planCommit !== undefined && /^[0-9a-f]{7,64}$/.test(commit);
    const asked = known
      ? await git(folder, ["merge-base", "--is-ancestor", planCommit, commit])
      : undefined;
    commits.push({
      commit,
      units: stored.length,
      ...(asked && asked.code < 2 && { planned: asked.code === 0 }),
    });
  }
  commits.sort((a, b) => b.units - a.units || (a.commit < b.commit ? -1 : 1));
  const early = commits.filter(({ planned }) => planned === false);
  const unclear = commits.filter(({ planned }) => planned === undefined);
  const count = (list: readonly UnitCommit[]) => list.reduce((sum, { units }) => sum + units, 0);
  const warnings = [
    ...(planCommit === undefined
      ? [`The plan ${plan} is not committed: nothing shows that it was made before the units ran.`]
      : planChanged
      ? [`The plan ${plan} differs from what is committed.`]
      : []),
    ...(early.length > 0
      ? [
        `${count(early)} units ran before the plan was committed as it is now (their commits ` +
        `${early.map(({ commit }) => commit.slice(0, 12)).join(", ")}).`,
      ]
      : []),
    ...(planCommit !== undefined && unclear.length > 0
      ? [
        `Of ${count(unclear)} units git cannot tell whether they ran after the plan was committed.`,
      ]
      : []),
  ];
  return {
    plan,
    ...(planCommit === undefined ? {} : { planCommit }),
    ...(planDate === undefined ? {} : { planDate }),
    planChanged,
    units: commits,
    warnings,
  };
}

/** Runs git; `undefined` if there is none. */
async function git(
  folder: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly output: string } | undefined> {
  try {
    const { code, stdout } = await new Deno.Command("git", {
      args: ["-C", folder, ...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return { code, output: new TextDecoder().decode(stdout) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
