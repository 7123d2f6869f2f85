/**
 * `deno task watch`: a page on this machine that follows runs and studies.
 *
 * @module
 */
import { listenForSignals, signalExitCode } from "../experiment/signals.ts";
import { UsageError } from "../experiment/usage_error.ts";
import { fileError } from "../run/file_error.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../study/flags.ts";
import { findRuns } from "../study/sweep/find_runs.ts";
import { excerpt } from "../text/printable.ts";
import { watchHandler } from "./watch_handler.ts";

const PROGRAM = "deno task watch";

/** The port, unless told. */
const PORT = 6007;

const USAGE = `Usage: ${PROGRAM} [RUN|STUDY] [RUN...] [flags]

Serves a page on this machine that follows runs live: learning curves, alignment, weights, pictures of tasks,
speed, memory and budgets, and the state of a sweep. Without a name: all of runs, the newest first. Ctrl-C
ends it; the runs go on.

Flags:
  --port N   port of the page (default ${PORT}; 0 takes any that is free)
  --help     this text

From another machine: ssh -L ${PORT}:127.0.0.1:${PORT} HOST, then http://127.0.0.1:${PORT}/`;

/** Options of {@linkcode watchCommand}. */
export interface WatchCommandOptions {
  /** Where to write (default the streams of the process). */
  readonly output?: CommandOutput;
  /** Ends it as Ctrl-C does. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the command until it is told to end.
 *
 * @param args Arguments.
 * @param options Where to write.
 * @returns Exit code: 130 after Ctrl-C.
 */
export async function watchCommand(
  args: readonly string[],
  { output = standardOutput, signal }: WatchCommandOptions = {},
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, { value: ["port"], plain: ["help"] });
    if (given.help) {
      output.print(USAGE);
      return 0;
    }
    const port = portOf(values.port[0] ?? String(PORT));
    const roots = names.length === 0 ? ["runs"] : [...new Set(names)];
    const count = await countRuns(roots, names.length === 0);
    using signals = listenForSignals(() => {});
    await using server = listen(port, watchHandler(roots));
    const address = `http://127.0.0.1:${server.addr.port}/`;
    output.print(
      `${count} ${count === 1 ? "run" : "runs"} of ${
        roots.join(", ")
      }: ${address} (Ctrl-C ends it)`,
    );
    await aborted(signals.signal, signal);
    return signalExitCode(signals.received() ?? "SIGINT");
  });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new UsageError(
    `Flag --port got "${
      excerpt(text)
    }", expected a number from 0 to 65535; 0 takes any that is free.`,
  );
}

/** Counts the runs below the folders; there must be some in each. */
async function countRuns(roots: readonly string[], byDefault: boolean): Promise<number> {
  const begin = "Begin one, for example: deno task experiment cifar-maml --preset smoke";
  let count = 0;
  for (const root of roots) {
    const found = await Deno.stat(root).catch((cause) => {
      if (!(cause instanceof Deno.errors.NotFound)) {
        throw fileError("watch the runs in", { path: root, cause });
      }
      throw new UsageError(
        `Cannot watch "${
          excerpt(root)
        }": found no such folder, expected a run, a study or a folder ` +
          `of runs. ${byDefault ? `${begin}, or name a folder.` : "Check the path."}`,
      );
    });
    if (!found.isDirectory) {
      throw new UsageError(
        `Cannot watch "${
          excerpt(root)
        }": found a file, expected a run, a study or a folder of runs. ` +
          `Name the folder that it is in.`,
      );
    }
    const { folders } = await findRuns(root);
    if (folders.length === 0) {
      throw new UsageError(
        `Cannot watch "${
          excerpt(root)
        }": found no run in it, expected a folder with a config.yaml, ` +
          `or a study with a manifest.json. ${begin}.`,
      );
    }
    count += folders.length;
  }
  return count;
}

function listen(
  port: number,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new UsageError(
        `Cannot serve on port ${port}: another program listens there, expected a free one. Choose ` +
          `another with --port, or --port 0 for any that is free.`,
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UsageError(
        `Cannot serve on port ${port}: the system refuses it, as it does below 1024. Choose another ` +
          `with --port.`,
      );
    }
    throw error;
  }
}

/** Resolves when one of the signals is aborted. */
async function aborted(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const any = AbortSignal.any(signals.filter((signal) => signal !== undefined));
  if (any.aborted) return;
  await new Promise<void>((resolve) => any.addEventListener("abort", () => resolve()));
}

if (import.meta.main) Deno.exit(await watchCommand(Deno.args));
