/**
 * SIGINT and SIGTERM as an `AbortSignal`.
 *
 * @module
 */

/** Milliseconds in which a repeated signal is an echo: `deno task` and the terminal both send Ctrl-C. */
export const ECHO = 500;

/** Signals that stop a run, with the exit code that a shell expects (128 + number). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

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
 * Listens for SIGINT and SIGTERM. The first aborts, a second one half a second later or more
 * ends the process at once.
 *
 * @param onStop Told of the first signal.
 */
export function listenForSignals(onStop: (signal: StopSignal) => void): SignalListener {
  const controller = new AbortController();
  let received: StopSignal | undefined;
  let receivedAt = 0;
  // Windows knows no SIGTERM to listen for.
  const names: StopSignal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const handlers = names.map((name) => {
    const handler = () => {
      if (received !== undefined) {
        if (performance.now() - receivedAt >= ECHO) Deno.exit(EXIT_CODES[name]);
        return;
      }
      received = name;
      receivedAt = performance.now();
      onStop(name);
      controller.abort(new DOMException(`Stopped by ${name}.`, "AbortError"));
    };
    Deno.addSignalListener(name, handler);
    return { name, handler };
  });
  return {
    signal: controller.signal,
    received: () => received,
    [Symbol.dispose]() {
      for (const { name, handler } of handlers) Deno.removeSignalListener(name, handler);
    },
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
