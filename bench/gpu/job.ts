/**
 * What the run on a GPU is made of: jobs, each a process that may fail or be ended without harm to the
 * others, and what became of them.
 *
 * @module
 */

/**
 * Stages by their value: what comes first is wanted most. `kernels-check`, `fuzz` and `peers-warm`, which
 * fills the caches of the peers' compilers, run together: nothing is timed meanwhile.
 */
export const STAGES = [
  "doctor",
  "workloads",
  "kernels-check",
  "fuzz",
  "peers-warm",
  "peers",
  "kernels",
  "full",
  "profile",
  "variants",
  "scaling",
  "predictions",
  "costs",
] as const;

/** A stage. */
export type Stage = (typeof STAGES)[number];

/** One process. */
export interface Job {
  /** Its stage. */
  readonly stage: Stage;
  /** Its name, unique. */
  readonly name: string;
  /** The command and its arguments. */
  readonly command: readonly string[];
  /** Seconds after which it is ended. */
  readonly limit: number;
  /** How rows are found in its output; by default lines of JSON after the word `row`. */
  readonly format?: "text" | "tests" | "kernels";
  /** Whether it is pointless without a WebGPU adapter. */
  readonly needsAdapter?: boolean;
  /** Neighbours with the same word here run at the same time. */
  readonly together?: string;
}

/** A finding of a job: names and numbers. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * What became of a job: `done`; `failed` with an exit code other than 0; `cut` by its limit, with what it
 * had found until then; `left out` for want of time or of an adapter.
 */
export type Status = "done" | "failed" | "cut" | "left out";

/** A job that has run, or has not. */
export interface Outcome {
  /** Its stage. */
  readonly stage: Stage;
  /** Its name. */
  readonly name: string;
  /** What became of it. */
  readonly status: Status;
  /** Why, where it is not `done`: an exit code, or words. */
  readonly why?: string;
  /** Seconds it took. */
  readonly seconds: number;
  /** What it found. */
  readonly rows: readonly Row[];
  /** Its last lines, where they are its result or it failed. */
  readonly said?: readonly string[];
}

/** Everything, as it is written to summary.json. */
export interface Summary {
  /** When, where, on what. */
  readonly context: Row;
  /** The jobs in the order in which they ran. */
  readonly outcomes: readonly Outcome[];
}
