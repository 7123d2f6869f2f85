/** TensorFlow.js: an executor of programs, and its functions as primitives. @module */
export { openTfjs } from "./open_tfjs.ts";
export {
  TfjsExecutor,
  type TfjsInfo,
  type TfjsOptions,
  type TfjsPrimitive,
  type TfjsProgram,
} from "./executor.ts";
export type { Held } from "./held.ts";
export {
  loadTfjs,
  type LoadTfjsOptions,
  type Tf,
  type TfjsBackendName,
  type TfLayersModel,
  type TfTensor,
} from "./load.ts";
export { tfOp, type TfOpOptions } from "./tf_op.ts";
