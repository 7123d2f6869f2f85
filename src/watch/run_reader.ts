/**
 * Reads what there is to say of one run: its record, its state, what its process says, its costs.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { HEARTBEAT } from "../experiment/heartbeat.ts";
import { printable } from "../text/printable.ts";
import { pictureFile } from "../study/run_pictures.ts";
import { RunFolder } from "../run/run_folder.ts";
import type { Beat, PictureItem, RunDetail, RunItem, RunState, StageCost } from "./protocol.ts";
import { listRunFolder, openRunFile, readBytes, readRunJson, readRunText } from "./run_file.ts";

/** What is used of a `config.yaml`, which may be anybody's. */
type Mapping = Readonly<Record<string, unknown>>;

/** A value that was made of a file, until the file is written again. */
interface Kept<T> {
  readonly written: number;
  readonly size: number;
  readonly value: T;
}

/** Header of a checkpoint; a longer one is damaged. */
const MOST_HEADER = 1 << 24;

/** Names that may stand in a path of a run folder. */
const NAME = /^[A-Za-z0-9][\w.-]*$/;

const CHECKPOINT = /^step-(\d+)\.safetensors$/;

/** Reads runs; what does not change is read once. */
export class RunReader {
  readonly #records = new Map<string, Kept<Mapping>>();
  readonly #costs = new Map<string, Kept<StageCost | undefined>>();

  /**
   * Reads what a list shows.
   *
   * @param folder The run folder; it need not exist.
   * @param name Its name in the list.
   */
  async item(folder: string, name: string): Promise<RunItem> {
    const record = await this.#record(folder);
    const { state } = await stateOf(folder);
    const beat = state === "running" ? await readBeat(folder) : undefined;
    return {
      id: folder,
      name,
      experiment: text(record["experiment"]),
      state,
      begun: text(record["date"]),
      ...(beat && { beat }),
    };
  }

  /** Reads everything but the metrics. */
  async detail(folder: string, name: string): Promise<RunDetail> {
    const record = await this.#record(folder);
    const { environment, commit, resumed } = record;
    const found = mapping(environment);
    const { error } = await stateOf(folder);
    const facts: [string, unknown][] = [
      ["data", found["dataset"] ?? record["data"]],
      ["engine", found["engine"] ?? record["engine"]],
      ["adapter", found["adapter"]],
      ["preset", record["preset"]],
      ["seed", record["seed"]],
      ["commit", text(commit).slice(0, 10)],
      ["resumed", Array.isArray(resumed) && resumed.length > 0 ? `${resumed.length} times` : ""],
      ["command", Array.isArray(record["command"]) ? record["command"].join(" ") : ""],
    ];
    const notices = [
      ...(found["synthetic"] === true
        ? ["Synthetic images: figures say nothing of real ones."]
        : []),
      ...(found["softwareAdapter"] === true
        ? ["A software adapter: times say nothing of a GPU."]
        : []),
    ];
    using report = await openRunFile(folder, "report.html");
    return {
      ...await this.item(folder, name),
      error,
      facts: Object.fromEntries(
        facts.map(([key, value]) => [key, text(value)]).filter(([, value]) => value !== ""),
      ),
      notices,
      costs: await this.#stageCosts(folder),
      pictures: await readPictures(folder),
      report: report !== undefined,
    };
  }

  async #record(folder: string): Promise<Mapping> {
    return await kept(this.#records, { folder, name: "config.yaml" }, async () => {
      try {
        const record = await readRunText(folder, "config.yaml") ?? "";
        // The configuration comes last, is long, and is not shown.
        return mapping(parse(record.split(/^config:/m)[0]!));
      } catch {
        return {}; // It is no YAML: nothing is known of the run.
      }
    }) ?? {};
  }

  /** The records in the latest checkpoints of all stages. */
  async #stageCosts(folder: string): Promise<StageCost[]> {
    const costs: StageCost[] = [];
    for (const stage of await listRunFolder(folder, "checkpoints")) {
      const steps = (await listRunFolder(folder, `checkpoints/${stage}`))
        .flatMap((file) => CHECKPOINT.exec(file)?.[1] ?? []);
      const latest = steps.sort().at(-1);
      if (latest === undefined) continue;
      const name = `checkpoints/${stage}/step-${latest}.safetensors`;
      const cost = await kept(this.#costs, { folder, name }, () => readCost(folder, name, stage));
      if (cost !== undefined) costs.push(cost);
    }
    return costs;
  }
}

/** Makes a value of a file, or takes the one that was made of the same file before. */
async function kept<T>(
  all: Map<string, Kept<T>>,
  { folder, name }: { readonly folder: string; readonly name: string },
  make: () => Promise<T>,
): Promise<T | undefined> {
  using open = await openRunFile(folder, name);
  if (open === undefined) return undefined;
  const { written, size } = open;
  // The latest file of a stage has another name after each checkpoint: one value is kept a folder.
  const key = `${folder}/${name.slice(0, name.lastIndexOf("/") + 1)}`;
  const found = all.get(key);
  if (found?.written === written && found.size === size) return found.value;
  const value = await make();
  all.set(key, { written, size, value });
  return value;
}

/** State of a run, and why; a killed one has no lock, and a status that says it runs. */
async function stateOf(
  folder: string,
): Promise<{ readonly state: RunState; readonly error: string }> {
  if (RunFolder.isLocked(folder)) return { state: "running", error: "" };
  const status = await readRunJson(folder, "status.json");
  const error = text(status["error"]);
  switch (status["state"]) {
    case "finished":
      return { state: "done", error: "" };
    case "failed":
      return { state: "failed", error: error || "it does not say why" };
    case "interrupted":
      return { state: "stopped", error };
  }
  using record = await openRunFile(folder, "config.yaml");
  return record === undefined
    ? { state: "waiting", error: "" }
    : { state: "killed", error: "Its process has ended without a word; --resume goes on." };
}

async function readBeat(folder: string): Promise<Beat | undefined> {
  using open = await openRunFile(folder, HEARTBEAT);
  if (open === undefined) return undefined;
  const beat = await readRunJson(folder, HEARTBEAT);
  const { live, peak } = mapping(beat["memory"]);
  return {
    stage: text(beat["stage"]),
    step: number(beat["step"]),
    total: number(beat["total"]),
    age: Math.max(0, Date.now() - open.written),
    waits: beat["waits"] === true,
    ...(live !== undefined && { memory: { live: number(live), peak: number(peak) } }),
  };
}

/** Reads the record in the header of a checkpoint; its tensors are not read. */
async function readCost(
  folder: string,
  name: string,
  stage: string,
): Promise<StageCost | undefined> {
  using open = await openRunFile(folder, name);
  if (open === undefined || open.size < 8) return undefined;
  const length = new DataView((await readBytes(open, 0, 8)).buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(MOST_HEADER, open.size - 8))) return undefined;
  try {
    const header = mapping(
      JSON.parse(new TextDecoder().decode(await readBytes(open, 8, Number(length)))),
    );
    const record = mapping(JSON.parse(text(mapping(header["__metadata__"])["record"])));
    const ledger = mapping(record["ledger"]);
    const curve = Array.isArray(record["curve"]) ? record["curve"].map(mapping) : [];
    return {
      stage: printable(stage),
      steps: number(ledger["steps"]),
      samples: number(ledger["samples"]),
      flops: number(ledger["flops"]),
      seconds: number(ledger["seconds"]),
      clock: curve.map(({ step, seconds }) => ({ step: number(step), seconds: number(seconds) })),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readPictures(folder: string): Promise<PictureItem[]> {
  const pictures: PictureItem[] = [];
  const names = async (below: string): Promise<string[]> =>
    (await listRunFolder(folder, below)).filter((name) => NAME.test(name));
  for (const arm of await names("pictures")) {
    for (const phase of await names(`pictures/${arm}`)) {
      for (const task of await names(`pictures/${arm}/${phase}`)) {
        const files = await names(`pictures/${arm}/${phase}/${task}`);
        const steps = files.flatMap((file) => /^(\d{1,15})\.png$/.exec(file)?.[1] ?? []);
        pictures.push(
          ...steps.map(Number).sort((a, b) => a - b).map((step) => ({ arm, phase, task, step })),
        );
      }
    }
  }
  return pictures;
}

/**
 * Reads a picture of a run.
 *
 * @param folder The run folder.
 * @param place Names of arm, phase and task, and the step, as they came in a question.
 * @returns The bytes of a PNG file, or `undefined` if there is none or the names are none.
 */
export async function readPicture(
  folder: string,
  place: Readonly<Record<"arm" | "phase" | "task" | "step", string>>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { arm, phase, task, step } = place;
  if (![arm, phase, task].every((name) => NAME.test(name)) || !/^\d{1,15}$/.test(step)) {
    return undefined;
  }
  using open = await openRunFile(folder, pictureFile({ arm, phase, task, step: Number(step) }));
  return open && await readBytes(open, 0, open.size);
}

function mapping(value: unknown): Mapping {
  return typeof value === "object" && value !== null ? value as Mapping : {};
}

/** What a file says in a place for text, made harmless. */
function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? printable(String(value)) : "";
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
