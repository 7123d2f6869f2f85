/**
 * Choice of an engine with TensorFlow.js at hand.
 *
 * @module
 */
import type { Engine } from "../engine/engine.ts";
import {
  type EngineChoice,
  type EngineOptions,
  openEngine as openLight,
} from "../engine/open_engine.ts";
import { openTfjs } from "../tfjs/open_tfjs.ts";

/**
 * Opens an engine as `openEngine` of the package's main entry does, with TensorFlow.js among those to choose
 * from: `auto` takes it where WebGPU has no adapter that can be trusted.
 *
 * @param choice Which engine.
 * @param options As there.
 * @returns The engine; close it when done.
 * @throws {NoAdapterError} If WebGPU is asked for and there is no adapter, or only OpenGL.
 * @throws {TypeError} If there is no such engine or option, or a device is given for an engine that computes on
 *   none.
 * @throws {Error} If TensorFlow.js does not start; it can be tried again.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray, mul, type Tensor } from "@mutasesumele/toolkit";
 * import { openEngine } from "@mutasesumele/toolkit/tfjs";
 *
 * using engine = await openEngine("tfjs");
 * const square = engine.jit((x: Tensor) => mul(x, x));
 * const result = await engine.read(await square(hostArray([1, 2, 3])));
 * assertEquals(result.data, new Float32Array([1, 4, 9]));
 * ```
 */
export async function openEngine(
  choice: EngineChoice = "auto",
  options: EngineOptions = {},
): Promise<Engine> {
  return await openLight(choice, { tfjs: openTfjs, ...options });
}
