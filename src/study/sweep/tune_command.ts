/**
 * `deno task tune`: the same number of random trials for every arm, ranked on validation images.
 *
 * @module
 */
import { stringify } from "@std/yaml";
import { readConfigFile } from "../../experiment/config_file.ts";
import { fileLayer, resolveConfig } from "../../experiment/config_layers.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../flags.ts";
import { readTrials } from "../read_units.ts";
import { sweepCommand } from "./sweep_command.ts";
import { formatTable } from "../text_table.ts";
import {
  drawTrials,
  nested,
  type Trial,
  trialArm,
  type TunePlan,
  tunePlanSchema,
} from "./tune_plan.ts";
import { bestTrial, type TrialResult, TUNING_FILE, tuningTable } from "../tuning.ts";
import type { TrialSummary } from "../unit_summary.ts";

const PROGRAM = "deno task tune";

const USAGE = `Usage: ${PROGRAM} EXPERIMENT [flags]

Draws trials of every arm from the ranges in experiments/EXPERIMENT.tune.yaml, runs each as a unit with a
seed that the study does not use, and ranks them by validation accuracy; the test images are left alone. Writes OUT/trials.json, with every
trial, and OUT/tuned.yaml: the best of every arm, for --config of a sweep. Goes on where it was stopped.

Flags:
  --plan FILE    the ranges (default experiments/EXPERIMENT.tune.yaml)
  --jobs N       trials at a time (default 1)
  --out FOLDER   folder of the trials (default runs/EXPERIMENT-tune)
  --measure-kernels
                 as of deno task sweep
  --retry        run again what failed before
  --dry-run      list the trials, how far they are and what they will take, by the first trial of every arm;
                 write and start nothing
  --no-predict   with --dry-run: do not say what they will take
  --preset, --set, --data, --engine, --half-precision, --memory, --offline
                 as of deno task experiment
  --help         this text`;

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options How experiments are run, and where to write.
 * @returns Exit code: that of the sweep of the trials.
 */
export async function tuneCommand(
  args: readonly string[],
  { output = standardOutput, program }: {
    readonly output?: CommandOutput;
    readonly program?: readonly string[];
  } = {},
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const passed = ["preset", "set", "data", "engine", "memory"] as const;
    const plain = [
      "retry",
      "offline",
      "half-precision",
      "measure-kernels",
      "dry-run",
      "no-predict",
    ] as const;
    const { names, values, given } = readFlags(args, {
      value: ["plan", "jobs", "out", ...passed],
      repeated: ["set"],
      plain: [...plain, "help"],
    });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    const [experiment, surplus] = names;
    if (experiment === undefined) {
      throw new UsageError(
        "Expected the name of an experiment. See them: deno task experiment --list",
      );
    }
    if (surplus !== undefined) throw new UsageError(`Unexpected argument "${surplus}".`);
    const plan = await readTunePlan(values.plan[0] ?? `experiments/${experiment}.tune.yaml`);
    const out = values.out[0] ?? `runs/${experiment}-tune`;
    const trials = drawTrials(plan);
    const sweep = (trialFlags: readonly string[]) =>
      sweepCommand([
        ...[experiment, ...trialFlags, "--out", out],
        ...["--arms", trials.map(({ name }) => name).join(",")],
        ...["--regimes", plan.regime, "--seeds", String(plan.seed)],
        ...(values.jobs[0] === undefined ? [] : ["--jobs", values.jobs[0]]),
        ...passed.flatMap((flag) => values[flag].flatMap((value) => [`--${flag}`, value])),
        ...plain.flatMap((flag) => given[flag] ? [`--${flag}`] : []),
      ], {
        output,
        ...(program && { program }),
        kindOf: (name) => trials.find((trial) => trial.name === name)?.arm ?? name,
      });
    const arms = Object.fromEntries(trials.map((trial) => [trial.name, trialArm(trial)]));
    // A file of them would have to be written.
    if (given["dry-run"]) {
      const sets = Object.entries(arms).map(([name, arm]) =>
        `arms=${JSON.stringify({ [name]: arm })}`
      );
      return await sweep(["judgeBy=validation", ...sets].flatMap((text) => ["--set", text]));
    }
    await Deno.mkdir(out, { recursive: true });
    const config = `${out}/trials.yaml`;
    await writeFileAtomic(config, stringify({ judgeBy: "validation", arms }));
    const code = await sweep(["--config", config]);
    const units = await readTrials(out);
    const results = trials.map((trial) => resultOf(trial, { plan, units }));
    await writeFileAtomic(
      `${out}/${TUNING_FILE}`,
      `${JSON.stringify({ plan, results }, null, 2)}\n`,
    );
    if (code !== 0) return code;
    const tuned = Object.fromEntries(
      Object.keys(plan.arms).map((arm) => [arm, nested(bestTrial(arm, results).values)]),
    );
    await writeFileAtomic(`${out}/tuned.yaml`, stringify({ arms: tuned }));
    output.print(formatTable(tuningTable({ plan, results })));
    output.print(`${out}/tuned.yaml: the best of every arm, for --config of a sweep.`);
    return 0;
  });
}

async function readTunePlan(path: string): Promise<TunePlan> {
  return await resolveConfig(tunePlanSchema, [fileLayer(await readConfigFile(path))]);
}

/** The validation accuracy of a trial at the end of its protocol. */
function resultOf(
  trial: Trial,
  { plan, units }: { readonly plan: TunePlan; readonly units: readonly TrialSummary[] },
): TrialResult {
  const { protocol } = plan.arms[trial.arm]!;
  const unit = units.find(({ arm, seed }) => arm === trial.name && seed === plan.seed);
  if (!unit) return trial;
  const outcome = unit.outcomes.find((outcome) => outcome.protocol === protocol);
  if (!outcome) {
    throw new UsageError(
      `Cannot rank trials of "${trial.arm}" by "${protocol}": it has ${
        unit.outcomes.map((outcome) => outcome.protocol).join(", ")
      }. Correct the plan.`,
    );
  }
  return { ...trial, accuracy: outcome.curve.at(-1)!.accuracy };
}

if (import.meta.main) Deno.exit(await tuneCommand(Deno.args));
