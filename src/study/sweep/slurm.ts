/**
 * Units as the tasks of a Slurm array job: where a study is more than one machine's work, an engine that
 * exists does the distribution.
 *
 * @module
 */
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { fileError } from "../../run/file_error.ts";

/** A command line, and where its streams go. */
export interface SlurmTask {
  /** Program and arguments. */
  readonly args: readonly string[];
  /** File to which both streams are appended. */
  readonly log: string;
}

/** How an array is submitted. */
export interface SlurmOptions {
  /** Name of the job. */
  readonly name: string;
  /** Folder of scripts and of what they print. */
  readonly folder: string;
  /** Partition; the cluster's default unless told. */
  readonly partition: string | undefined;
  /** Most tasks at a time; as many as there is room for unless told. */
  readonly jobs: number | undefined;
  /** More options of `sbatch`, such as `--gres=gpu:1`. */
  readonly more: readonly string[];
}

/**
 * Writes the script of an array job: task number k runs the k-th command in the folder in which the sweep was
 * called. Commands go on with what they find and do nothing if it is done, so a task may be queued again.
 *
 * @param tasks The commands.
 * @param directory The working directory.
 */
export function slurmScript(tasks: readonly SlurmTask[], directory: string): string {
  const cases = tasks.map(({ args, log }, at) =>
    `${at}) exec ${args.map(quote).join(" ")} >>${quote(log)} 2>&1 ;;`
  );
  return [
    "#!/bin/sh",
    "# Written by deno task sweep --slurm.",
    `cd ${quote(directory)} || exit 1`,
    "export NO_COLOR=1",
    'case "$SLURM_ARRAY_TASK_ID" in',
    ...cases,
    "esac",
    'echo "There is no task $SLURM_ARRAY_TASK_ID." >&2',
    "exit 1",
    "",
  ].join("\n");
}

/**
 * Submits an array job.
 *
 * @param tasks The commands, at least one.
 * @param options Name, folder, partition.
 * @returns Number of the job, and its script.
 * @throws {Error} If there is no `sbatch`, or it refuses.
 */
export async function submitArray(
  tasks: readonly SlurmTask[],
  { name, folder, partition, jobs, more }: SlurmOptions,
): Promise<{ readonly job: string; readonly script: string }> {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const script = `${folder}/${stamp}-${crypto.randomUUID().slice(0, 4)}.sh`;
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    throw fileError("create the folder of the job's script", { path: folder, cause });
  }
  await writeFileAtomic(script, slurmScript(tasks, Deno.cwd()));
  const args = [
    "--parsable",
    `--job-name=${name}`,
    `--array=0-${tasks.length - 1}${jobs === undefined ? "" : `%${jobs}`}`,
    `--output=${folder}/%A_%a.log`,
    "--open-mode=append",
    "--requeue",
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...more,
    script,
  ];
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command("sbatch", { args, stdin: "null" }).output();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new Error(
      "Cannot submit the units: found no sbatch, expected Slurm's. Install Slurm (on Debian " +
        "slurm-client, with a cluster to talk to), or leave --slurm away to run here.",
      { cause },
    );
  }
  const decoder = new TextDecoder();
  const job = decoder.decode(result.stdout).trim().split(";")[0]!;
  if (result.success && /^\d+$/.test(job)) return { job, script };
  throw new Error(
    `Cannot submit the units: sbatch ended with code ${result.code}: ${
      decoder.decode(result.stderr).trim()
    } Its arguments were ${args.join(" ")}.`,
  );
}

/** A word that the shell takes as it is. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
