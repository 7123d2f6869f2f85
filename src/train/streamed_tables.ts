/**
 * Images that do not fit into memory, as a table for each step.
 *
 * @module
 */
import {
  countShardRows,
  type StreamBatch,
  streamImages,
  type StreamImagesOptions,
} from "../data/mod.ts";
import { type HostImageTable, packImages } from "./device_images.ts";

/** Options of {@linkcode streamedTables}. */
export type StreamedTablesOptions = Omit<StreamImagesOptions, "firstEpoch" | "epochs">;

/** A batch as a table for the device: the batch's images are its rows `0` to `batchSize - 1`. */
export interface StreamedTable {
  /** Images and labels. */
  readonly table: HostImageTable;
  /** Milliseconds that the step has waited for them. */
  readonly waited: number;
}

/** Tables of images by the number of a step. */
export interface StreamedTables {
  /**
   * The batch of a step. It depends on the options and the number alone; a later number after an
   * earlier one costs what lies between them, at most an epoch.
   *
   * @param step Number of the step, from 0.
   */
  at(step: number): Promise<StreamedTable>;
  /** Ends the decoders. */
  close(): Promise<void>;
}

/**
 * Streams a batch for each step of a stage: what `table` of {@linkcode compiledStage} may be, with `rows` that
 * count from 0, in place of a table that holds all images.
 *
 * @param options Which shards, batches and order; see `streamImages`.
 * @returns Batches by the number of the step; close them when training is done.
 *
 * @example
 * ```ts
 * import { streamedTables } from "@mutasesumele/toolkit/train";
 * import { assertRejects } from "@std/assert";
 *
 * const batches = streamedTables({ paths: [], batchSize: 8, seed: 0 });
 * await assertRejects(() => batches.at(0), RangeError, "shards 0");
 * await batches.close();
 * ```
 */
export function streamedTables(options: StreamedTablesOptions): StreamedTables {
  const { channels = 3, paths, batchSize } = options;
  let stream: AsyncGenerator<StreamBatch> | undefined;
  /** Batches of an epoch, once they are counted; what does not fill one is left out. */
  let perEpoch: number | undefined;
  /** Step of the batch that the stream gives next. */
  let next = 0;
  let last: { readonly step: number; readonly batch: StreamedTable } | undefined;

  /** Begins at the epoch of a step: images of those before it need not be decoded. */
  const restart = async (step: number): Promise<void> => {
    await stream?.return(undefined);
    perEpoch ??= Math.floor(await countShardRows(paths) / batchSize);
    const firstEpoch = perEpoch > 0 ? Math.floor(step / perEpoch) : 0;
    stream = streamImages({ ...options, firstEpoch });
    next = firstEpoch * perEpoch;
  };

  const take = async (step: number): Promise<StreamedTable> => {
    if (last?.step === step) return last.batch;
    const far = perEpoch !== undefined && step - next > perEpoch;
    if (stream === undefined || step < next || far) await restart(step);
    for (;;) {
      const { value, done } = await stream!.next();
      if (done) throw new Error("Cannot stream images: the stream has ended, expected none.");
      const { images, labels, height, width, classNames, waited } = value;
      if (next++ < step) continue;
      const table = packImages({
        name: "a stream",
        count: labels.length,
        images,
        // Shards without class names have as many classes as the greatest label says.
        classNames: classNames ?? Array.from({ length: Math.max(...labels) + 1 }, String),
        ...{ labels, height, width, channels },
      });
      last = { step, batch: { table, waited } };
      return last.batch;
    }
  };

  return {
    at: take,
    async close() {
      await stream?.return(undefined);
      stream = undefined;
      last = undefined;
    },
  };
}
