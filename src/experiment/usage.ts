/**
 * The texts of `--help` and `--list`.
 *
 * @module
 */
import { dataSummaries } from "../data/data_names.ts";
import { configKeys } from "./config_keys.ts";
import type { Experiment } from "./define_experiment.ts";
import { defaultPreset, type PresetFile } from "./presets.ts";

/** What every experiment takes. */
const FLAGS: readonly (readonly [string, string])[] = [
  ["--config FILE.yaml", "values that win over the preset"],
  ["--set key=value", "one value that wins over the file; may be repeated"],
  ["--seed N", "seed of all randomness (default 0)"],
  [
    "--data DIR|NAME",
    "a folder with CIFAR, parquet files or train/CLASS/IMAGE.png, or a name below (default auto)",
  ],
  ["--engine webgpu|tfjs|reference|auto", "what computes (default auto)"],
  ["--out DIR", "folder of all runs (default runs)"],
  [
    "--folder RUN_FOLDER",
    "exactly this folder: begin in it, go on with it, or leave it if finished",
  ],
  ["--resume RUN_FOLDER", "go on with a run that was stopped"],
  ["--memory SIZE", "most device memory, such as 4GiB (the default)"],
  ["--watchdog SECONDS", "longest wait for the device's answer: 600 unless told, 0 for ever"],
  ["--offline", "download nothing"],
  [
    "--half-precision",
    "take kernels of half precision where deno task profile TARGET --kernels --half-precision found them faster",
  ],
  [
    "--measure-kernels",
    "first measure, for about 20 s, which kernels are the fastest for the shapes of the run that the adapter's table does not have, and keep that",
  ],
  ["--kernels FILE", "take the kernels of this copy of a table instead of the adapter's"],
  ["--dry-run", "print what would run, as JSON, and what it will take; run nothing"],
  ["--no-predict", "with --dry-run: do not say what it will take"],
  ["--help", "this text"],
];

/** What a run may do, and how to run one by hand. */
const PERMISSIONS = [
  "Permissions: deno task experiment gives a run what its flags need: it reads the experiments, the data",
  "and its run folder, writes the run folder (and the data folder where it may download), keeps what it has",
  "measured of the adapter (in the folder that MUTASESUMELE_PROFILES names; empty for none), and reaches the",
  "data's host only to download. By hand, deno run -P=experiment experiments/NAME.ts may use the folders",
  "experiments, runs and data, but no JPEG files, whose decoder lies in Deno's cache; deno run -A may use all.",
].join("\n");

/**
 * Writes the usage of a command.
 *
 * @param program How the command is called, such as `deno task experiment <name>`.
 * @param presets Names of the experiment's presets; those of any experiment unless told.
 */
export function usageText(program: string, presets?: readonly string[]): string {
  const unless = presets === undefined
    ? `default ${defaultPreset}, where there is one`
    : presets.includes(defaultPreset)
    ? `default ${defaultPreset}`
    : "none unless told";
  const preset = ["--preset NAME", `named values beside the experiment (${unless})`] as const;
  return `Usage: ${program} [flags]\n\nFlags:\n${table([preset, ...FLAGS])}\n\nData:\n${
    table(Object.entries(dataSummaries()))
  }\n\n${PERMISSIONS}`;
}

/**
 * Writes the names, titles and summaries of experiments.
 *
 * @param experiments The experiments.
 */
export function listText(experiments: readonly Experiment[]): string {
  if (experiments.length === 0) return "There is no experiment.";
  return experiments
    .map(({ name, title, summary }) => `${name}\n    ${sentence(title)} ${summary}`).join("\n");
}

/**
 * Writes the help of one experiment: usage, presets, and every key of its configuration.
 *
 * @param experiment The experiment.
 * @param options `program`: how it is called; `presets`: its presets.
 */
export async function helpText(
  experiment: Experiment,
  options: { readonly program: string; readonly presets: PresetFile },
): Promise<string> {
  const keys = (await configKeys(experiment.schema)).map((
    { key, type, default: value, description },
  ) =>
    [key, `${description} (${type}${value === undefined ? "" : `, default ${value}`})`] as const
  );
  const names = options.presets.names;
  return [
    `${sentence(experiment.title)} ${experiment.summary}`,
    usageText(options.program, names),
    `Presets: ${names.length > 0 ? names.join(", ") : "none"}`,
    `Configuration, without a preset:\n${table(keys)}`,
  ].join("\n\n");
}

/** Two columns; a description under its name where the name is long. */
function table(rows: readonly (readonly [string, string])[]): string {
  const column = 34;
  return rows.map(([name, text]) =>
    name.length + 4 <= column
      ? `  ${name.padEnd(column - 2)}${text}`
      : `  ${name}\n${" ".repeat(column)}${text}`
  ).join("\n");
}

/** A title as a sentence; one that asks ends as it is. */
function sentence(title: string): string {
  return /[.?!]$/.test(title) ? title : `${title}.`;
}
