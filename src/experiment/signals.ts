/**
 * SIGINT, SIGTERM and SIGHUP as an `AbortSignal`.
 *
 * @module
 */

/** Milliseconds in which a repeated signal is an echo: `deno task` and the terminal both send Ctrl-C. */
export const ECHO = 500;

/** Signals that stop a run, with the exit code that a shell expects (128 + number). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** The signals that stop a run. */
export type StopSignal = keyof typeof EXIT_CODES;

/** Listens until it is disposed. */
export interface SignalListener extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The signal that came, if one did. */
  received(): StopSignal | undefined;
}

/**
 * Adds a listener for what stops a run: SIGINT, SIGTERM, and SIGHUP of a process that writes to a terminal, which is
 * gone then. One that writes elsewhere has nothing to hang up and ignores it, so that `nohup` holds: `deno task` gives
 * a process that was to ignore it the default again, which is to die.
 *
 * @param onSignal Told of every signal that stops.
 * @param options `terminal`: whether standard error is one, unless it is to be looked at.
 * @returns What removes the listener.
 */
export function onStopSignal(
  onSignal: (signal: StopSignal) => void,
  { terminal = Deno.stderr.isTerminal() }: { readonly terminal?: boolean } = {},
): () => void {
  // Windows knows no SIGTERM to listen for.
  const names: StopSignal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  const handlers = names.map((name) => {
    const handler = () => {
      if (name !== "SIGHUP" || terminal) onSignal(name);
    };
    Deno.addSignalListener(name, handler);
    return { name, handler };
  });
  return () => {
    for (const { name, handler } of handlers) Deno.removeSignalListener(name, handler);
  };
}

/**
 * Listens for what stops a run, see {@linkcode onStopSignal}. The first signal aborts, a second one half a second later
 * or more ends the process at once.
 *
 * @param onStop Told of the first signal.
 */
export function listenForSignals(onStop: (signal: StopSignal) => void): SignalListener {
  const controller = new AbortController();
  let received: StopSignal | undefined;
  let receivedAt = 0;
  const remove = onStopSignal((name) => {
    if (received !== undefined) {
      if (performance.now() - receivedAt >= ECHO) Deno.exit(EXIT_CODES[name]);
      return;
    }
    received = name;
    receivedAt = performance.now();
    onStop(name);
    controller.abort(new DOMException(`Stopped by ${name}.`, "AbortError"));
  });
  return {
    signal: controller.signal,
    received: () => received,
    [Symbol.dispose]: remove,
  };
}

/**
 * Gives the exit code of a process that a signal stopped.
 *
 * @param signal The signal.
 */
export function signalExitCode(signal: StopSignal): number {
  return EXIT_CODES[signal];
}
