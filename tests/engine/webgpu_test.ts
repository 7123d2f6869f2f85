import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Engine } from "../../src/engine/engine.ts";
import { DeviceMemoryError } from "../../src/gpu/buffers.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, broadcast, mul, reverse, sum } from "../../src/ops/mod.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import { gradientOf, subjectOf } from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";
import { FOURS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

const primitives = [...new Set(primitiveCases.map(({ primitive }) => primitive))];

for (const primitive of primitives) {
  webgpuTest(`WebGPU agrees with the reference on '${primitive}' to second order`, async (gpu) => {
    const backend = new WebGpuBackend(gpu);
    // The fewest buffers that an adapter may have.
    const narrow = new WebGpuBackend(gpu, { traits: { ...FOURS, maxStorageBuffers: 8 } });
    for (const entry of primitiveCases.filter((one) => one.primitive === primitive)) {
      let subject = subjectOf(entry);
      const real = referenceOf(subject).every(({ dtype }) => dtype === "f32");
      const orders = real && entry.differentiable.length > 0 ? [0, 1, 2] : [0];
      for (const order of orders) {
        if (order > 0) subject = gradientOf(subject);
        const want = referenceOf(subject);
        for (const one of [backend, narrow]) {
          assertAgrees(subject.name, await runOn(one, subject), { want, tolerance: 2e-5 });
        }
      }
    }
  });
}

webgpuTest("Engine.jit() compiles once per shape and frees donated values", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  let traced = 0;
  const step = engine.jit((state: { x: Tensor }, by: Tensor) => {
    traced++;
    return { x: add(state.x, by), total: sum(mul(state.x, by), [0]) };
  }, { donate: [0] });
  let state = engine.put({ x: hostArray([1, 2, 3]) });
  const before = engine.memory().live;
  for (let k = 0; k < 5; k++) {
    const { x, total } = await step(state, hostArray([1, 1, 1]));
    engine.release(total);
    state = { x };
  }
  assertEquals((await engine.read(state.x)).data, new Float32Array([6, 7, 8]));
  assertEquals(traced, 1);
  assertEquals(engine.memory().live, before);
  const used = engine.put(hostArray([0, 0, 0]));
  await step({ x: used }, hostArray([1, 1, 1]));
  await assertRejects(
    () => step({ x: used }, hostArray([1, 1, 1])),
    Error,
    "it was released or donated",
  );
  await step({ x: hostArray([1, 2]) }, hostArray([1, 1]));
  assertEquals(traced, 2);
});

webgpuTest("Engine.jit() returns arguments and repeated results as own values", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const same = engine.jit((x: Tensor) => ({ x, twice: add(x, x), again: add(x, x) }));
  const given = engine.put(hostArray([1, 2, 3]));
  const result = await same(given);
  engine.release(given);
  const read = await engine.read(result);
  assertEquals(read.x.data, new Float32Array([1, 2, 3]));
  assertEquals(read.twice.data, read.again.data);
  engine.release(result);
});

webgpuTest("a device error names the program that ran", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const double = engine.jit(function doubled(x: Tensor) {
    return add(x, x);
  });
  await double(hostArray([1, 2]));
  gpu.report("out of order");
  await assertRejects(
    () => double(hostArray([1, 2])),
    Error,
    'Cannot run the program "doubled"',
  );
});

webgpuTest(
  "Engine.jit() refuses a plan beyond the budget before it allocates anything",
  async (gpu) => {
    const backend = new WebGpuBackend(gpu, { byteBudget: 3 * 2 ** 20 });
    const engine = new Engine(backend);
    const x = engine.put(hostArray(new Float32Array(2 ** 18)));
    const before = backend.resources.buffers.stats;
    // 1 MiB of input, 2 MiB of results and the temporary that is reversed.
    const wide = engine.jit(function wide(a: Tensor) {
      return [reverse(reverse(a, [0]), [0]), reverse(mul(a, a), [0]), mul(a, a)];
    });
    const error = await assertRejects(() => wide(x), DeviceMemoryError);
    for (
      const part of [
        'Cannot load "wide": it takes ',
        "results 3.0 MiB",
        "beside 1.0 MiB in use",
        "--memory",
      ]
    ) assertStringIncludes(error.message, part);
    assertEquals(backend.resources.buffers.stats, before);
    // What fits still runs.
    const sumOf = engine.jit((a: Tensor) => sum(mul(a, a), [0]));
    assertEquals((await engine.read(await sumOf(x))).data[0], 0);
  },
);

webgpuTest(
  "Engine.jit() refuses an array that the adapter cannot bind, without a driver's error",
  async (gpu) => {
    const limit = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);
    const engine = new Engine(new WebGpuBackend(gpu, { byteBudget: Infinity }));
    const huge = engine.jit(function huge(a: Tensor) {
      return broadcast(a, [limit / 4 + 64], []);
    });
    const error = await assertRejects(() => huge(hostArray([1], [])), DeviceMemoryError);
    assertStringIncludes(error.message, 'Cannot load "huge": its largest array takes');
    assertStringIncludes(error.message, "binds at most");
    gpu.check("compile nothing");
  },
);
