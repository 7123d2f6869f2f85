import { assert, assertEquals } from "@std/assert";
import { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Primitive } from "../../src/ir/primitive.ts";
import * as ops from "../../src/ops/mod.ts";
import { specialPointFaults } from "../cases/special_check.ts";
import { SPECIAL_POINTS } from "../cases/special_points.ts";
import { FOURS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

for (const name of ["reference", "tfjs"] as const) {
  Deno.test(`special points have the documented value and two derivatives on ${name}`, async () => {
    const engine = await openEngine(name);
    assertEquals(await specialPointFaults(engine), []);
    engine.close();
  });
}

webgpuTest(
  "special points have the documented value and two derivatives on WebGPU",
  async (gpu) => {
    for (const traits of [{}, FOURS]) {
      assertEquals(await specialPointFaults(new Engine(new WebGpuBackend(gpu, { traits }))), []);
    }
  },
);

Deno.test("every elementwise primitive of real numbers stands among the special points", () => {
  const known = new Set(SPECIAL_POINTS.map(({ name }) => name.split(" ")[0]));
  const ofIntegers = ["and", "or", "xor", "not", "shift_left", "shift_right"];
  const elementwise = Object.entries(ops)
    .filter(([name]) => /[a-z0-9]P$/.test(name))
    .map(([, value]) => value as unknown as Primitive)
    .filter(({ lower }) => lower.kind === "pointwise" && lower.elementwise)
    .map(({ name }) => name);
  const missing = elementwise.filter((name) => !known.has(name) && !ofIntegers.includes(name));
  assertEquals(missing, []);
  assert(elementwise.length > 30);
});
