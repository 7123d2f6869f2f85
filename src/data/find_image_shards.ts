import { baseName } from "./base_name.ts";
import { fetchHubSet } from "./fetch_hub_set.ts";
import { findShards } from "./hugging_face_folder.ts";
import type { ImageSplitsOptions } from "./load_image_splits.ts";
import { PUBLISHED_SETS } from "./published_sets.ts";

/** Parquet files of a part, and their hashes if these are known. */
interface Shards {
  readonly paths: readonly string[];
  readonly sha256?: readonly string[];
}

/** Both parts of a data set in parquet files. */
export interface ImageShards {
  /** Name of the data set. */
  readonly name: string;
  /** Last folder where a list of hashes counts; absent where every file has one. */
  readonly root?: string;
  /** What to learn from. */
  readonly train: Shards;
  /** What to test on. */
  readonly test: Shards;
  /** Where they come from, of a set of the hub. */
  readonly from?: string;
  /** Whether anything was downloaded. */
  readonly downloaded: boolean;
}

/** Finds the shards of a named set, fetched if need be, or of a folder; `undefined` if there are none. */
export async function findImageShards(
  data: string,
  options: ImageSplitsOptions,
): Promise<ImageShards | undefined> {
  const set = PUBLISHED_SETS.find(({ name }) => name === data);
  if (set) {
    const { paths, sha256, origin, downloaded } = await fetchHubSet(set, options);
    return {
      ...{ name: data, from: origin, downloaded },
      train: { paths: paths.train, sha256: sha256.train },
      test: { paths: paths.test, sha256: sha256.test },
    };
  }
  const info = await Deno.stat(data).catch(() => undefined);
  const found = info?.isDirectory ? await findShards(data) : undefined;
  if (found === undefined) return undefined;
  const train = found.parts.get("train");
  const test = found.parts.get("test") ?? found.parts.get("validation");
  if (train === undefined || test === undefined) {
    throw new Error(
      `Cannot load images from ${found.folder}: parts ${
        [...found.parts.keys()].join(", ")
      }, expected train and test (or validation). Fetch the missing part.`,
    );
  }
  const name = baseName(data, "hugging-face");
  return { name, root: data, train: { paths: train }, test: { paths: test }, downloaded: false };
}
