/** TensorFlow.js: an executor of programs, and its functions as primitives. @module */
export {
  openTfjs,
  TfjsExecutor,
  type TfjsInfo,
  type TfjsOptions,
  type TfjsPrimitive,
  type TfjsProgram,
} from "./executor.ts";
export type { Held, HostArray, HostData } from "./held.ts";
export { loadTfjs, type Tf, type TfjsBackendName } from "./load.ts";
