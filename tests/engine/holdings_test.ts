/** Values that nobody uses are freed, without any bookkeeping; those that pile up are named. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hostArray, mul, type Tensor, Value } from "../../mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { Holdings } from "../../src/engine/holdings.ts";
import { withoutWebgpu } from "../webgpu.ts";

/** A megabyte, of which the loops below make two a step. */
const megabyte = hostArray(new Float32Array(2 ** 18).fill(1));
const both = (x: Tensor) => ({ next: mul(x, 1), aside: mul(x, 3) });

for (const name of ["reference", "webgpu"] as const) {
  const ignore = name === "webgpu" && withoutWebgpu;
  Deno.test(
    `a loop that drops its results stays flat on the engine ${name}`,
    { ignore },
    async () => {
      using engine = await openEngine(name, { onLeak: (line) => assert(false, line) });
      const step = engine.jit(both);
      let x = engine.put(megabyte);
      const steps = 150;
      const bytes = engine.memory().live;
      for (let k = 0; k < steps; k++) x = (await step(x)).next;
      const { peak } = engine.memory();
      // Without a search the peak would be 300 values; with one they are dropped at 64 MiB.
      assert(peak < 150 * bytes, `${peak / bytes} values at the peak`);
      assertEquals((await engine.read(x)).data[0], 1);
    },
  );
}

const onDevice = { ignore: withoutWebgpu };
Deno.test(
  "results that pile up are named, and so they are when memory runs out",
  onDevice,
  async () => {
    const lines: string[] = [];
    using engine = await openEngine("webgpu", {
      onLeak: (line) => lines.push(line),
      byteBudget: 300 * 2 ** 20,
    });
    const train = function train(x: Tensor) {
      return mul(x, 2);
    };
    const step = engine.jit(train);
    const kept: Value[] = [];
    const x = engine.put(megabyte);
    const error = await assertRejects(async () => {
      for (;;) kept.push(await step(x));
    }, Error);
    assert(kept.length > 200);
    assertEquals(lines.length, 1);
    assert(/^\d+ values of 'train', .* MiB, are still in use/.test(lines[0]!), lines[0]);
    assert(error.message.includes(`${kept.length} values of 'train'`), error.message);
    assertEquals(engine.holders(), [
      { source: "train", values: kept.length, bytes: kept.length * 2 ** 20 },
      { source: "put", values: 1, bytes: 2 ** 20 },
    ]);
    engine.release(kept);
    assertEquals(engine.holders().map(({ source }) => source), ["put"]);
  },
);

Deno.test("an array is freed once, by its release or after its value is gone", async () => {
  const freed: unknown[] = [];
  const holdings = new Holdings((handle) => freed.push(handle), () => {});
  const value = (handle: number) => new Value({ shape: [2 ** 20], dtype: "f32" }, handle);
  const kept = value(-1);
  holdings.add("loop", [kept]);
  for (let k = 0; k < 40; k++) holdings.add("loop", [value(k)]);
  assert(holdings.due);
  for (let k = 0; k < 10 && freed.length < 30; k++) await holdings.search();
  assert(freed.length >= 30, `${freed.length} of 40 freed`);
  assert(!holdings.due);
  holdings.release(kept);
  holdings.release(kept);
  assertEquals(new Set(freed).size, freed.length);
  assertEquals(freed.filter((handle) => handle === -1), [-1]);
});
