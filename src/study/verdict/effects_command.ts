/**
 * `deno task effects`: main effects of a factorial study.
 *
 * @module
 */
import { UsageError } from "../../experiment/usage_error.ts";
import { printableLines } from "../../text/printable.ts";
import { type EffectsPlan, readEffectsPlan } from "./effects_plan.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { mainEffects, type ProtocolEffects } from "./main_effects.ts";
import { readUnits } from "../read_units.ts";
import { plannedFolders } from "../study_folders.ts";
import { formatTable } from "../text_table.ts";
import { UNFINISHED } from "./verdict_command.ts";

const PROGRAM = "deno task effects";

const USAGE = `Usage: ${PROGRAM} STUDY|FOLDER... [flags]

Reads every unit below the folders (of a study's name: experiments/results/STUDY, or runs/STUDY where there
is none) and prints the main effect of every factor of its plan. Exit code 0: every planned unit is there;
3: some are missing, and seeds without all arms are left out.

Flags:
  --plan FILE   the plan (default experiments/STUDY.effects.yaml)
  --json        print the effects as JSON
  --help        this text`;

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options Where to write, and the folder of the repository (default the working directory).
 * @returns Exit code: 0 complete, 3 unfinished, 1 failed, 2 wrong usage.
 */
export async function effectsCommand(
  args: readonly string[],
  { output = standardOutput, root = "." }: {
    readonly output?: CommandOutput;
    readonly root?: string;
  } = {},
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, { value: ["plan"], plain: ["json", "help"] });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    const { folders, study } = await plannedFolders(names, {
      ...{ root, kind: "effects", plan: values.plan[0] },
    });
    const units = await readUnits(folders);
    const name = study ?? units[0]?.unit.study;
    const path = values.plan[0] ?? (name && `${root}/experiments/${name}.effects.yaml`);
    if (path === undefined) {
      throw new UsageError(`There is no unit in ${folders.join(", ")}, and no --plan.`);
    }
    const plan = await readEffectsPlan(path);
    const found = mainEffects(plan, units);
    output.print(
      printableLines(
        given.json
          ? JSON.stringify({ plan, protocols: found }, null, 2)
          : found.map((effects) => effectsText(plan, effects)).join("\n\n"),
      ),
    );
    return found.every(({ missing }) => missing.length === 0) ? 0 : UNFINISHED;
  });
}

/** A table with a bar for every effect: `#` a half of a point, to the left where level + is worse. */
function effectsText(
  { factors, alpha, level, seeds: planned }: EffectsPlan,
  { protocol, seeds, missing, effects }: ProtocolEffects,
): string {
  const head = `${protocol}: ${seeds.length} of ${planned.length} seeds are complete` +
    (missing.length > 0 ? `; missing: ${missing.slice(0, 8).join(", ")}` : "") +
    (missing.length > 8 ? ` and ${missing.length - 8} more` : "");
  if (effects.length === 0) return `${head}. There are no effects yet.`;
  const points = (share: number): string => `${share < 0 ? "" : "+"}${(100 * share).toFixed(2)}`;
  const table = formatTable({
    heads: [
      ...["factor", "levels - and +", "- %", "+ %", `effect in points [${100 * level}% BCa]`],
      ...["p", "Holm p", "", ""],
    ],
    rows: effects.map(({ factor, low, high, interval, differences, p, holm }) => {
      const size = Math.min(12, Math.round(200 * Math.abs(high - low)));
      const bar = "#".repeat(size);
      const shown = interval
        ? `${points(interval.estimate)} [${points(interval.low)}, ${points(interval.high)}]`
        : `${points(differences[0]!)} (one seed)`;
      return [
        factor,
        factors[factor]!.levels.join(" | "),
        (100 * low).toFixed(2),
        (100 * high).toFixed(2),
        shown,
        p.toPrecision(2),
        holm.toPrecision(2),
        high < low ? `${bar.padStart(12)}|` : `${" ".repeat(12)}|${bar}`,
        holm <= alpha ? "*" : "",
      ];
    }),
  });
  const least = 2 ** (1 - seeds.length) * effects.length;
  const note = least > alpha
    ? `\nWith ${seeds.length} seeds and ${effects.length} factors no test can reach ${alpha}.`
    : "";
  return `${head}.\n${table}${note}`;
}

if (import.meta.main) Deno.exit(await effectsCommand(Deno.args));
