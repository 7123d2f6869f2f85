/**
 * What a campaign found, as text.
 *
 * @module
 */
import type { CampaignResult, Failure, Outcome } from "./campaign.ts";
import { LOSS_TEXT, modeText } from "./modes.ts";
import { callNames, inputText, recipeText } from "./recipe_text.ts";

/** A table: one row a kind, then the sum. */
export function tableText({ outcomes }: CampaignResult): string {
  const rows = [
    [
      "engine",
      "kind",
      "tried",
      "right",
      "wrong",
      "refused",
      "law",
      "elements",
      "ambiguous",
      "not finite",
      "worst ratio",
    ],
    ...groups(outcomes, ({ engine, mode }) => [engine, mode]),
    ...groups(
      outcomes.filter(({ setting }) => setting.engine === "webgpu"),
      ({ engine, adapter }) => [engine, `adapter ${adapter}`],
    ),
    ...groups(outcomes, () => ["all", ""]),
  ];
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows.map((row) => row.map((cell, k) => cell.padEnd(widths[k]!)).join("  ").trimEnd())
    .join("\n");
}

function groups(
  outcomes: readonly Outcome[],
  nameOf: (setting: Outcome["setting"]) => string[],
): string[][] {
  const found = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const name = nameOf(outcome.setting).join("\n");
    found.set(name, [...found.get(name) ?? [], outcome]);
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([name, members]) => {
    const count = (kind: string): string =>
      String(members.filter(({ verdict }) => verdict.kind === kind).length);
    const sum = (of: (outcome: Outcome) => number): number =>
      members.reduce((total, member) => total + of(member), 0);
    const elements = sum(({ verdict }) => verdict.elements);
    const share = (part: number): string => `${(100 * part / Math.max(1, elements)).toFixed(2)} %`;
    const right = members.filter(({ verdict }) => verdict.kind === "right");
    return [
      ...name.split("\n"),
      String(members.length),
      count("right"),
      count("wrong"),
      count("refused"),
      count("law"),
      String(elements),
      share(sum(({ verdict }) => verdict.ambiguous)),
      share(sum(({ verdict }) => verdict.special)),
      Math.max(0, ...right.map(({ verdict }) => verdict.ratio)).toFixed(2),
    ];
  });
}

/** A failure with its program as text for a test. */
export function failureText({ setting, verdict, recipe }: Failure): string {
  const { mode, axes, engine, adapter, recompute, donate, key } = setting;
  const usesLoss = !["out", "vmap", "jvp"].includes(mode);
  return [
    `// ${verdict.kind} on ${engine} (${adapter}; recompute ${recompute}, donate ${donate}), mode ${mode}`,
    `// seed ${key[0]}, program ${key[1]}: ${verdict.message}`,
    `// inputs ${inputText(recipe)}`,
    recipeText(recipe),
    ...(usesLoss ? [LOSS_TEXT] : []),
    modeText(mode, axes),
  ].join("\n");
}

/** Failures that look alike, the most frequent first. */
export function groupFailures(failures: readonly Failure[]): Failure[][] {
  const found = new Map<string, Failure[]>();
  for (const failure of failures) {
    const message = failure.verdict.message.replaceAll(/[-\d.e]+/g, "#").slice(0, 60);
    const names = [...callNames(failure.recipe)].sort().join("+");
    const key = failure.verdict.kind === "refused"
      ? `${failure.setting.engine} ${message}`
      : `${failure.setting.engine} ${names}`;
    found.set(key, [...found.get(key) ?? [], failure]);
  }
  return [...found.values()].sort((a, b) => b.length - a.length);
}
