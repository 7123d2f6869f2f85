/** The engine of programs: what only TensorFlow.js needs is fetched where there is no adapter, and not before. */
import type { Engine } from "../engine/engine.ts";
import { type EngineChoice, type EngineOptions, openEngine } from "../engine/open_engine.ts";
import { openLateTfjs } from "../tfjs/open_late_tfjs.ts";

/**
 * Opens an engine as `openEngine()` of `/tfjs` does, but fetches TensorFlow.js (286 MB) only if it is the engine.
 *
 * @param choice Which engine.
 * @param options As of `openEngine()`.
 * @returns The engine.
 * @throws {Error} If the engine does not open, or TensorFlow.js cannot be fetched.
 */
export async function openLateEngine(
  choice: EngineChoice,
  options: EngineOptions = {},
): Promise<Engine> {
  return await openEngine(choice, { tfjs: openLateTfjs, ...options });
}
