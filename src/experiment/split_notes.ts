/**
 * Programs of a run that are computed in parts, in its record.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { EngineWork } from "../engine/engine_watch.ts";
import type { RunRecord } from "../run/run_folder.ts";

/** Name of the fact in the record's environment. */
export const SPLITS_FACT = "computedInParts";

/** What is needed of a run. */
export interface SplitRun {
  /** Notes facts. */
  readonly describe: (facts: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Prints a line. */
  readonly log: (line: string) => void;
}

/** Notes what an engine computes in parts, because it would not fit the adapter or the budget. */
export class SplitNotes {
  readonly #run: SplitRun;
  readonly #found: Record<string, readonly string[]> = {};
  #written: Promise<void> = Promise.resolve();

  /** Nothing is split yet. */
  constructor(run: SplitRun) {
    this.#run = run;
  }

  /** Takes note of what an engine says, if it is about parts. */
  tell(work: EngineWork): void {
    if (work.kind !== "split") return;
    const { name, splits } = work;
    const known = this.#found[name] ?? [];
    const fresh = splits.filter((split) => !known.includes(split));
    if (fresh.length === 0) return;
    this.#found[name] = [...known, ...fresh];
    this.#run.log(`program '${name}' takes more memory than there is: ${fresh.join("; ")}`);
    const facts = { [SPLITS_FACT]: { ...this.#found } };
    // One after the other: each writes the whole record.
    this.#written = this.#written.then(() => this.#run.describe(facts));
    this.#written.catch(() => {});
  }

  /** Waits until everything is in the record. */
  async finish(): Promise<void> {
    await this.#written;
  }
}

/**
 * What a run has computed in parts, for its report.
 *
 * @param record The record of the run.
 * @returns A sentence for each program; none where everything fitted.
 *
 * @example
 * ```ts
 * import { splitLines } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 *
 * const environment = { computedInParts: { step: ["split in 4 over axis 0 of size 32"] } };
 * assertEquals(splitLines({ environment }), [
 *   "The program 'step' was computed in parts: split in 4 over axis 0 of size 32.",
 * ]);
 * ```
 */
export function splitLines(record: Pick<RunRecord, "environment">): readonly string[] {
  const kind = is.objectWith({ environment: is.object }, "the record of a run");
  requireArguments("splitLines", { record }, { record: kind });
  const found = (record.environment[SPLITS_FACT] ?? {}) as Readonly<
    Record<string, readonly string[]>
  >;
  return Object.entries(found).map(([name, splits]) =>
    `The program '${name}' was computed in parts: ${splits.join("; ")}.`
  );
}
