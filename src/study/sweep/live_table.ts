/**
 * What a sweep is doing, live on a terminal, line by line elsewhere.
 *
 * @module
 */
import { formatSeconds } from "../../run/duration.ts";
import type { ProgressOutput } from "../../run/progress.ts";
import { printable, printableLines } from "../../text/printable.ts";

/** What there is to show. */
export interface SweepView {
  /** Name of the study. */
  readonly title: string;
  /** Units that are done. */
  readonly done: number;
  /** Units that failed. */
  readonly failed: number;
  /** Units that have not been begun, or were interrupted. */
  readonly waiting: number;
  /** Units in which other processes work. */
  readonly elsewhere: number;
  /** Units that run now: name, and seconds since they were started. */
  readonly running: readonly { readonly name: string; readonly seconds: number }[];
  /** Seconds that the rest will take; absent before anything is known. */
  readonly left?: number;
}

/**
 * Writes how many units are done, running, failed and waiting, and the time left.
 *
 * @param view The counts.
 */
export function countsText(view: SweepView): string {
  const { done, failed, waiting, elsewhere, running, left } = view;
  const total = done + failed + waiting + elsewhere + running.length;
  const parts = [
    `${done} of ${total} done`,
    `${running.length} running`,
    ...(elsewhere > 0 ? [`${elsewhere} run elsewhere`] : []),
    `${failed} failed`,
    `${waiting} waiting`,
    ...(left !== undefined && total > done + failed ? [`${formatSeconds(left)} left`] : []),
  ];
  return parts.join(", ");
}

/** Keeps a block of lines at the bottom of a terminal. */
export class LiveTable {
  readonly #output: ProgressOutput;
  #lines = 0;

  /** @param output Where to write. */
  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  /** Shows a view; elsewhere than on a terminal nothing is written. */
  show(view: SweepView): void {
    if (!this.#output.terminal) return;
    const columns = (this.#output.columns() || 80) - 1;
    const lines = [
      `${view.title}: ${countsText(view)}`,
      ...view.running.map(({ name, seconds }) =>
        `  ${formatSeconds(seconds).padStart(7)}  ${name}`
      ),
    ].map((line) => printable(line).slice(0, columns));
    this.#output.write(`${this.#up()}${lines.join("\n")}\n`);
    this.#lines = lines.length;
  }

  /** Writes lines above the block, which is gone until it is shown again. */
  log(text: string): void {
    this.#output.write(`${this.#up()}${printableLines(text)}\n`);
    this.#lines = 0;
  }

  /** Moves to the first line of the block and clears from there. */
  #up(): string {
    return this.#lines === 0 ? "" : `\x1b[${this.#lines}A\r\x1b[J`;
  }
}
