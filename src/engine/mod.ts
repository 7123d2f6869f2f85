/** Engines: traced functions run on concrete arrays. @module */
export {
  type Backend,
  Engine,
  type EngineInfo,
  type EngineMemory,
  type EngineName,
  type LoadedProgram,
} from "./engine.ts";
export type { EngineActivity, EngineWatch, EngineWork, LoadOptions } from "./engine_watch.ts";
export type { JitOptions, Jitted, Prepared } from "./jitted.ts";
export type { Holder } from "./holdings.ts";
export { Pauses } from "../ir/pauses.ts";
export {
  DEFAULT_BYTE_BUDGET,
  type EngineChoice,
  engineChoices,
  type EngineOptions,
  openEngine,
  type OpenTfjs,
} from "./open_engine.ts";
export type { KernelSource, ProfileSource } from "./webgpu_backend.ts";
export { scoped } from "./scoped.ts";
export { type Concrete, type Given, type Hold, type OnHost, Value } from "./value.ts";
export { type HostArray, hostArray, type HostData } from "../ir/host_array.ts";
