/**
 * `deno task show-task`: pictures of a pretext task as a PNG file.
 *
 * @module
 */
import { objectivesOn, pretextTasks } from "../../components/mod.ts";
import { type EngineChoice, engineChoices, openEngine } from "../../engine/mod.ts";
import { loadData } from "../../experiment/mod.ts";
import { unknownName, UsageError } from "../../experiment/usage_error.ts";
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { taskGrid } from "../run_pictures.ts";
import { readRecord } from "../sweep/unit_state.ts";
import { loadTasks } from "./load_tasks.ts";
import { configOfRun, showTask, untrainedConfig } from "./show_task.ts";

const PROGRAM = "deno task show-task";

const USAGE = `Usage: ${PROGRAM} NAME [flags]

Draws a pretext task on held-out images: what the backbone is shown, what would be right, and what the
head makes of it. Names: ${Object.keys(pretextTasks).join(", ")}.

Flags:
  --from FILE        module of your own that exports tasks, as imageStudy takes them:
                     export const tasks = { NAME: (setting) => task }
  --data DIR|NAME    images, as of an experiment; nothing is downloaded (default those of the run, or auto)
  --checkpoint RUN   folder of a run whose latest checkpoint is used (default untrained: a fresh model)
  --arm NAME         arm of the run (default the first that has the task and a checkpoint)
  --out FILE         where to write (default NAME.png)
  --count N          pictures, 1 to 64 (default 8)
  --size N           rows and columns of the images, without a run (default 32)
  --seed N           seed of a fresh model and of what is drawn (default that of the run, or 0)
  --engine NAME      ${engineChoices.join(", ")} (default auto)
  --help             this text`;

/** Pixels of a picture in the file. */
const CELL = 96;

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options How a module is imported, and where to write.
 * @returns Exit code.
 */
export async function showTaskCommand(
  args: readonly string[],
  { load, output = standardOutput }: {
    readonly load: (url: string) => Promise<unknown>;
    readonly output?: CommandOutput;
  },
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, {
      value: ["from", "data", "checkpoint", "arm", "out", "count", "size", "seed", "engine"],
      plain: ["help"],
    });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    const [task] = names;
    const from = values.from[0];
    const tasks = from === undefined ? pretextTasks : await loadTasks(from, load);
    const objectives = objectivesOn(tasks);
    const valid = Object.keys(tasks);
    if (task === undefined) {
      throw new UsageError(`Expected the name of a pretext task: ${valid.join(", ")}.`);
    }
    if (names.length > 1) throw new UsageError(`Unexpected argument "${names[1]}".`);
    if (!valid.includes(task)) {
      throw new UsageError(unknownName("pretext task", { found: task, valid }));
    }
    const folder = values.checkpoint[0] === "untrained" ? undefined : values.checkpoint[0];
    const record = folder === undefined ? undefined : await readRecord(folder);
    if (folder !== undefined && record === undefined) {
      throw new UsageError(
        `Cannot use the checkpoint of "${folder}": found no config.yaml there, expected the folder ` +
          `of a run, or untrained.`,
      );
    }
    if (folder === undefined && values.arm.length > 0) {
      throw new UsageError("Flag --arm needs a run: give --checkpoint RUN.");
    }
    const engineName = values.engine[0] ?? "auto";
    if (!engineChoices.some((name) => name === engineName)) {
      throw new UsageError(unknownName("engine", { found: engineName, valid: [...engineChoices] }));
    }
    const number = (flag: "count" | "size" | "seed", fallback: number, most: number): number =>
      naturalOf(flag, values[flag][0], { fallback, most });
    const count = number("count", 8, 64);
    const config = record
      ? configOfRun(record, { folder: folder!, objectives })
      : untrainedConfig(task, { size: number("size", 32, 512), count, objectives });
    if (record && values.size.length > 0) {
      throw new UsageError("Flag --size is for a fresh model: a run has a size of its own.");
    }
    const splits = await loadData({
      data: values.data[0] ?? record?.data ?? "auto",
      offline: true,
      signal: new AbortController().signal,
      log: () => {},
      progress: { begin: () => {}, update: () => {} },
    }, { size: config.imageSize, trainImages: config.trainImages, testImages: 1 });
    output.log(splits.train.provenance);
    const engine = await openEngine(engineName as EngineChoice, { onChoice: output.log });
    try {
      const { drawn, model } = await showTask(engine, {
        ...{ task, splits, config, objectives },
        ...(folder !== undefined && { folder }),
        ...(values.arm[0] !== undefined && { arm: values.arm[0] }),
        count,
        seed: number("seed", record?.seed ?? 0, 2 ** 32 - 1),
      });
      const { png, width, height } = taskGrid(drawn, {
        when: `${model}, ${splits.train.name}`,
        cell: CELL,
      });
      const path = values.out[0] ?? `${task}.png`;
      await writeFileAtomic(path, png);
      output.print(`${path}: ${width} x ${height}, ${model}`);
    } finally {
      engine.close();
    }
    return 0;
  });
}

/** A whole number after a flag; `--count` and `--size` begin at 1. */
function naturalOf(
  flag: string,
  text: string | undefined,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): number {
  if (text === undefined) return fallback;
  const least = flag === "seed" ? 0 : flag === "size" ? 8 : 1;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(
    `Flag --${flag} got "${text}", expected a whole number from ${least} to ${most}.`,
  );
}
