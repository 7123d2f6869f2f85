/**
 * Lazy loading of TensorFlow.js: nothing of it is read before it is asked for.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type * as tensorflow from "@tensorflow/tfjs";
import { repairWasmMatMul } from "./wasm_matmul.ts";

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
  const tf = await import("@tensorflow/tfjs");
  if (backend === "wasm") {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    if (wasmPath !== undefined) setWasmPaths(wasmPath.replace(/\/?$/, "/"));
    repairWasmMatMul(tf);
  }
  const started = starts.last.then(() => start(tf, backend));
  starts.last = started.catch(() => {});
  await started;
  return tf;
}

/**
 * The last start of a backend, for the next one to wait for: TensorFlow.js has one current backend and
 * the process one console, and two starts at a time would spoil each other.
 */
const starts: { last: Promise<void> } = { last: Promise.resolve() };

async function start(tf: Tf, backend: TfjsBackendName): Promise<void> {
  const before = tf.getBackend();
  const { messages, result } = await collectMessages(async () => {
    const started = await tf.setBackend(backend);
    if (started) tf.scalar(0).dispose();
    return started;
  });
  if (!result) {
    // TensorFlow.js leaves the failed backend current, with which nothing can be computed.
    if (before && before !== backend) await tf.setBackend(before);
    throw new Error(
      `Cannot start the backend '${backend}' of TensorFlow.js: ${
        messages[0] ?? "it gave no reason"
      } Give --allow-read for Deno's cache folder, or use the backend 'cpu'.`,
    );
  }
  for (const message of messages) {
    if (!message.includes("install our node backend")) console.warn(message);
  }
}

/** Runs `start` with what it writes to the console collected: its only account of a failure. */
async function collectMessages<T>(
  start: () => Promise<T>,
): Promise<{ messages: string[]; result: T }> {
  const messages: string[] = [];
  const { warn, error } = console;
  console.warn = console.error = (...parts: unknown[]): void => {
    messages.push(parts.join(" "));
  };
  try {
    return { result: await start(), messages };
  } finally {
    console.warn = warn;
    console.error = error;
  }
}
