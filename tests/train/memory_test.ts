/** The short version of the soak `memory`: training holds what it held after its first steps. */
import { openEngine } from "../../src/interop/mod.ts";
import { assertConstant, watchMemory } from "../soak/memory.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { Engine } from "../../src/engine/engine.ts";
import { webgpuTest } from "../webgpu.ts";

webgpuTest("training holds constant device memory, meta-training too", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  for (const meta of [false, true]) assertConstant(await watchMemory(engine, { steps: 35, meta }));
});

Deno.test("training on TensorFlow.js holds constant memory", async () => {
  const engine = await openEngine("tfjs");
  try {
    assertConstant(await watchMemory(engine, { steps: 35, meta: false }));
  } finally {
    engine.close();
  }
});
