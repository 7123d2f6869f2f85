/** A small experiment, and its command in memory. */
import { z } from "zod";
import { defineExperiment, type Experiment } from "../../src/experiment/define_experiment.ts";
import type { ExperimentContext } from "../../src/experiment/experiment_context.ts";
import { runCommand } from "../../src/experiment/run_command.ts";

/** Its configuration. */
const schema = z.strictObject({
  steps: z.int().min(1).default(3).describe("Steps."),
  model: z.strictObject({ width: z.int().default(4).describe("Width.") }).prefault({}),
});

/** Its configuration, whole. */
export type Config = z.output<typeof schema>;

/** The experiment, with something to do. */
export function demo(
  run: (context: ExperimentContext<Config>) => Promise<void>,
  presets?: URL,
): Experiment<Config> {
  const fields = { name: "demo", title: "A demo", summary: "Does little.", schema, run };
  return defineExperiment(presets ? { ...fields, presets } : fields);
}

/** Runs a command in memory, in a folder that is removed. */
export async function inFolder(
  body: (
    folder: string,
    command: (
      experiment: Experiment<Config>,
      ...args: string[]
    ) => Promise<{ code: number; out: string[]; err: string }>,
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder, async (experiment, ...args) => {
      const out: string[] = [];
      let err = "";
      const output = {
        print: (line: string) => void out.push(line),
        progress: {
          write: (text: string) => void (err += text),
          terminal: false,
          color: false,
          columns: () => 0,
          now: () => 0,
        },
      };
      const placed = ["--resume", "--folder", "--help"];
      const isNew = !placed.some((flag) => args.includes(flag));
      const all = isNew ? [...args, "--out", `${folder}/runs`] : args;
      return { code: await runCommand(experiment, { args: all, output }), out, err };
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
