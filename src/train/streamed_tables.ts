/**
 * Images that do not fit into memory, as a table for each step.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { type HostImageTable, packImages } from "./device_images.ts";

/** A batch of a stream. */
export interface StreamedBatch {
  /** Pixels `[n, height, width, channels]`, one byte a channel. */
  readonly images: Uint8Array;
  /** Classes `[n]`. */
  readonly labels: Int32Array;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Class names, if there are any. */
  readonly classNames: readonly string[] | undefined;
  /** Milliseconds that the asker had to wait for this batch. */
  readonly waited: number;
}

/** Where batches come from: an `imageStream` of shards, or anything else that can begin at any epoch. */
export interface BatchSource {
  /** Batches from an epoch on, without end; they depend on nothing but the epoch. */
  batches(firstEpoch: number): AsyncGenerator<StreamedBatch>;
  /** Batches of an epoch. */
  batchesPerEpoch(): Promise<number>;
}

/** A batch as a table for the device: the batch's images are its rows, from 0. */
export interface StreamedTable {
  /** Images and labels. */
  readonly table: HostImageTable;
  /** Milliseconds that the step has waited for them. */
  readonly waited: number;
}

/** Tables of images by the number of a step. */
export interface StreamedTables {
  /**
   * The batch of a step. It depends on the source and the number alone; a later number after an earlier one
   * costs what lies between them, at most an epoch.
   *
   * @param step Number of the step, from 0.
   */
  at(step: number): Promise<StreamedTable>;
  /** Ends the stream. */
  close(): Promise<void>;
}

/**
 * Streams a batch for each step of a stage: what `table` of {@linkcode compiledStage} may be, with `rows` that
 * count from 0, in place of a table that holds all images.
 *
 * @param source Where batches come from, such as `imageStream` of `/data`.
 * @returns Batches by the number of the step; close them when training is done.
 *
 * @example
 * ```ts
 * import { streamedTables } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const images = new Uint8Array(2 * 4 * 4 * 3);
 * const labels = Int32Array.of(1, 0);
 * const stream = streamedTables({
 *   batchesPerEpoch: () => Promise.resolve(1),
 *   async *batches() {
 *     for (;;) yield { images, labels, height: 4, width: 4, classNames: ["ant", "bee"], waited: 0 };
 *   },
 * });
 * assertEquals((await stream.at(3)).table.labels.data, labels);
 * await stream.close();
 * ```
 */
export function streamedTables(source: BatchSource): StreamedTables {
  requireArguments("streamedTables", { source }, {
    source: is.objectWith(
      { batches: is.callback, batchesPerEpoch: is.callback },
      "a source, such as imageStream() returns,",
    ),
  });
  let stream: AsyncGenerator<StreamedBatch> | undefined;
  let perEpoch: number | undefined;
  /** Step of the batch that the stream gives next. */
  let next = 0;
  let last: { readonly step: number; readonly batch: StreamedTable } | undefined;

  /** Begins at the epoch of a step: images of those before it need not be decoded. */
  const restart = async (step: number): Promise<void> => {
    await stream?.return(undefined);
    perEpoch ??= await source.batchesPerEpoch();
    const firstEpoch = perEpoch > 0 ? Math.floor(step / perEpoch) : 0;
    stream = source.batches(firstEpoch);
    next = firstEpoch * perEpoch;
  };

  return {
    async at(step) {
      if (last?.step === step) return last.batch;
      const far = perEpoch !== undefined && step - next > perEpoch;
      if (stream === undefined || step < next || far) await restart(step);
      for (;;) {
        const { value, done } = await stream!.next();
        if (done) {
          throw new RangeError(
            `Cannot take the batch of step ${step}: the stream has ended before it, expected one ` +
              `without end.`,
          );
        }
        if (next++ < step) continue;
        last = { step, batch: { table: packBatch(value), waited: value.waited } };
        return last.batch;
      }
    },
    async close() {
      await stream?.return(undefined);
      stream = undefined;
      last = undefined;
    },
  };
}

function packBatch({ images, labels, height, width, classNames }: StreamedBatch): HostImageTable {
  const count = labels.length;
  return packImages({
    ...{ name: "a stream", count, images, labels, height, width },
    channels: images.length / (count * height * width),
    // Without class names there are as many classes as the greatest label says.
    classNames: classNames ?? Array.from({ length: Math.max(...labels) + 1 }, String),
  });
}
