/**
 * TensorFlow.js: an engine on wasm where there is no WebGPU, the same device and tensors without a copy where
 * there is, its functions as primitives and its models as layers. Importing this entry brings TensorFlow.js.
 *
 * @example An engine that is WebGPU or TensorFlow.js, and TensorFlow.js on the same memory
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray } from "@mutasesumele/toolkit";
 * import { openEngine, shareTf } from "@mutasesumele/toolkit/tfjs";
 *
 * using engine = await openEngine("auto");
 * const { tf, toTf } = await shareTf(engine);
 * const tensor = toTf(engine.put(hostArray([1, 2, 3, 4])));
 * assertEquals(await tf.square(tensor).array(), [1, 4, 9, 16]);
 * tensor.dispose();
 * ```
 *
 * @module
 */
export { openEngine } from "./open_engine.ts";
export { type SharedTf, shareTf } from "./share_tf.ts";
export { fromLayersModel, type HostParams, type ModelLayer } from "./layers_model.ts";
export * from "../tfjs/mod.ts";
