/**
 * A verdict as text for a terminal.
 *
 * @module
 */
import type { Provenance } from "./provenance.ts";
import { formatSeeds } from "../seed_list.ts";
import { formatTable, type TextTable } from "../text_table.ts";
import type { Verdict } from "./verdict.ts";
import {
  accuracyTable,
  checkTable,
  conclusionTable,
  openReasons,
  targetTable,
  timeTable,
} from "./verdict_rows.ts";

/**
 * Says in one sentence how far a study is.
 *
 * @param verdict The verdict.
 */
export function stateText({ state, planned, finished }: Verdict): string {
  if (state === "empty") {
    return `There is no verdict: none of ${planned} planned units is there.`;
  }
  if (state === "incomplete") {
    return `The study is not finished: ${finished} of ${planned} planned units are there. Figures of ` +
      `comparisons with missing units are shown, and nothing is concluded from them.`;
  }
  return `All ${planned} planned units are there.`;
}

/**
 * Says which commits a verdict rests on.
 *
 * @param provenance What git and the units say.
 */
export function provenanceLines(provenance: Provenance): string[] {
  const { plan, planCommit, planDate, units } = provenance;
  const commits = units.map(({ commit, units, planned }) =>
    `${commit} (${units} units${
      planned === undefined ? "" : planned ? ", after the plan" : ", BEFORE the plan"
    })`
  );
  return [
    `Plan:  ${plan}, ${
      planCommit === undefined ? "NOT COMMITTED" : `commit ${planCommit} of ${planDate}`
    }`,
    `Units: ${commits.length === 0 ? "none" : `commit ${commits.join(", ")}`}`,
  ];
}

/**
 * Writes a verdict.
 *
 * @param verdict The verdict.
 * @param provenance Where plan and units are from.
 */
export function verdictText(verdict: Verdict, provenance: Provenance): string {
  const { plan, families, conclusions, checks, missing, targets } = verdict;
  const notices = [...provenance.warnings, ...verdict.notices];
  const section = (title: string, { heads, rows }: TextTable) =>
    rows.length === 0 ? [] : ["", title, formatTable({ heads, rows })];
  const lines = [
    `${plan.study}: ${plan.question || "no question is noted in the plan"}`,
    ...provenanceLines(provenance),
    stateText(verdict),
    ...notices.map((notice) => `Warning: ${notice}`),
  ];
  if (verdict.state !== "empty") {
    lines.push(
      ...section("Targets", targetTable(targets)),
      ...section(
        "Equal or better, and sooner (accuracy and time together)",
        conclusionTable(conclusions),
      ),
    );
    for (const { name, regime, cells } of families) {
      const count = `${cells.length} ${cells.length === 1 ? "test" : "tests"}`;
      const head =
        `Family ${name} in ${regime}: ${count}, Holm-corrected, alpha ${plan.alpha}, two-sided`;
      lines.push(
        ...section(`${head}; test accuracy`, accuracyTable(cells, plan)),
        ...section(
          `${head}; time to targets, pretraining counted in and in parentheses`,
          timeTable(cells, plan),
        ),
      );
      const reasons = openReasons(cells);
      if (reasons.length > 0) lines.push("Undecided:", ...reasons.map((reason) => `- ${reason}`));
    }
    lines.push(...section("Checks", checkTable(checks)));
  }
  lines.push(...section("Missing units", {
    heads: ["regime", "arm", "missing", "seeds"],
    rows: missing.map(({ regime, arm, seeds, planned }) => [
      ...[regime, arm, `${seeds.length} of ${planned}`, formatSeeds(seeds)],
    ]),
  }));
  return lines.join("\n");
}
