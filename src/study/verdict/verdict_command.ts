/**
 * `deno task verdict`: reads the units of a study and its plan, and says what they show.
 *
 * @module
 */
import { UsageError } from "../../experiment/usage_error.ts";
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { printableLines } from "../../text/printable.ts";
import { collectUnits } from "./collect_units.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { readProvenance } from "./provenance.ts";
import { readUnits } from "../read_units.ts";
import type { ReportImage } from "../../report/page.ts";
import type { StoredUnit } from "../stored_unit.ts";
import { formatTable } from "../text_table.ts";
import { readTuning, TUNING_FILE, tuningTable, tuningText } from "../tuning.ts";
import { plannedFolders } from "../study_folders.ts";
import { computeVerdict } from "./verdict.ts";
import { readVerdictPlan } from "./verdict_plan.ts";
import { verdictText } from "./verdict_text.ts";

const PROGRAM = "deno task verdict";

const USAGE = `Usage: ${PROGRAM} STUDY|FOLDER... [flags]

Reads every unit.json below the folders (of a study's name: experiments/results/STUDY, or runs/STUDY where
there is none), compares the units by the plan, and prints what they show. Exit code 0: every planned unit
is there; 3: some are missing, and what they belong to is not concluded.

Flags:
  --plan FILE   the plan (default experiments/STUDY.verdict.yaml)
  --tuning FILE what deno task tune tried (default trials.json in the first folder that has one)
  --html FILE   write the study's page too
  --collect DIR write the units' summaries into a folder, as they are committed: rounded, one file each,
                and what tuning tried
  --json        print the verdict as JSON
  --help        this text`;

/** Exit code of a study that is not finished. */
export const UNFINISHED = 3;

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options Where to write, and the folder of the repository (default the working directory).
 * @returns Exit code: 0 complete, 3 unfinished, 1 failed, 2 wrong usage.
 */
export async function runVerdict(
  args: readonly string[],
  { output = standardOutput, root = "." }: {
    readonly output?: CommandOutput;
    readonly root?: string;
  } = {},
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, {
      value: ["plan", "tuning", "html", "collect"],
      plain: ["json", "help"],
    });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    const { folders, study } = await plannedFolders(names, {
      ...{ root, kind: "verdict", plan: values.plan[0] },
    });
    const units = await readUnits(folders);
    const tuningPath = values.tuning[0] ?? await tuningIn(folders);
    const tuning = tuningPath === undefined ? undefined : await readTuning(tuningPath);
    const collection = values.collect[0];
    if (collection !== undefined) {
      const { written, unchanged } = await collectUnits(units, collection);
      if (tuning) {
        await writeFileAtomic(
          `${collection}/${TUNING_FILE}`,
          `${JSON.stringify(tuning, null, 1)}\n`,
        );
      }
      output.log(`${collection}: ${written} summaries written, ${unchanged} were there.`);
    }
    const name = study ?? units[0]?.unit.study;
    const planPath = values.plan[0] ??
      (name === undefined ? undefined : `${root}/experiments/${name}.verdict.yaml`);
    if (planPath === undefined) {
      throw new UsageError(
        `There is no unit in ${folders.join(", ")}, and no --plan to say what was planned.`,
      );
    }
    const plan = await readVerdictPlan(planPath);
    if (tuning && tuning.plan.study !== plan.study) {
      throw new UsageError(
        `${tuningPath} is of the study "${tuning.plan.study}", the plan of "${plan.study}".`,
      );
    }
    const verdict = computeVerdict(plan, units);
    const provenance = await readProvenance(planPath, units);
    if (given.json) {
      output.print(printableLines(JSON.stringify({ ...verdict, provenance }, null, 2)));
    } else {
      output.print(printableLines(verdictText(verdict, provenance)));
      if (tuning) {
        output.print(
          `\n${printableLines(tuningText(tuning))}\n${formatTable(tuningTable(tuning))}`,
        );
      }
      output.print(`\nRead from ${folders.length === 0 ? "no folder" : folders.join(", ")}.`);
    }
    const page = values.html[0];
    if (page !== undefined) {
      const { studyPage } = await import("./study_page.ts");
      const configurations = {
        [`The plan, ${planPath}`]: await Deno.readTextFile(planPath),
        ...await firstRecord(units),
      };
      const images = await firstPictures(units);
      const text = await studyPage(verdict, {
        ...{ provenance, units, configurations, images },
        ...(tuning && { tuning }),
      });
      await writeFileAtomic(page, text);
      output.log(`Page: ${page}`);
    }
    return verdict.state === "complete" ? 0 : UNFINISHED;
  });
}

/** What tuning tried, where it lies beside the units. */
async function tuningIn(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = `${folder.replace(/(?<=.)\/+$/, "")}/${TUNING_FILE}`;
    if (await Deno.stat(path).then(({ isFile }) => isFile, () => false)) return path;
  }
  return undefined;
}

/** The complete record of a run, where the units are in run folders. */
async function firstRecord(units: readonly StoredUnit[]): Promise<Record<string, string>> {
  for (const { path } of units) {
    const record = path.replace(/\/[^/]*$/, "/config.yaml");
    const text = await Deno.readTextFile(record).catch(() => undefined);
    if (text !== undefined) return { [`The record of one run, ${record}`]: text };
  }
  return {};
}

/** The pictures of the first unit of every arm, where the units are in run folders. */
async function firstPictures(units: readonly StoredUnit[]): Promise<ReportImage[]> {
  const { readRunPictures } = await import("../run_pictures.ts");
  const arms = Map.groupBy(units, ({ unit: { regime, arm } }) => `${regime} ${arm}`);
  const images = new Map<string, readonly ReportImage[]>();
  for (const [first] of arms.values()) {
    const { path, unit: { regime, seed } } = first!;
    const folder = path.replace(/\/[^/]*$/, "");
    // A run may hold several arms.
    if (images.has(folder)) continue;
    images.set(
      folder,
      (await readRunPictures(folder)).map((image) => ({
        ...image,
        title: `${image.title} (regime ${regime}, seed ${seed})`,
      })),
    );
  }
  return [...images.values()].flat();
}

if (import.meta.main) Deno.exit(await runVerdict(Deno.args));
