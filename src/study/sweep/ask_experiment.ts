/**
 * Asks an experiment, in a process of its own, what it would run.
 *
 * @module
 */

import { onStopSignal, signalExitCode, type StopSignal } from "../../experiment/signals.ts";

/** What the process has said. */
export interface Answer {
  /** Its exit code. */
  readonly code: number;
  /** Its standard output. */
  readonly out: string;
  /** Its standard error, without Deno's own warnings. */
  readonly err: string;
}

/**
 * Runs the command of an experiment to its end. A signal that stops is handed on, and ends this process after the
 * other: none is left that measures on.
 *
 * @param program Program and first arguments.
 * @param args The rest.
 * @param onLine Told every line of standard error at once.
 */
export async function askExperiment(
  [program, ...first]: readonly string[],
  args: readonly string[],
  onLine: (line: string) => void = () => {},
): Promise<Answer> {
  const child = new Deno.Command(program!, {
    args: [...first, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const err: string[] = [];
  const tell = (line: string) => {
    if (line === "" || /^(Warning Permissions|See: )/.test(line)) return;
    err.push(line);
    onLine(line);
  };
  const listen = async () => {
    let rest = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      lines.forEach(tell);
    }
    tell(rest);
  };
  let heard: StopSignal | undefined;
  const remove = onStopSignal((name) => {
    heard = name;
    try {
      // It writes to this process, and does not heed a terminal that hangs up.
      child.kill(name === "SIGINT" ? name : "SIGTERM");
    } catch {
      // It has ended already.
    }
  });
  const [out, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    child.status,
    listen(),
  ]);
  remove();
  if (heard !== undefined) Deno.exit(signalExitCode(heard));
  return { code, out, err: err.join("\n") };
}
