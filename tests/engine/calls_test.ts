/** What a call of a compiled function takes, and when. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Engine, openEngine } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { hostArray } from "../../src/ir/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { add, constant, convert, matmul, mul, sum } from "../../src/tensor/mod.ts";
import { webgpuTest } from "../webgpu.ts";

/** A caller that writes the next batch into the same array, before the call has come to its end. */
async function assertTakesNumbersAtOnce(engine: Engine): Promise<void> {
  const twice = engine.jit((x: Tensor) => mul(x, 2));
  const batch = hostArray(new Float32Array(2), [2]);
  // The first call compiles, the second does not.
  for (const number of [1, 5]) {
    batch.data.fill(number);
    const pending = twice(batch);
    batch.data.fill(100);
    assertEquals((await engine.read(await pending)).data, new Float32Array(2).fill(2 * number));
  }
  engine.close();
}

Deno.test("a call takes the numbers of host arrays at once, on the reference", async () => {
  await assertTakesNumbersAtOnce(await openEngine("reference"));
});

webgpuTest("a call takes the numbers of host arrays at once, on WebGPU", async (gpu) => {
  await assertTakesNumbersAtOnce(new Engine(new WebGpuBackend(gpu)));
});

Deno.test("a call takes the numbers of host arrays at once, on TensorFlow.js", async () => {
  await assertTakesNumbersAtOnce(new Engine(await openTfjs()));
});

webgpuTest("a call that fails to compile gives back what it put on the device", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const wrong = engine.jit((x: Tensor) => matmul(x, x));
  await assertRejects(() => wrong(hostArray(new Float32Array(6), [2, 3])), TypeError);
  assertEquals(engine.memory().live, 0);
  engine.close();
});

webgpuTest("a program that fails to load gives its constants back", async (gpu) => {
  const backend = new WebGpuBackend(gpu);
  const engine = new Engine(backend);
  const { pipelines } = backend.resources;
  const getAll = pipelines.getAll;
  pipelines.getAll = () => Promise.reject(new Error("no kernels"));
  const shift = engine.jit((x: Tensor) => add(x, constant(new Float32Array(1000).fill(2))));
  const x = hostArray(new Float32Array(1000), [1000]);
  for (let k = 0; k < 3; k++) await assertRejects(() => shift(x), Error, "no kernels");
  assertEquals(engine.memory().live, 0);
  pipelines.getAll = getAll;
  assertEquals((await engine.read(await shift(x))).data, new Float32Array(1000).fill(2));
  engine.close();
});

webgpuTest("calls that find no memory give theirs back, and blame no small value", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu, { byteBudget: 2 ** 20 }));
  const total = engine.jit((x: Tensor) => sum(x));
  const x = hostArray(new Float32Array(2 ** 16), [2 ** 16]);
  const first = await total(x);
  const { live } = engine.memory();
  const calls = await Promise.allSettled(Array.from({ length: 6 }, () => total(x)));
  const failed = calls.filter(({ status }) => status === "rejected");
  assertEquals(failed.length, 3);
  for (const { reason } of failed as PromiseRejectedResult[]) {
    assertStringIncludes(reason.message, "of the budget of 1.0 MiB are in use");
    assertEquals(reason.message.includes("Most of it is in"), false);
  }
  for (const call of calls) if (call.status === "fulfilled") engine.release(call.value);
  assertEquals(engine.memory().live, live);
  engine.release(first);
  engine.close();
});

Deno.test("a call refuses numbers that the element type does not hold", async () => {
  using engine = await openEngine("reference");
  const count = engine.jit((x: Tensor) => sum(convert(x, "f32")));
  const mask = { shape: [2], dtype: "bool", data: Uint8Array.of(255, 0) } as const;
  await assertRejects(() => count(mask), RangeError, "found 255 at position 0, expected 0 or 1");
  assertThrows(() => engine.put(mask), RangeError, "Cannot upload bool[2]");
});

Deno.test("a compiled function cannot be called within a traced one, and says so at once", async () => {
  using engine = await openEngine("reference");
  const inner = engine.jit(function inner(x: Tensor): Tensor {
    return mul(x, 2);
  });
  const outer = engine.jit(function outer(x: Tensor): Tensor {
    assertThrows(
      () => inner(x as never),
      TypeError,
      "Cannot call 'inner' within the traced function 'outer'",
    );
    assertThrows(
      () => inner.prepare(x as never),
      TypeError,
      "Cannot prepare 'inner' within the traced function 'outer'",
    );
    return x;
  });
  await outer(hostArray([1]));
});

webgpuTest("a call whose engine is closed meanwhile says so", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const square = engine.jit((x: Tensor) => matmul(x, x));
  const pending = square(hostArray(new Float32Array(64 * 64), [64, 64]));
  engine.close();
  const { message } = await assertRejects(() => pending, Error);
  assertStringIncludes(message, "The engine 'webgpu' was closed while it worked. Close it last.");
});

Deno.test("a closed engine prepares nothing", async () => {
  const engine = await openEngine("reference");
  const square = engine.jit((x: Tensor) => matmul(x, x));
  engine.close();
  const { message } = await assertRejects(() => square.prepare(hostArray([[1]])), Error);
  assertStringIncludes(message, "Cannot prepare 'anonymous': the engine 'reference' is closed.");
});

webgpuTest("preparing for an engine that is closed meanwhile says so", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const square = engine.jit((x: Tensor) => matmul(x, x));
  const pending = square.prepare(hostArray(new Float32Array(64 * 64), [64, 64]));
  engine.close();
  const { message } = await assertRejects(() => pending, Error);
  assertStringIncludes(message, "The engine 'webgpu' was closed while it worked. Close it last.");
});
