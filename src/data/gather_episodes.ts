import { type HostArray, hostArray } from "../ir/host_array.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { Episode } from "./episode_indices.ts";
import { gatherImages, type GatherImagesOptions } from "./gather_images.ts";
import type { ImageDataset } from "./image_dataset.ts";

/** Images and labels of some tasks. */
export interface EpisodeBatch {
  /** Pixels `f32[task, n, height, width, channels]`. */
  readonly images: HostArray;
  /** Classes within the task `i32[task, n]`, from 0. */
  readonly labels: HostArray;
}

/** Some tasks: what they are learned from, and what is judged. */
export interface EpisodeTasks {
  /** `n` is `way * shot`. */
  readonly support: EpisodeBatch;
  /** `n` is `way * queryShot`. */
  readonly query: EpisodeBatch;
}

/**
 * Copies the images and labels of episodes of one size into host arrays with a task axis, as `maml`, `adaptTasks` and
 * the like take them, and `fit` as a batch.
 *
 * @param dataset The images.
 * @param episodes The tasks, at least one.
 * @param options How images are standardised, as of `gatherImages`.
 * @returns Support and query.
 * @throws {RangeError} If there is no episode, one has another size than the first or images that are not there, or
 *   the statistics do not fit the channels.
 *
 * @example
 * ```ts
 * import { EpisodeSampler, gatherEpisodes, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 100, testCount: 10 });
 * const sampler = new EpisodeSampler({ examples: train, way: 5, shot: 1, queryShot: 3, seed: 0 });
 * const tasks = [0, 1, 2, 3].map((step) => sampler.episode(step));
 * const { support, query } = gatherEpisodes(train, tasks);
 * assertEquals(support.images.shape, [4, 5, 32, 32, 3]);
 * assertEquals(query.labels.shape, [4, 15]);
 * ```
 */
export function gatherEpisodes(
  dataset: ImageDataset,
  episodes: readonly Episode[],
  options: Omit<GatherImagesOptions, "indices"> = {},
): EpisodeTasks {
  const rows = is.listOf(
    is.objectWith({
      ...{ support: is.indices, supportLabels: is.indices },
      ...{ query: is.indices, queryLabels: is.indices },
    }, "an episode"),
  );
  requireArguments("gatherEpisodes", { dataset, episodes }, {
    dataset: kinds.dataset,
    episodes: rows,
  });
  requireOptions("gatherEpisodes", options, {
    mean: is.optional(is.listOf(is.finite)),
    standardDeviation: is.optional(is.numbers),
  });
  const [first] = episodes;
  if (first === undefined) {
    throw new RangeError("Cannot gather 0 episodes: expected at least one.");
  }
  const { height, width, channels } = dataset;
  const batch = (side: "support" | "query"): EpisodeBatch => {
    const count = first[side].length;
    const odd = episodes.findIndex((episode) => episode[side].length !== count);
    if (odd >= 0) {
      throw new RangeError(
        `Cannot gather episodes: number ${odd} has ${
          episodes[odd]![side].length
        } images of its ${side}, the first ` +
          `${count}, expected one size. Draw them by one sampler.`,
      );
    }
    const shape = [episodes.length, count];
    const all = (name: typeof side | `${typeof side}Labels`) =>
      Int32Array.from(episodes.flatMap((episode) => [...episode[name]]));
    return {
      images: hostArray(
        gatherImages(dataset, { ...options, indices: all(side) }),
        [...shape, height, width, channels],
      ),
      labels: hostArray(all(`${side}Labels`), shape, "i32"),
    };
  };
  return { support: batch("support"), query: batch("query") };
}
