import { assertEquals, assertNotEquals } from "@std/assert";
import { hostArray, openEngine } from "../../src/engine/mod.ts";
import type { NdArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { div } from "../../src/tensor/mod.ts";

/** One third as the reference engine holds it between two programs. */
async function heldThird(float64: boolean): Promise<number> {
  const engine = await openEngine("reference", { float64 });
  const third = await engine.jit((x: Tensor) => div(x, 3))(hostArray([1]));
  const { data } = third.handle as NdArray;
  engine.close();
  return data[0]!;
}

Deno.test("the reference engine holds float32 between programs, as what is stored and read", async () => {
  assertEquals(await heldThird(false), Math.fround(1 / 3));
});

Deno.test("the reference engine holds float64 between programs where it is told to", async () => {
  assertEquals(await heldThird(true), 1 / 3);
  assertNotEquals(1 / 3, Math.fround(1 / 3));
});
