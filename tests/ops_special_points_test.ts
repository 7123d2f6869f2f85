import { assert, assertEquals } from "@std/assert";
import { Engine } from "../src/engine/engine.ts";
import { openEngine } from "../src/engine/mod.ts";
import { WebGpuBackend } from "../src/engine/webgpu_backend.ts";
import { hostArray } from "../src/ir/host_array.ts";
import type { Primitive } from "../src/ir/primitive.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import * as ops from "../src/ops/mod.ts";
import { sum } from "../src/tensor/mod.ts";
import { grad } from "../src/transform/mod.ts";
import { SPECIAL_POINTS, type SpecialCase } from "./cases/special_points.ts";
import { webgpuTest } from "./webgpu.ts";

/** A function and its first two derivatives. */
function orders({ fn }: SpecialCase): ((x: Tensor) => Tensor)[] {
  const first = grad((x: Tensor) => sum(fn(x)));
  return [fn, first, grad((x: Tensor) => sum(first(x)))];
}

/** Equal, or close and both finite. The signs of zeros are not kept. */
function agrees(found: number, wanted: number): boolean {
  const expected = Math.fround(wanted);
  if (!Number.isFinite(expected) || expected === 0) return Object.is(found + 0, expected + 0);
  return Math.abs(found - expected) <= 2e-6 * Math.abs(expected);
}

/** The table in code for single numbers and for four at once, after a run with other numbers. */
async function assertTable(engine: Engine): Promise<void> {
  const wrong = new Set<string>();
  for (const count of [9, 8]) {
    const tables = SPECIAL_POINTS.map(({ points }) =>
      Array.from({ length: count }, (_, k) => points[k % points.length]!)
    );
    const numbers = tables.map((points) => points.map(([x]) => x));
    for (const order of [0, 1, 2]) {
      const run = engine.jit((inputs: Tensor[]) =>
        SPECIAL_POINTS.map((entry, k) => orders(entry)[order]!(inputs[k]!))
      );
      for (const value of await run(numbers.map((at) => hostArray([...at].reverse())))) {
        engine.release(value);
      }
      const values = await run(numbers.map((at) => hostArray(at)));
      for (const [k, value] of values.entries()) {
        const { data } = await engine.read(value);
        engine.release(value);
        tables[k]!.forEach((point, at) => {
          const wanted = point[order + 1]!;
          if (agrees(data[at]!, wanted)) return;
          const what = `${SPECIAL_POINTS[k]!.name}${"'".repeat(order)}(${point[0]})`;
          wrong.add(`${what} in ${count} is ${data[at]}, expected ${wanted}`);
        });
      }
    }
  }
  assertEquals([...wrong], []);
}

for (const name of ["reference", "tfjs"] as const) {
  Deno.test(`special points have the documented value and two derivatives on ${name}`, async () => {
    const engine = await openEngine(name);
    await assertTable(engine);
    engine.close();
  });
}

webgpuTest(
  "special points have the documented value and two derivatives on WebGPU",
  async (gpu) => {
    await assertTable(new Engine(new WebGpuBackend(gpu)));
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
