/** Tests that run on every engine. @module */
import type { Engine, EngineName } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { withoutWebgpu } from "../webgpu.ts";

const ENGINES: readonly EngineName[] = ["webgpu", "tfjs", "reference"];

/** Declares a test for every engine. */
export function engineTest(name: string, fn: (engine: Engine) => Promise<void>): void {
  for (const engine of ENGINES) {
    Deno.test({
      name: `${name} (${engine})`,
      ignore: engine === "webgpu" && withoutWebgpu,
      fn: async () => {
        using opened = await openEngine(engine);
        await fn(opened);
      },
    });
  }
}
