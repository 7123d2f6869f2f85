/**
 * Lazy loading of TensorFlow.js: nothing of it is read before it is asked for.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type * as tensorflow from "@tensorflow/tfjs";
import { startTfjs, type TfjsModules } from "./start_tfjs.ts";

/** The TensorFlow.js module. */
export type Tf = typeof tensorflow;

/** A tensor of TensorFlow.js. */
export type TfTensor = InstanceType<Tf["Tensor"]>;

/** A sequential or functional model of TensorFlow.js. */
export type TfLayersModel = InstanceType<Tf["LayersModel"]>;

/** Backends of TensorFlow.js on which programs run: both compute on the CPU, synchronously. */
export type TfjsBackendName = "wasm" | "cpu";

/** Options of {@linkcode loadTfjs}. */
export interface LoadTfjsOptions {
  /**
   * Folder or address of the files `tfjs-backend-wasm*.wasm`; by default the npm package's own folder.
   * It counts for the first start of the process.
   */
  readonly wasmPath?: string;
}

/**
 * Loads TensorFlow.js and starts a backend.
 *
 * The `wasm` backend reads one file, `tfjs-backend-wasm-simd.wasm` (or its sibling without SIMD),
 * out of the npm package in Deno's cache; that takes `--allow-read` for the folder that
 * `deno info --json` calls `npmCache`. The `cpu` backend is plain JavaScript: it needs no
 * permission and is ten to a hundred times slower.
 *
 * @param backend Which backend; it becomes the current one of the TensorFlow.js module.
 * @param options Where the files of the wasm backend are.
 * @returns The TensorFlow.js module.
 * @throws {TypeError} If the backend is none of these; for WebGPU use `shareTf`.
 * @throws {Error} If the backend does not start, for example for lack of the permission; it can be
 *   tried again, and the backend that was current before stays so.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { loadTfjs } from "@mutasesumele/toolkit/tfjs";
 *
 * const tf = await loadTfjs("cpu");
 * assertEquals(tf.getBackend(), "cpu");
 * ```
 */
export async function loadTfjs(
  backend: TfjsBackendName = "wasm",
  options: LoadTfjsOptions = {},
): Promise<Tf> {
  requireOptions("loadTfjs", options, { wasmPath: is.optional(is.name) });
  const { wasmPath } = options;
  if (backend !== "wasm" && backend !== "cpu") {
    throw new TypeError(
      `Cannot load the backend '${backend}' of TensorFlow.js: expected 'wasm' or 'cpu'. For 'webgpu' ` +
        `open an engine and use (await shareTf(engine)).tf.`,
    );
  }
  return await startTfjs(INSTALLED, { backend, wasmPath });
}

/** Fetched with whatever imports this file. */
const INSTALLED: TfjsModules = {
  tfjs: () => import("@tensorflow/tfjs"),
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
};
