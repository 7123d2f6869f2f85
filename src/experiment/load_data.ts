/**
 * The images of a run: those that its flag `--data` names.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { dataNames, type ImageSplits, loadImageSplits } from "../data/mod.ts";
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
}

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
  requireArguments("loadData", { context }, {
    context: is.objectWith({ data: is.name, log: is.callback, progress: is.object }, "a context"),
  });
  requireOptions("loadData", options, { size: is.optional(is.count), cut: is.optional(is.number) });
  const { data, offline, signal, log, progress } = context;
  const named = data !== "synthetic" && dataNames().includes(data);
  const megabytes = (count: number) => Math.round(count / 1e6);
  return await loadImageSplits({
    data,
    offline,
    signal,
    ...(named && { defaultDirectory: await permittedDataDirectory() }),
    ...options,
    onMessage: log,
    onProgress: ({ bytes, total }) => {
      progress.begin({ label: "download, MB", total: megabytes(total) });
      progress.update(megabytes(bytes));
    },
  });
}
