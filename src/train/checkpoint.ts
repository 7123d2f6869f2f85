/**
 * Checkpoints: tensors and text in a safetensors file with a checksum, written atomically.
 *
 * @module
 */
import { writeFileAtomic } from "./atomic_write.ts";
import { crc32c } from "./crc32c.ts";
import { fileError } from "./file_error.ts";
import { decodeSafetensors, encodeSafetensors, type TensorFile } from "./safetensors.ts";

/** Metadata key of the checksum over all tensor bytes. */
const CHECKSUM = "data_crc32c";

/**
 * Writes tensors and metadata atomically, with a checksum of the data.
 *
 * @param path File to create or replace.
 * @param content Tensors and metadata; the metadata key `data_crc32c` is set here.
 * @throws {Error} If the disk is full or the place is not writable; an older file stays as it was.
 *
 * @example
 * ```ts
 * import { loadCheckpoint, saveCheckpoint } from "@mutasesumele/toolkit";
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
  const data = encodeSafetensors({ tensors: content.tensors, metadata: {} }).slice(1);
  const checksum = data.reduce((crc, piece) => crc32c(piece, crc), 0);
  const metadata = { ...content.metadata, [CHECKSUM]: String(checksum) };
  await writeFileAtomic(path, encodeSafetensors({ tensors: content.tensors, metadata }));
}

/**
 * Reads a checkpoint and checks it.
 *
 * @param path The safetensors file; one without our checksum, from another program, is accepted.
 * @returns Tensors and metadata, without the checksum.
 * @throws {Error} If the file cannot be read.
 * @throws {SyntaxError} If it is truncated, inconsistent or its checksum is wrong.
 */
export async function loadCheckpoint(path: string): Promise<TensorFile> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    throw fileError("read the checkpoint", { path, cause });
  }
  let content: TensorFile;
  try {
    content = decodeSafetensors(bytes);
  } catch (cause) {
    throw new SyntaxError(`Cannot read the checkpoint ${path}. ${(cause as Error).message}`, {
      cause,
    });
  }
  const { [CHECKSUM]: expected, ...metadata } = content.metadata;
  const dataStart = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const found = String(crc32c(bytes.subarray(dataStart)));
  if (expected !== undefined && found !== expected) {
    throw new SyntaxError(
      `Cannot read the checkpoint ${path}: the checksum of its data is ${found}, expected ` +
        `${expected}. The file is corrupt; use another checkpoint.`,
    );
  }
  return { tensors: content.tensors, metadata };
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
   * import { CheckpointStore } from "@mutasesumele/toolkit";
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
   * @param content Tensors and metadata.
   * @returns The path of the file.
   * @throws {Error} If the disk is full or the place is not writable; older checkpoints stay.
   */
  async save(step: number, content: TensorFile): Promise<string> {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new RangeError(`Cannot save a checkpoint at step ${step}: expected a natural number.`);
    }
    const path = `${this.folder}/step-${String(step).padStart(9, "0")}.safetensors`;
    try {
      await Deno.mkdir(this.folder, { recursive: true });
    } catch (cause) {
      throw fileError("create the folder", { path: this.folder, cause });
    }
    await saveCheckpoint(path, content);
    const entries = await this.list();
    const past = entries.filter((entry) => entry.step <= step);
    const kept = new Set(past.slice(-this.keep).map((entry) => entry.path));
    for (const entry of entries) {
      if (!kept.has(entry.path)) await Deno.remove(entry.path);
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
   * @param options `onCorrupt`: told of every newer checkpoint that had to be passed over; without
   * it a corrupt checkpoint throws.
   * @returns The checkpoint, or `undefined` if there is none.
   * @throws {SyntaxError} If a checkpoint is corrupt and nobody listens, or if all are.
   */
  async latest(
    options: { readonly onCorrupt?: (error: Error) => void } = {},
  ): Promise<LoadedCheckpoint | undefined> {
    const entries = await this.list();
    for (const [index, { step, path }] of entries.toReversed().entries()) {
      try {
        return { step, path, ...await loadCheckpoint(path) };
      } catch (error) {
        if (!(error instanceof SyntaxError) || !options.onCorrupt) throw error;
        options.onCorrupt(error);
        if (index === entries.length - 1) throw error;
      }
    }
    return undefined;
  }
}
