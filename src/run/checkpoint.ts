/**
 * Checkpoints: tensors and text in a safetensors file with a checksum, written atomically.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { createHash } from "node:crypto";
import { writeFileAtomic } from "./atomic_write.ts";
import { fileError } from "./file_error.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  requireTensorFile,
  type TensorFile,
} from "./safetensors.ts";

/**
 * Metadata key of the checksum: SHA-256 of the whole file, header included, with zeros in the place of
 * the checksum itself.
 */
const CHECKSUM = "sha256";
const NO_CHECKSUM = "0".repeat(64);
/** What precedes the checksum in the header: in a text, quotes would be escaped. */
const CHECKSUM_KEY = `"${CHECKSUM}":"`;
/** Metadata key of the step, so that a file under the name of another step is noticed. */
const STEP = "step";

/**
 * Writes tensors and metadata atomically, with a checksum of the whole file.
 *
 * @param path File to create or replace.
 * @param content Tensors and metadata; the metadata key `sha256` is set here.
 * @throws {TypeError} If the metadata has that key already.
 * @throws {Error} If the disk is full or the place is not writable; an older file stays as it was.
 *
 * @example
 * ```ts
 * import { loadCheckpoint, saveCheckpoint } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const bias = { dtype: "F32", shape: [2], data: new Float32Array([1, 2]) } as const;
 * await saveCheckpoint(`${folder}/model.safetensors`, { tensors: { bias }, metadata: {} });
 * const { tensors } = await loadCheckpoint(`${folder}/model.safetensors`);
 * assertEquals(tensors["bias"], bias);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function saveCheckpoint(path: string, content: TensorFile): Promise<void> {
  requireArguments("saveCheckpoint", { path }, { path: is.name });
  requireTensorFile("saveCheckpoint", content);
  const { tensors, metadata } = content;
  if (Object.hasOwn(metadata, CHECKSUM)) {
    throw new TypeError(`Cannot save ${path}: the metadata key "${CHECKSUM}" is reserved.`);
  }
  const pieces = encodeSafetensors({ tensors, metadata: { ...metadata, [CHECKSUM]: NO_CHECKSUM } });
  const checksum = sha256(pieces);
  const head = pieces[0]!;
  head.set(new TextEncoder().encode(checksum), placeOfChecksum(head)!);
  await writeFileAtomic(path, pieces);
}

/**
 * Reads a checkpoint and checks it.
 *
 * @param path A file of {@linkcode saveCheckpoint}. A safetensors file of another program has no
 * checksum and is refused: read it with `decodeSafetensors`.
 * @returns Tensors and metadata, without the checksum.
 * @throws {Error} If the file cannot be read.
 * @throws {SyntaxError} If a byte of it is not as it was written.
 *
 * @example
 * ```ts
 * import { loadCheckpoint, saveCheckpoint } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await saveCheckpoint(path, { tensors: {}, metadata: { epoch: "3" } });
 * assertEquals((await loadCheckpoint(path)).metadata, { epoch: "3" });
 * await Deno.remove(path);
 * ```
 */
export async function loadCheckpoint(path: string): Promise<TensorFile> {
  requireArguments("loadCheckpoint", { path }, { path: is.name });
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    throw fileError("read the checkpoint", { path, cause });
  }
  const place = placeOfChecksum(bytes);
  if (place === undefined) {
    throw new SyntaxError(
      `Cannot read the checkpoint ${path}: found no ${CHECKSUM} in its header, expected one. The ` +
        `file is damaged, or was written by another program; then read it with decodeSafetensors.`,
    );
  }
  const digits = bytes.subarray(place, place + NO_CHECKSUM.length);
  const expected = new TextDecoder().decode(digits);
  digits.set(new TextEncoder().encode(NO_CHECKSUM));
  const found = sha256([bytes]);
  if (found !== expected) {
    throw new SyntaxError(
      `Cannot read the checkpoint ${path}: its ${CHECKSUM} is ${found}, expected ${expected}. The ` +
        `file is damaged; use another checkpoint.`,
    );
  }
  try {
    const { tensors, metadata: { [CHECKSUM]: _, ...metadata } } = decodeSafetensors(bytes);
    return { tensors, metadata };
  } catch (cause) {
    throw new SyntaxError(`Cannot read the checkpoint ${path}. ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** SHA-256 of pieces one after the other, as 64 hexadecimal digits. */
function sha256(pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

/** Where the 64 digits of the checksum stand in the header of a file, if they do. */
function placeOfChecksum(bytes: Uint8Array): number | undefined {
  if (bytes.length < 8) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) return undefined;
  // One character a byte, so that places in the text are places in the file.
  const header = new TextDecoder("latin1").decode(bytes.subarray(8, 8 + Number(length)));
  const key = header.indexOf(CHECKSUM_KEY);
  const place = key + CHECKSUM_KEY.length;
  return key >= 0 && /^[0-9a-f]{64}"/.test(header.slice(place, place + 65)) ? 8 + place : undefined;
}

/** A checkpoint of a {@linkcode CheckpointStore} that was read. */
export interface LoadedCheckpoint extends TensorFile {
  /** The step it was saved at. */
  readonly step: number;
  /** Where it is. */
  readonly path: string;
}

/** Where a checkpoint is and at which step it was saved. */
export interface CheckpointEntry {
  /** The step it was saved at. */
  readonly step: number;
  /** Where it is. */
  readonly path: string;
}

/** How {@linkcode CheckpointStore.latest} chooses. */
export interface LatestOptions<T> {
  /**
   * Told of every newer checkpoint that had to be passed over, whatever the reason, and of the one that
   * is used instead; without it the first bad checkpoint throws.
   */
  readonly onCorrupt?: ((error: Error) => void) | undefined;
  /**
   * Reads a checkpoint's meaning (default: the checkpoint itself), or throws where it has none: then it
   * counts as damaged. `undefined` passes it over without a word.
   */
  readonly read?: (checkpoint: LoadedCheckpoint) => T | undefined;
}

/** The checkpoints of one training loop: saves by step, keeps the last few, finds the latest. */
export class CheckpointStore {
  /** Folder of the files; made by the first save. */
  readonly folder: string;
  /** How many checkpoints are kept. */
  readonly keep: number;

  /**
   * Names a folder of checkpoints; nothing is read or written yet.
   *
   * @param folder Folder of the files.
   * @param options `keep`: how many checkpoints to keep (default 2, so that a corrupt one does no
   * harm).
   * @throws {RangeError} If `keep` is not a positive integer.
   *
   * @example
   * ```ts
   * import { CheckpointStore } from "@mutasesumele/toolkit/run";
   * import { assertEquals } from "@std/assert";
   *
   * const folder = await Deno.makeTempDir();
   * const store = new CheckpointStore(folder, { keep: 1 });
   * const tensors = { w: { dtype: "F32", shape: [], data: new Float32Array([1]) } } as const;
   * await store.save(10, { tensors, metadata: {} });
   * await store.save(20, { tensors, metadata: {} });
   * assertEquals((await store.list()).map((entry) => entry.step), [20]);
   * assertEquals((await store.latest())?.step, 20);
   * await Deno.remove(folder, { recursive: true });
   * ```
   */
  constructor(folder: string, options: { readonly keep?: number } = {}) {
    requireArguments("new CheckpointStore", { folder }, { folder: is.name });
    requireOptions("new CheckpointStore", options, { keep: is.optional(is.number) });
    this.folder = folder;
    this.keep = options.keep ?? 2;
    if (!Number.isInteger(this.keep) || this.keep < 1) {
      throw new RangeError(
        `Cannot keep ${this.keep} checkpoints: expected an integer of at least 1.`,
      );
    }
  }

  /**
   * Saves a checkpoint, then removes all but the last `keep`. Checkpoints of later steps come from a
   * future that a resumed run has left, and are removed too.
   *
   * @param step Natural number that grows from save to save.
   * @param content Tensors and metadata; the metadata keys `step` and `sha256` are set here.
   * @returns The path of the file.
   * @throws {Error} If the disk is full or the place is not writable; older checkpoints stay.
   */
  async save(step: number, content: TensorFile): Promise<string> {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new RangeError(`Cannot save a checkpoint at step ${step}: expected a natural number.`);
    }
    requireTensorFile("save", content);
    const path = `${this.folder}/step-${String(step).padStart(9, "0")}.safetensors`;
    if (Object.hasOwn(content.metadata, STEP)) {
      throw new TypeError(`Cannot save ${path}: the metadata key "${STEP}" is reserved.`);
    }
    try {
      await Deno.mkdir(this.folder, { recursive: true });
    } catch (cause) {
      throw fileError("create the folder", { path: this.folder, cause });
    }
    const metadata = { ...content.metadata, [STEP]: String(step) };
    await saveCheckpoint(path, { tensors: content.tensors, metadata });
    const entries = await this.list();
    const past = entries.filter((entry) => entry.step <= step);
    const kept = new Set(past.slice(-this.keep).map((entry) => entry.path));
    for (const entry of entries) {
      if (kept.has(entry.path)) continue;
      try {
        await Deno.remove(entry.path);
      } catch (cause) {
        throw fileError("remove the old checkpoint", { path: entry.path, cause });
      }
    }
    return path;
  }

  /**
   * Lists the checkpoints.
   *
   * @returns Steps and paths, by rising step; empty if there is no folder yet.
   */
  async list(): Promise<CheckpointEntry[]> {
    const entries: CheckpointEntry[] = [];
    try {
      for await (const { name } of Deno.readDir(this.folder)) {
        const step = name.match(/^step-(\d+)\.safetensors$/)?.[1];
        if (step !== undefined) {
          entries.push({ step: Number(step), path: `${this.folder}/${name}` });
        }
      }
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) {
        throw fileError("list the checkpoints in", { path: this.folder, cause });
      }
    }
    return entries.sort((a, b) => a.step - b.step);
  }

  /**
   * Reads the latest checkpoint that is whole.
   *
   * @param options Who is told of damaged ones, and what counts as damaged.
   * @returns The checkpoint, or `undefined` if there is none.
   * @throws {Error} If a checkpoint is damaged and nobody listens, or if all are.
   */
  async latest<T = LoadedCheckpoint>(options: LatestOptions<T> = {}): Promise<T | undefined> {
    const { onCorrupt } = options;
    const read = options.read ?? ((checkpoint) => checkpoint as unknown as T);
    const damaged: Error[] = [];
    for (const entry of (await this.list()).toReversed()) {
      let found: T | undefined;
      try {
        found = read(await loadEntry(entry));
      } catch (error) {
        if (!(error instanceof Error) || !onCorrupt) throw error;
        damaged.push(error);
        continue;
      }
      if (found === undefined) continue;
      for (const error of damaged) {
        onCorrupt!(new Error(`${error.message} Using ${entry.path} instead.`, { cause: error }));
      }
      return found;
    }
    if (damaged.length === 0) return undefined;
    throw new Error(
      `Cannot go on from any checkpoint in ${this.folder}: ` +
        `${damaged.map(({ message }) => message).join(" ")} Put a good one back, or remove the ` +
        `folder to train this part again.`,
      { cause: damaged[0] },
    );
  }
}

/** Loads a checkpoint and checks that it is the one that its name says. */
async function loadEntry({ step, path }: CheckpointEntry): Promise<LoadedCheckpoint> {
  const { tensors, metadata: { [STEP]: saved, ...metadata } } = await loadCheckpoint(path);
  if (saved !== String(step)) {
    throw new SyntaxError(
      `Cannot use the checkpoint ${path}: it was saved at step ${saved}, expected ${step} as its ` +
        `name says. Put the files back under their names.`,
    );
  }
  return { step, path, tensors, metadata };
}
