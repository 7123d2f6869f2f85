import { assert, assertEquals } from "@std/assert";
import { numberChecks } from "../../src/doctor/number_check.ts";
import { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { webgpuTest } from "../webgpu.ts";

async function assertKept(engine: Engine): Promise<void> {
  const promised = (await numberChecks(engine)).filter((check) => check.promised);
  assert(promised.length > 15);
  assertEquals(promised.filter(({ kept }) => !kept), []);
}

Deno.test("numberChecks() finds everything kept by the reference, but for float64", async () => {
  const engine = await openEngine("reference");
  await assertKept(engine);
  const lost = (await numberChecks(engine)).filter(({ kept }) => !kept);
  assertEquals(lost.map(({ name }) => name), ["rounding in (x + 1) - x"]);
  engine.close();
});

Deno.test("numberChecks() finds what is promised kept on tfjs", async () => {
  const engine = await openEngine("tfjs");
  await assertKept(engine);
  engine.close();
});

webgpuTest("numberChecks() finds what is promised kept on WebGPU", async (gpu) => {
  await assertKept(new Engine(new WebGpuBackend(gpu)));
});
