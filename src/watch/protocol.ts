/**
 * What the server of a watched run tells its page, as JSON.
 *
 * @module
 */

/**
 * `waiting`: not begun. `running`: a process works in it. `stopped`: by a signal, can go on. `killed`: its
 * process ended without a word. `failed`: with an error. `done`: finished.
 */
export type RunState = "waiting" | "running" | "stopped" | "killed" | "failed" | "done";

/** A run in the list. */
export interface RunItem {
  /** Its folder, by which it is asked for. */
  readonly id: string;
  /** Its name beside others of the same experiment. */
  readonly name: string;
  /** Its experiment; empty where it has not begun. */
  readonly experiment: string;
  /** Its state. */
  readonly state: RunState;
  /** When it began, in UTC (ISO 8601); empty where it has not. */
  readonly begun: string;
  /** What it does, if it is running and says so. */
  readonly beat?: Beat;
}

/** What a running process last said of itself. */
export interface Beat {
  /** What is going on, such as `meta pretrain`; empty before the first stage. */
  readonly stage: string;
  /** Last step that is known to be done. */
  readonly step: number;
  /** Steps in all. */
  readonly total: number;
  /** Milliseconds since it was said. */
  readonly age: number;
  /** Whether it waits for its device since then. */
  readonly waits: boolean;
  /** Bytes that its engine holds. */
  readonly memory?: { readonly live: number; readonly peak: number };
}

/** A unit of a study. */
export interface UnitItem {
  /** Id of its run. */
  readonly run: string;
  /** Regime. */
  readonly regime: string;
  /** Arm. */
  readonly arm: string;
  /** Seed. */
  readonly seed: number;
}

/** A study whose sweep is watched. */
export interface StudyItem {
  /** Its folder. */
  readonly id: string;
  /** Its experiment. */
  readonly experiment: string;
  /** Every unit that its sweeps were asked for. */
  readonly units: readonly UnitItem[];
}

/** Everything that can be watched. */
export interface Overview {
  /** Runs, newest first; those that have not begun come last. */
  readonly runs: readonly RunItem[];
  /** Studies. */
  readonly studies: readonly StudyItem[];
  /** Ids that were named on the command line as runs, to be shown first. */
  readonly chosen: readonly string[];
  /** What could not be listed, in words. */
  readonly faults: readonly string[];
}

/** What a stage of a run has cost so far, as of its last checkpoint. */
export interface StageCost {
  /** `<arm>-<phase>`. */
  readonly stage: string;
  /** Steps done. */
  readonly steps: number;
  /** Examples seen. */
  readonly samples: number;
  /** Floating-point operations. */
  readonly flops: number;
  /** Seconds of training. */
  readonly seconds: number;
  /** Steps and seconds at each evaluation. */
  readonly clock: readonly { readonly step: number; readonly seconds: number }[];
}

/** A picture of a task. */
export interface PictureItem {
  /** Arm, phase and task that it is of. */
  readonly arm: string;
  /** Phase. */
  readonly phase: string;
  /** Pretext task. */
  readonly task: string;
  /** Steps of the phase before it was drawn. */
  readonly step: number;
}

/** One run in full. */
export interface RunDetail extends RunItem {
  /** What went wrong, or how it ended. */
  readonly error: string;
  /** Facts by name: data, engine, adapter, seed, commit. */
  readonly facts: Readonly<Record<string, string>>;
  /** Notices, such as synthetic data or a software adapter. */
  readonly notices: readonly string[];
  /** Costs of its stages. */
  readonly costs: readonly StageCost[];
  /** Its pictures. */
  readonly pictures: readonly PictureItem[];
  /** Whether it has a report. */
  readonly report: boolean;
}

/** Lines of one arm and phase with the same metrics. */
export interface MetricsGroup {
  /** The arm. */
  readonly arm: string;
  /** The phase. */
  readonly phase: string;
  /** Names of the metrics. */
  readonly names: readonly string[];
  /** Steps, one a line. */
  readonly steps: readonly number[];
  /** For each name its values, one a line. */
  readonly values: readonly (readonly number[])[];
}

/** What has been written to a `metrics.jsonl` since the last question. */
export interface MetricsChunk {
  /** How far it is read: to be given with the next question. */
  readonly at: string;
  /** Whether it is read from the begin again, since it was cut or replaced; drop what came before. */
  readonly again: boolean;
  /** Whether there is more to ask for at once. */
  readonly more: boolean;
  /** Lines that are no metric records. */
  readonly faults: number;
  /** The lines. */
  readonly groups: readonly MetricsGroup[];
}
