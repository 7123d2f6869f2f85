/**
 * The images of a run: those that its flag `--data` names.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import {
  dataNames,
  type ImageSplits,
  type ImageSplitsOptions,
  loadImageSplits,
  type StreamedSplits,
  streamImageSplits,
} from "../data/mod.ts";
import { permittedDataDirectory } from "./data_folder.ts";
import type { Progress } from "../run/progress.ts";
import type { ExperimentContext } from "./experiment_context.ts";

/** What {@linkcode loadData} needs of the context of a run. */
export interface DataContext
  extends Pick<ExperimentContext<unknown>, "data" | "offline" | "signal" | "log"> {
  /** The live line. */
  readonly progress: Pick<Progress, "begin" | "update">;
}

/** Options of {@linkcode loadData}. */
export interface LoadDataOptions {
  /** Rows and columns to resize to; without it all images must have one size. */
  readonly size?: number;
  /** Share of the shorter side that is kept when resizing; all of it unless told. */
  readonly cut?: number;
  /** Training images that are used, from the first; of the stand-in no more are painted. */
  readonly trainImages?: number | null;
  /** Test images that are used, likewise. */
  readonly testImages?: number | null;
}

const countOrAll = /* @__PURE__ */ is.kind(
  "a positive whole number, or null for all",
  (found) => found === null || is.count.holds(found),
);

const CONTEXT = /* @__PURE__ */ is.objectWith({
  data: is.name,
  offline: is.flag,
  signal: /* @__PURE__ */ is.kind("an AbortSignal", (found) => found instanceof AbortSignal),
  log: is.callback,
  progress: /* @__PURE__ */ is.objectWith({ begin: is.callback, update: is.callback }),
}, "a context");

const OPTIONS = {
  size: /* @__PURE__ */ is.optional(is.count),
  cut: /* @__PURE__ */ is.optional(is.number),
  trainImages: /* @__PURE__ */ is.optional(countOrAll),
  testImages: /* @__PURE__ */ is.optional(countOrAll),
} as const;

/** Images of the procedural stand-in that are painted. */
const STAND_IN = { train: 10_000, test: 2_000 };

/**
 * Loads the images that a run was asked to use, downloads and tells of it where that is needed.
 *
 * @param context The run; its `data` is a folder, an archive, or one of `dataNames()`.
 * @param options What to make of the images.
 * @returns Training and test images.
 * @throws {Error} If they cannot be found, or are damaged.
 *
 * @example
 * ```ts
 * import { loadData } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 *
 * // An experiment passes the context that it is given.
 * const context = {
 *   data: "synthetic",
 *   offline: true,
 *   signal: new AbortController().signal,
 *   log: () => {},
 *   progress: { begin: () => {}, update: () => {} },
 * };
 * const { train } = await loadData(context, { size: 8 });
 * assertEquals([train.height, train.width], [8, 8]);
 * ```
 */
export async function loadData(
  context: DataContext,
  options: LoadDataOptions = {},
): Promise<ImageSplits> {
  requireArguments("loadData", { context }, { context: CONTEXT });
  requireOptions("loadData", options, OPTIONS);
  return await loadImageSplits(await splitsOptions(context, options));
}

/**
 * Opens images that need not fit into memory: the first are loaded, the rest is streamed from parquet
 * shards.
 *
 * @param context The run, as of {@linkcode loadData}.
 * @param options What to make of the images; `held`: training images in memory; `heldTest`: test images,
 *   all unless told.
 * @returns Images in memory, and the stream.
 * @throws {Error} If the data are no parquet shards, cannot be found, or are damaged.
 *
 * @example
 * ```ts
 * import { streamData } from "@mutasesumele/toolkit/experiment";
 * import { assertRejects } from "@std/assert";
 *
 * const context = {
 *   data: "synthetic",
 *   offline: true,
 *   signal: new AbortController().signal,
 *   log: () => {},
 *   progress: { begin: () => {}, update: () => {} },
 * };
 * await assertRejects(() => streamData(context, { size: 8, held: 100 }), Error, "parquet");
 * ```
 */
export async function streamData(
  context: DataContext,
  options: LoadDataOptions & {
    readonly held: number;
    readonly heldTest?: number;
  },
): Promise<StreamedSplits> {
  requireArguments("streamData", { context }, { context: CONTEXT });
  const heldTestKind = is.optional(is.count);
  requireOptions("streamData", options, { ...OPTIONS, held: is.count, heldTest: heldTestKind });
  const { held, heldTest, ...images } = options;
  return await streamImageSplits({
    ...await splitsOptions(context, images),
    held,
    ...(heldTest !== undefined && { heldTest }),
  });
}

async function splitsOptions(
  context: DataContext,
  { trainImages, testImages, ...options }: LoadDataOptions,
): Promise<ImageSplitsOptions> {
  const { data, offline, signal, log, progress } = context;
  const named = data !== "synthetic" && dataNames().includes(data);
  const megabytes = (count: number) => Math.round(count / 1e6);
  return {
    data,
    offline,
    signal,
    ...(named && { defaultDirectory: await permittedDataDirectory() }),
    ...options,
    syntheticTrainCount: Math.min(STAND_IN.train, trainImages ?? Infinity),
    syntheticTestCount: Math.min(STAND_IN.test, testImages ?? Infinity),
    onMessage: log,
    onProgress: ({ bytes, total }) => {
      progress.begin({ label: "download, MB", total: megabytes(total) });
      progress.update(megabytes(bytes));
    },
  };
}
