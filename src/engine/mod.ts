/** Engines: traced functions run on concrete arrays. @module */
export {
  type Backend,
  Engine,
  type EngineInfo,
  type EngineMemory,
  type EngineName,
  type Jitted,
  type JitOptions,
  type LoadedProgram,
  type Prepared,
} from "./engine.ts";
export { type EngineChoice, engineChoices, type EngineOptions, openEngine } from "./open_engine.ts";
export {
  type Concrete,
  type Given,
  type HostArray,
  hostArray,
  type HostData,
  type OnHost,
  Value,
} from "./value.ts";
