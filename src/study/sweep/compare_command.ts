/**
 * `deno task compare`: finished runs side by side, accuracies with what they have cost.
 *
 * @module
 */
import { kernelFacts } from "../../experiment/kernel_table.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { formatQuantity } from "../../report/quantity.ts";
import { wilsonInterval } from "../../report/mod.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { readTrials } from "../read_units.ts";
import { configurationChanges } from "./sweep_units.ts";
import { formatTable } from "../text_table.ts";
import type { Cost } from "../unit_summary.ts";
import { readJson, readRecord } from "./unit_state.ts";
import { totalCost } from "../verdict/verdict_cell.ts";
import { percent } from "../percent.ts";

const PROGRAM = "deno task compare";

const USAGE = `Usage: ${PROGRAM} RUN RUN... [flags]

Shows what finished runs have reached and what it has cost, pretraining counted in; then the keys of their
configurations that differ from the first run's. One seed: differences may be chance. For that there is
deno task verdict.

Flags:
  --help   this text`;

/** One row of the table. */
interface Row {
  readonly run: string;
  readonly seed: number;
  readonly name: string;
  readonly validation: number | undefined;
  readonly test: number | undefined;
  readonly images: number | undefined;
  readonly cost: Cost;
  readonly pretraining: Cost | undefined;
}

/** An arm in the `summary.json` of an experiment. */
interface ArmSummary extends Partial<Cost> {
  readonly validationAccuracy?: number;
  readonly testAccuracy?: number;
  readonly pretraining?: Cost;
}

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param output Where to write.
 * @returns Exit code.
 */
export async function compareCommand(
  args: readonly string[],
  output: CommandOutput = standardOutput,
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, given } = readFlags(args, { value: [], plain: ["help"] });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    if (names.length === 0) throw new UsageError("Expected the folders of finished runs.");
    const folders = names.map((name) => name.replace(/(?<=.)\/+$/, ""));
    const rows = (await Promise.all(folders.map(rowsOf))).flat();
    output.print(formatTable({
      heads: [
        ...["run", "seed", "arm", "validation", "test", "test images [95%]", "steps", "samples"],
        ...["FLOP", "seconds", "pretraining steps"],
      ],
      rows: rows.map(cellsOf),
    }));
    const records = await Promise.all(folders.map(readRecord));
    const decisive = (at: number) => {
      const { experiment, engine, data, config, commit, environment } = records[at]!;
      // Which part of a study a run did is seen in the table.
      const { only: _, ...rest } = config as Readonly<Record<string, unknown>>;
      return { experiment, engine, data, commit, ...kernelFacts(environment), config: rest };
    };
    const partOf = (at: number) =>
      JSON.stringify((records[at]!.config as Readonly<Record<string, unknown>>)["only"]);
    for (const [at, folder] of folders.entries()) {
      if (at === 0 || !records[0] || !records[at]) continue;
      const changes = configurationChanges(decisive(0), decisive(at));
      output.print(
        changes.length === 0
          ? `${folder}: same configuration as ${folders[0]}${
            partOf(0) === partOf(at) ? "" : ", for another part of the study"
          }`
          : `${folder}, other than ${folders[0]}: ${changes.join(", ")}`,
      );
    }
    return 0;
  });
}

function cellsOf({ run, seed, name, validation, test, images, cost, pretraining }: Row): string[] {
  const interval = test === undefined || images === undefined ? "–" : intervalText(test, images);
  return [
    ...[run, String(seed), name],
    validation === undefined ? "–" : percent(validation),
    test === undefined ? "–" : percent(test),
    interval,
    ...[cost.steps, cost.samples, cost.flops].map(formatQuantity),
    cost.seconds.toFixed(1),
    pretraining === undefined ? "–" : formatQuantity(pretraining.steps),
  ];
}

function intervalText(share: number, trials: number): string {
  const { low, high } = wilsonInterval(share, { trials });
  return `${trials} [${percent(low)}, ${percent(high)}]`;
}

/** What a run has reached: of its units, or of its arms. */
async function rowsOf(folder: string): Promise<Row[]> {
  const status = await readJson<{ state?: string }>(`${folder}/status.json`);
  if (status?.state !== "finished") {
    throw new UsageError(
      `Cannot compare ${folder}: ${
        status === undefined ? "it is no run folder" : `its run is ${status.state}`
      }, expected the folder of a finished run.`,
    );
  }
  const run = folder.split("/").slice(-4).join("/");
  const units = await readTrials(folder);
  if (units.length > 0) {
    return units.flatMap((unit) =>
      unit.outcomes.map((outcome): Row => ({
        ...{ run, seed: unit.seed, name: `${unit.arm}/${outcome.protocol} in ${unit.regime}` },
        validation: outcome.curve.at(-1)?.accuracy,
        test: outcome.test?.accuracy,
        images: outcome.test?.images,
        cost: totalCost(outcome),
        pretraining: outcome.before,
      }))
    );
  }
  const summary = await readJson<{ arms?: Record<string, ArmSummary>; seed?: number }>(
    `${folder}/summary.json`,
  );
  const arms = Object.entries(summary?.arms ?? {});
  if (arms.length === 0) {
    throw new UsageError(
      `Cannot compare ${folder}: it has neither unit.json nor a summary.json with arms.`,
    );
  }
  const record = await readRecord(folder);
  return arms.map(([name, arm]): Row => ({
    ...{ run, seed: record?.seed ?? summary?.seed ?? 0, name },
    validation: arm.validationAccuracy,
    test: arm.testAccuracy,
    images: undefined,
    cost: {
      ...{ steps: arm.steps ?? 0, samples: arm.samples ?? 0 },
      ...{ flops: arm.flops ?? 0, seconds: arm.seconds ?? 0 },
    },
    pretraining: arm.pretraining,
  }));
}

if (import.meta.main) Deno.exit(await compareCommand(Deno.args));
