import { requireOptions } from "../ir/options.ts";
import { TfjsExecutor, type TfjsOptions } from "./executor.ts";
import { loadTfjs } from "./load.ts";

/**
 * Loads TensorFlow.js and opens an executor.
 *
 * @param options Which backend, and where its files are; `wasm` takes `--allow-read` for Deno's cache folder.
 * @returns The executor; close it when done.
 * @throws {Error} If the backend does not start.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mul, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { openTfjs } from "@mutasesumele/toolkit/tfjs";
 *
 * const executor = await openTfjs({ backend: "cpu" });
 * const { program } = trace((x: Tensor) => mul(x, x), [{ shape: [2], dtype: "f32" }]);
 * const [squares] = await executor.run(program, [
 *   { shape: [2], dtype: "f32", data: new Float32Array([2, 3]) },
 * ]);
 * assertEquals(squares?.data, new Float32Array([4, 9]));
 * executor.close();
 * ```
 */
export async function openTfjs(options: TfjsOptions = {}): Promise<TfjsExecutor> {
  requireOptions("openTfjs", options, { backend: true, wasmPath: true });
  const { backend = "wasm", ...others } = options;
  return new TfjsExecutor(await loadTfjs(backend, others));
}
