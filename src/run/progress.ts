/**
 * The live progress line of a run on standard error.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { printable, printableLines } from "../text/printable.ts";
import { formatSeconds } from "./duration.ts";

/** Where a {@linkcode Progress} writes, and what it may know of the place. */
export interface ProgressOutput {
  /** Writes text as it is. */
  readonly write: (text: string) => void;
  /** `true` on a terminal: one line is rewritten; otherwise whole lines appear, rarely. */
  readonly terminal: boolean;
  /** `true` if colour is welcome. */
  readonly color: boolean;
  /** Columns of the terminal; 0 if unknown. */
  readonly columns: () => number;
  /** Clock in milliseconds. */
  readonly now: () => number;
}

/** What a stretch of progress counts. */
export interface ProgressStage {
  /** What is going on, such as `"meta"`. */
  readonly label: string;
  /** Steps in all. */
  readonly total: number;
  /** Steps already done, by a run that is resumed (default 0). */
  readonly done?: number;
}

/** Milliseconds between two updates of the live line: 10 Hz. */
const LIVE_INTERVAL = 100;
/** Milliseconds between two plain lines. */
const PLAIN_INTERVAL = 10_000;
/** Milliseconds over which the rate is measured. */
const RATE_WINDOW = 30_000;
/** Seconds before a rate means anything. */
const RATE_AFTER = 0.5;
const DEFAULT_COLUMNS = 80;

/**
 * Shows step, losses, rate and time left: one live line at 10 Hz on a terminal, a plain line every ten
 * seconds elsewhere. `log` prints lines between.
 *
 * @example
 * ```ts
 * import { Progress } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * let text = "";
 * let time = 0;
 * const progress = new Progress({
 *   write: (piece) => text += piece,
 *   terminal: false,
 *   color: false,
 *   columns: () => 0,
 *   now: () => time,
 * });
 * progress.begin({ label: "meta", total: 40 });
 * time = 10_000;
 * progress.update(20, { loss: 2.25 });
 * assertEquals(text, "meta 20/40 50% loss 2.250 2.0 steps/s 10s left\n");
 * ```
 */
export class Progress {
  #output: ProgressOutput;
  #stage: ProgressStage = { label: "", total: 0 };
  #line = "";
  #samples: { time: number; step: number }[] = [];
  #shownAt = 0;
  #shownStep = -1;
  #step = 0;
  #metrics: Readonly<Record<string, number>> = {};
  #noted = false;

  /**
   * Prepares a progress line; nothing is written yet.
   *
   * @param output Where to write; standard error by default.
   */
  constructor(output: ProgressOutput = standardError()) {
    requireOptions("new Progress", output, {
      write: is.callback,
      terminal: is.flag,
      color: is.flag,
      columns: is.callback,
      now: is.callback,
    });
    this.#output = output;
  }

  /** What is going on, and how far it is. */
  get state(): { readonly stage: string; readonly step: number; readonly total: number } {
    return { stage: this.#stage.label, step: this.#step, total: this.#stage.total };
  }

  /** Begins a stage; its steps are counted from `done` to `total`. */
  begin(stage: ProgressStage): void {
    requireOptions("begin", stage, {
      label: is.text,
      total: is.finite,
      done: is.optional(is.finite),
    });
    const time = this.#output.now();
    this.#stage = { ...stage, label: printable(stage.label) };
    this.#step = stage.done ?? 0;
    this.#shownStep = -1;
    this.#metrics = {};
    this.#noted = false;
    this.#samples = [{ time, step: this.#step }];
    this.#shownAt = this.#output.terminal ? -Infinity : time;
  }

  /**
   * Notes how far the stage is; shown when it is time.
   *
   * @param step Steps done.
   * @param metrics Numbers to show, such as losses.
   */
  update(step: number, metrics: Readonly<Record<string, number>> = {}): void {
    const time = this.#output.now();
    this.#step = step;
    this.#metrics = metrics;
    this.#sample(time);
    const interval = this.#output.terminal ? LIVE_INTERVAL : PLAIN_INTERVAL;
    if (time - this.#shownAt >= interval) this.#show(time);
  }

  /**
   * Says what goes on between steps, such as compiling; shown when it is time, until the next update. The steps
   * up to that update tell nothing of the time that is left.
   *
   * @param text What goes on.
   */
  note(text: string): void {
    const time = this.#output.now();
    const { terminal, write } = this.#output;
    this.#noted = true;
    if (time - this.#shownAt < (terminal ? LIVE_INTERVAL : PLAIN_INTERVAL)) return;
    this.#shownAt = time;
    const line = printable(text).slice(0, terminal ? this.#columns() : undefined);
    if (terminal) this.#line = line;
    write(terminal ? `\r${line}\x1b[K` : `${line}\n`);
  }

  /** Ends the stage: its last state is shown for good. */
  end(): void {
    if (this.#samples.length === 0) {
      if (this.#line !== "") this.#output.write("\r\x1b[K");
      this.#line = "";
      return;
    }
    if (this.#output.terminal || this.#shownStep !== this.#step) this.#show(this.#output.now());
    if (this.#output.terminal) this.#output.write("\n");
    this.#line = "";
    this.#samples = [];
  }

  /** Prints a line above the live line; what a terminal would obey in it is shown escaped. */
  log(line: string): void {
    this.above(() => this.#output.write(`${printableLines(line)}\n`));
  }

  /**
   * Takes the live line away while something else writes to the same terminal.
   *
   * @param write Writes whole lines.
   */
  above(write: () => void): void {
    if (this.#line === "") return write();
    this.#output.write("\r\x1b[K");
    write();
    this.#output.write(this.#line);
  }

  /** Characters that fit into the live line. */
  #columns(): number {
    return (this.#output.columns() || DEFAULT_COLUMNS) - 1;
  }

  /** Keeps one sample a second or so, none older than the window but for one. */
  #sample(time: number): void {
    if (this.#noted) {
      this.#noted = false;
      this.#samples = [];
    }
    const last = this.#samples.at(-1);
    const previous = this.#samples.at(-2);
    if (last && previous && time - previous.time < RATE_WINDOW / 30) {
      this.#samples[this.#samples.length - 1] = { time, step: this.#step };
    } else {
      this.#samples.push({ time, step: this.#step });
    }
    while (this.#samples.length > 2 && time - this.#samples[1]!.time >= RATE_WINDOW) {
      this.#samples.shift();
    }
  }

  #show(time: number): void {
    this.#shownAt = time;
    this.#shownStep = this.#step;
    const { label, total } = this.#stage;
    const fields = [`${this.#step}/${total}`];
    if (total > 0) fields.push(`${Math.floor((100 * this.#step) / total)}%`);
    for (const [name, value] of Object.entries(this.#metrics)) {
      fields.push(`${printable(name)} ${formatMetric(value)}`);
    }
    const first = this.#samples[0];
    const seconds = first ? (time - first.time) / 1000 : 0;
    const rate = first && seconds >= RATE_AFTER ? (this.#step - first.step) / seconds : 0;
    if (rate > 0) {
      fields.push(rate >= 1 ? `${rate.toFixed(1)} steps/s` : `${(1 / rate).toFixed(1)} s/step`);
      if (this.#step < total) fields.push(`${formatSeconds((total - this.#step) / rate)} left`);
    }
    if (!this.#output.terminal) {
      this.#output.write(`${[label, ...fields].join(" ")}\n`);
      return;
    }
    const line = [label, ...fields].join("  ").slice(0, this.#columns());
    const name = line.slice(0, label.length);
    this.#line = this.#output.color ? `\x1b[36m${name}\x1b[39m${line.slice(name.length)}` : line;
    this.#output.write(`\r${this.#line}\x1b[K`);
  }
}

/**
 * Standard error as a {@linkcode ProgressOutput}; `NO_COLOR` is respected. What it does not take is dropped: where
 * nobody listens any more (a closed pipe or terminal, a log on a full disk), work goes on.
 *
 * @example
 * ```ts
 * import { Progress, standardError } from "@mutasesumele/toolkit/run";
 *
 * const progress = new Progress({ ...standardError(), write: () => {} });
 * progress.begin({ label: "quiet", total: 10 });
 * progress.end();
 * ```
 */
export function standardError(): ProgressOutput {
  const encoder = new TextEncoder();
  const terminal = Deno.stderr.isTerminal();
  return {
    write: (text) => {
      let bytes: Uint8Array = encoder.encode(text);
      try {
        while (bytes.length > 0) bytes = bytes.subarray(Deno.stderr.writeSync(bytes));
      } catch {
        // There is nowhere left to say it.
      }
    },
    terminal,
    color: terminal && !Deno.noColor,
    columns: () => {
      try {
        return terminal ? Deno.consoleSize().columns : 0;
      } catch {
        return 0; // The terminal is gone.
      }
    },
    now: () => performance.now(),
  };
}

/** Four significant digits: enough to see a loss move. */
function formatMetric(value: number): string {
  const size = Math.abs(value);
  return Number.isInteger(value) && size < 1e6
    ? String(value)
    : size >= 1e-3 && size < 1e4
    ? value.toPrecision(4)
    : value.toExponential(2);
}
