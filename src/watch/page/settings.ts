/// <reference lib="dom" />
/**
 * What somebody has chosen; it stands in the address, so that it stays and can be given to others.
 *
 * @module
 */

/** What charts have along their horizontal axis. */
export type Axis = "steps" | "images" | "FLOPs";

const AXES: readonly Axis[] = ["steps", "images", "FLOPs"];

/** The choices. */
export interface Settings {
  /** Ids of runs; absent: what is newest. */
  runs: readonly string[] | undefined;
  /** The phase; absent: that of the run. */
  phase: string | undefined;
  /** Horizontal axis. */
  axis: Axis;
  /** Logarithmic values. */
  log: boolean;
  /** Weight of the moving average, from 0 to below 1. */
  smoothing: number;
}

/** Reads the address. */
export function readSettings(hash: string = location.hash): Settings {
  const said = new URLSearchParams(hash.slice(1));
  const smoothing = Number(said.get("smoothing") ?? 0);
  return {
    runs: said.has("run") ? said.getAll("run") : undefined,
    phase: said.get("phase") ?? undefined,
    axis: AXES.find((axis) => axis === said.get("axis")) ?? "steps",
    log: said.get("log") === "1",
    smoothing: smoothing >= 0 && smoothing < 1 ? smoothing : 0,
  };
}

/** Writes the address, without a step in the history. */
export function writeSettings(settings: Settings): void {
  const { runs, phase, axis, log, smoothing } = settings;
  const said = new URLSearchParams([
    ...(runs ?? []).map((run) => ["run", run]),
    ...(phase === undefined ? [] : [["phase", phase]]),
    ...(axis === "steps" ? [] : [["axis", axis]]),
    ...(log ? [["log", "1"]] : []),
    ...(smoothing > 0 ? [["smoothing", String(smoothing)]] : []),
  ]);
  history.replaceState(null, "", `#${said}`);
}
