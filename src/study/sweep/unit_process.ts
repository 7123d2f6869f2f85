/**
 * Units as child processes of the command that runs an experiment.
 *
 * @module
 */
import { fileError } from "../../run/file_error.ts";
import type { UnitProcess } from "./run_sweep.ts";
import type { SweepUnit } from "./sweep_units.ts";

/** What the command line of every unit shares. */
export interface UnitCommand {
  /** Program and first arguments, such as `deno run -P=launch src/experiment/launch.ts`. */
  readonly program: readonly string[];
  /** Name of the experiment. */
  readonly experiment: string;
  /** Flags that decide numbers: preset, config, sets, data, engine, precision. */
  readonly decisive: readonly string[];
  /** Flags that a unit which goes on needs too, as its record does not have them: memory, offline, a file of kernels. */
  readonly others: readonly string[];
}

/**
 * The command line of a unit that has not begun. It goes on with the unit's folder if another process
 * has begun it meanwhile, and does nothing if it is done.
 *
 * @param command What all units share.
 * @param unit The unit.
 */
export function unitArguments(command: UnitCommand, unit: SweepUnit): string[] {
  return [
    ...[command.experiment, ...command.decisive, "--seed", String(unit.seed)],
    ...["--set", `only.arms=[${JSON.stringify(unit.arm)}]`],
    ...["--set", `only.regimes=[${JSON.stringify(unit.regime)}]`],
    ...["--folder", unit.folder, ...command.others],
  ];
}

/**
 * The command line of a unit that has begun: it goes on with the configuration that its folder says, so
 * that an arm which was added since does not stand in its way.
 *
 * @param command What all units share.
 * @param unit The unit.
 */
export function resumeArguments(command: UnitCommand, unit: SweepUnit): string[] {
  return [command.experiment, "--resume", unit.folder, ...command.others];
}

/**
 * Starts a process whose streams are appended to a file. It writes into the file itself, not through
 * this process, so that it lives on if this process is killed.
 *
 * @param args Program and arguments.
 * @param log The file; its folder must exist.
 */
export function startLogged(args: readonly string[], log: string): UnitProcess {
  if (Deno.build.os === "windows") {
    throw new Error("Cannot start units on Windows: expected a POSIX shell. Use WSL.");
  }
  try {
    const head = `--- ${new Date().toISOString()} ${
      args.map((arg) => JSON.stringify(arg)).join(" ")
    }\n`;
    Deno.writeTextFileSync(log, head, { append: true });
  } catch (cause) {
    throw fileError("write the log", { path: log, cause });
  }
  const child = new Deno.Command("sh", {
    args: ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  return {
    ended: child.status.then(({ code, signal }) => ({ code, signal })),
    kill: (signal) => {
      try {
        child.kill(signal);
      } catch (error) {
        // It has ended already.
        if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

/**
 * Reads the last lines of a log.
 *
 * @param log The file.
 * @param lines How many.
 */
export async function logTail(log: string, lines = 8): Promise<string> {
  try {
    using file = await Deno.open(log);
    const { size } = await file.stat();
    const length = Math.min(size, 8192);
    await file.seek(size - length, Deno.SeekMode.Start);
    const bytes = new Uint8Array(length);
    let read = 0;
    while (read < length) {
      const count = await file.read(bytes.subarray(read));
      if (count === null) break;
      read += count;
    }
    const text = new TextDecoder().decode(bytes.subarray(0, read)).trimEnd();
    return [...text.split("\n").slice(-lines), `(log: ${log})`].join("\n");
  } catch (cause) {
    return fileError("read the log", { path: log, cause }).message;
  }
}
