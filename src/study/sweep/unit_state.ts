/**
 * How far a unit is, as its run folder tells.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { RunFolder, type RunRecord, type RunStatus } from "../../run/run_folder.ts";

/**
 * `waiting`: not begun. `running`: a process works in it. `interrupted`: stopped or killed, can go on.
 * `failed`: it ended with an error. `done`: its summary is there.
 */
export type UnitStateName = "waiting" | "running" | "interrupted" | "failed" | "done";

/** State of a unit. */
export interface UnitState {
  /** The state. */
  readonly state: UnitStateName;
  /** What went wrong, of a failed one. */
  readonly error?: string;
  /** Seconds from begin to end, of one that was done without a break. */
  readonly seconds?: number;
}

/**
 * Reads the state of a run folder. Its lock is tried, so that a process which works in it is known even
 * if it was begun by others, and a killed one is not taken for running.
 *
 * @param folder The run folder; it need not exist.
 * @param options `summary`: a finished run must have written this file (default `unit.json`).
 */
export async function readUnitState(
  folder: string,
  { summary = "unit.json" }: { readonly summary?: string } = {},
): Promise<UnitState> {
  if (RunFolder.isLocked(folder)) return { state: "running" };
  if (!(await exists(`${folder}/config.yaml`))) return { state: "waiting" };
  const status = await readJson<RunStatus>(`${folder}/status.json`);
  if (status?.state === "failed") {
    return { state: "failed", error: status.error ?? "it does not say why" };
  }
  if (status?.state !== "finished") return { state: "interrupted" };
  if (!(await exists(`${folder}/${summary}`))) {
    return { state: "failed", error: `it is finished, but there is no ${summary}` };
  }
  const record = await readRecord(folder);
  const whole = record !== undefined && record.resumed.length === 0;
  const seconds = whole ? (Date.parse(status.date) - Date.parse(record.date)) / 1000 : NaN;
  return { state: "done", ...(seconds >= 0 && { seconds }) };
}

/**
 * Reads the record of a run without its lock.
 *
 * @param folder The run folder.
 * @returns The record, or `undefined` if there is none that can be read.
 */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  try {
    return parse(await Deno.readTextFile(`${folder}/config.yaml`)) as RunRecord;
  } catch {
    return undefined;
  }
}

/** Reads JSON; `undefined` if there is none. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as T;
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
