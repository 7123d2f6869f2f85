/**
 * The images of a study: all in memory, or a part of them and a stream of the rest.
 *
 * @module
 */
import type { ImageSplits, StreamedSplits } from "../../data/mod.ts";
import { type ExperimentContext, loadData, streamData } from "../../experiment/mod.ts";
import type { ImageTrainingOptions } from "../../train/mod.ts";
import { requireMixed } from "./regimes.ts";
import type { StudyConfig } from "./study_schema.ts";

/** What a study learns from: all in memory, or a part of it and a stream of the rest. */
export type StudySplits = ImageSplits & Partial<StreamedSplits>;

/**
 * Loads the images of a study.
 *
 * @param context The run.
 * @returns Training and test images, and the stream if there is one.
 * @throws {Error} If they cannot be found or are damaged, or a stream would hold few of their classes.
 */
export async function loadSplits(context: ExperimentContext<StudyConfig>): Promise<StudySplits> {
  const { stream, trainImages, testImages, imageSize: size } = context.config;
  if (!stream) return await loadData(context, { size, trainImages, testImages });
  const splits = await streamData(context, {
    size,
    // The schema wants it with a stream.
    held: trainImages!,
    ...(testImages !== null && { heldTest: testImages }),
  });
  for (const held of [splits.train, splits.test]) requireMixed(held);
  return splits;
}

/** Bytes of images from which a stream draws the next, at most. */
const POOL_BYTES = 2 ** 29;

/** The stream of a training, if there is one, and what is said of it. */
export function streamOptions(
  { stream }: StudySplits,
  { imageSize, log }: { readonly imageSize: number; readonly log: (line: string) => void },
): Pick<ImageTrainingOptions, "stream" | "onStream"> {
  if (!stream) return {};
  const shuffle = Math.min(2048, Math.floor(POOL_BYTES / (imageSize * imageSize * 3)));
  return {
    stream: (batches) => stream({ ...batches, shuffle }),
    onStream: ({ arm, phase }, { batches, ready, waited }) =>
      log(
        `${arm} ${phase}: of ${batches} streamed batches ${ready} were ready, steps waited ` +
          `${waited.toFixed(1)} s for the others`,
      ),
  };
}
