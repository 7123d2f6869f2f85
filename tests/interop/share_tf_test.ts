import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { Engine, type HostArray, hostArray, type Value } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { type SharedTf, shareTf } from "../../src/interop/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { mul } from "../../src/tensor/mod.ts";
import type { TfTensor } from "../../src/tfjs/mod.ts";
import { withoutWebgpu } from "../webgpu.ts";

const webgpu = { ignore: withoutWebgpu };

/** Registers a test with an engine and TensorFlow.js on one device, both closed afterwards. */
function togetherTest(
  name: string,
  body: (
    all: SharedTf & { readonly engine: Engine; readonly backend: WebGpuBackend },
  ) => Promise<void>,
): void {
  Deno.test(name, webgpu, async () => {
    const engine = await openEngine("webgpu");
    const shared = await shareTf(engine);
    const { tf } = shared;
    try {
      await body({ ...shared, engine, backend: engine.backend as WebGpuBackend });
    } finally {
      engine.close();
      if (tf.getBackend().startsWith("webgpu")) tf.removeBackend(tf.getBackend());
    }
  });
}

const deviceOf = ({ tf }: SharedTf): GPUDevice => (tf.backend() as WebGPUBackend).device;
const isAlive = (device: GPUDevice): Promise<boolean> =>
  Promise.race([
    device.lost.then(() => false),
    new Promise<true>((yes) => setTimeout(yes, 20, true)),
  ]);
const ramp = (size: number, from = 0): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, k) => from + k);
const double = (x: Tensor): Tensor => mul(x, 2);

togetherTest(
  "values and tensors are on one device and one memory",
  async ({ engine, backend, tf, toTf, fromTf }) => {
    assert(deviceOf({ tf, toTf, fromTf }) === backend.resources.gpu.device);
    const doubled = engine.jit(double);
    for (const size of [4, 64, 1000]) {
      for (let round = 0; round < 2; round++) {
        const numbers = ramp(size, round);
        const value = engine.put(hostArray(numbers, [size / 4, 4]));
        const tensor = toTf(value);
        const { tensorMap } = tf.backend() as WebGPUBackend;
        assert(tensorMap.get(tensor.dataId).resource === value.handle);
        assertEquals([tensor.shape, tensor.dtype], [[size / 4, 4], "float32"]);
        assertEquals(await tensor.data(), numbers);
        const plus = tf.add(tensor, 1);
        const back = fromTf(plus);
        assert(tensorMap.get(plus.dataId).resource === back.handle);
        const result = await doubled(back);
        assertEquals((await engine.read(result)).data, numbers.map((x) => 2 * (x + 1)));
        engine.release([value, back, result]);
        tf.dispose([tensor, plus]);
      }
    }
    assertEquals([backend.resources.buffers.stats.liveBuffers, tf.memory().numTensors], [0, 0]);
  },
);

togetherTest(
  "every element type and size goes across, zero copy where it can",
  async ({ engine, tf, toTf, fromTf }) => {
    const twice = engine.jit((x: Tensor) => x.dtype === "f32" ? mul(x, 2) : x);
    for (const dtype of ["f32", "i32", "bool"] as const) {
      for (const size of [0, 1, 3, 4, 63, 64, 65, 257]) {
        const array = hostArray(Array.from({ length: size }, (_, k) => k % 2), [size], dtype);
        const value = engine.put(array);
        const tensor = toTf(value);
        assertEquals(
          Array.from(await tensor.data()),
          Array.from(array.data),
          `${dtype}[${size}]`,
        );
        const back = fromTf(tensor);
        assertEquals(await engine.read(back), array);
        const fresh = tf.cast(tensor, dtype === "f32" ? "int32" : "float32");
        const cast = fromTf(fresh);
        assertEquals(Array.from((await engine.read(cast)).data), Array.from(array.data));
        // Kernels and copies take four elements at a time.
        const sum = await twice(cast);
        const [factor, results] = [dtype === "f32" ? 1 : 2, await engine.read(sum)];
        assertEquals(Array.from(results.data), Array.from(array.data, (x) => factor * x));
        engine.release([value, back, cast, sum]);
        tf.dispose([tensor, fresh]);
      }
    }
    const bits = engine.put(hostArray([1, 2], [2], "u32"));
    assertThrows(() => toTf(bits), TypeError, "TensorFlow.js has no unsigned integers");
    engine.release(bits);
    assertEquals(tf.memory().numTensors, 0);
  },
);

togetherTest(
  "memory stays until both sides have let go, in any order",
  async ({ engine, backend, tf, toTf, fromTf }) => {
    const { stats } = backend.resources.buffers;
    const other = (): Value[] => [9, 8, 7].map((k) => engine.put(hostArray(ramp(64, 100 * k))));
    // The value goes first.
    const value = engine.put(hostArray(ramp(64)));
    const tensor = toTf(value);
    engine.release(value);
    engine.release(other());
    assertEquals(await tf.add(tensor, 0).data(), ramp(64));
    // The tensor goes while operations that read it are recorded but not submitted.
    const later = tf.mul(tensor, 3);
    tensor.dispose();
    engine.release(other());
    assertEquals(await later.data(), ramp(64).map((x) => 3 * x));
    // The tensor goes before the value.
    const source = tf.mul(later, 1);
    const guest = fromTf(source);
    const twin = fromTf(source);
    tf.dispose([later, source]);
    const more = [1, 2, 3].map((k) => tf.fill([64], k).mul(1));
    engine.release(twin);
    assertEquals((await engine.read(guest)).data, ramp(64).map((x) => 3 * x));
    engine.release(guest);
    tf.dispose(more);
    tf.disposeVariables();
    // A round trip leads to the same memory.
    const own = engine.put(hostArray(ramp(64)));
    const there = toTf(own);
    const back = fromTf(there);
    assert(back.handle === own.handle);
    engine.release(own);
    there.dispose();
    engine.release(other());
    assertEquals((await engine.read(back)).data, ramp(64));
    engine.release(back);
    assertEquals(stats.liveBuffers, backend.resources.buffers.stats.liveBuffers);
    assertEquals(backend.resources.buffers.stats.liveBuffers, 0);
  },
);

Deno.test(
  "closing the engine leaves TensorFlow.js alive, with what it was lent",
  webgpu,
  async () => {
    const engine = await openEngine("webgpu");
    const { tf, toTf } = await shareTf(engine);
    const { device } = (engine.backend as WebGpuBackend).resources.gpu;
    const tensor = toTf(engine.put(hostArray(ramp(8))));
    engine.close();
    assert(await isAlive(device));
    assertEquals(await tf.mul(tensor, 2).data(), ramp(8).map((x) => 2 * x));
    tf.removeBackend("webgpu");
    assert(!await isAlive(device), "the last one to go destroys the device");
  },
);

Deno.test(
  "removing TensorFlow.js's backend leaves the engine alive, with its tensors",
  webgpu,
  async () => {
    const engine = await openEngine("webgpu");
    const first = await shareTf(engine);
    const value = first.fromTf(first.tf.tensor([1, 2, 3, 4]).mul(2));
    const twin = first.fromTf(first.tf.reshape(first.tf.tensor([5, 6, 7, 8]).mul(2), [2, 2]));
    first.tf.removeBackend("webgpu");
    const doubled = engine.jit(double);
    assertEquals((await engine.read(await doubled(value))).data, new Float32Array([4, 8, 12, 16]));
    assertEquals((await engine.read(twin)).data, new Float32Array([10, 12, 14, 16]));
    engine.release([value, twin]);
    // It can be had again.
    const { tf, toTf, fromTf } = await shareTf(engine);
    assertThrows(() => first.toTf(value), Error, "released");
    const again = fromTf(tf.mul(toTf(engine.put(hostArray([1, 2, 3, 4]))), 5));
    assertEquals((await engine.read(again)).data, new Float32Array([5, 10, 15, 20]));
    const { device } = (engine.backend as WebGpuBackend).resources.gpu;
    tf.removeBackend("webgpu");
    assert(await isAlive(device));
    engine.close();
    assert(!await isAlive(device));
  },
);

Deno.test(
  "a second engine keeps the device that the first one opened, lent and left",
  webgpu,
  async () => {
    const first = await openEngine("webgpu");
    const { tf } = await shareTf(first);
    const { device } = tf.backend() as WebGPUBackend;
    first.close();
    const second = await openEngine("webgpu", { device });
    const kept = (await shareTf(second)).fromTf(tf.tensor([1, 2, 3, 4, 5]));
    tf.removeBackend("webgpu");
    assert(await isAlive(device), "the second engine computes on it");
    const doubled = await second.read(await second.jit(double)(kept));
    assertEquals(doubled.data, new Float32Array([2, 4, 6, 8, 10]));
    second.close();
    assert(!await isAlive(device), "the last one to go destroys the device");
  },
);

Deno.test("an engine on the device of TensorFlow.js", webgpu, async () => {
  const gpu = await openGpu();
  const { tf, toTf, fromTf } = await shareTf(new Engine(new WebGpuBackend(gpu)));
  const { device } = tf.backend() as WebGPUBackend;
  const lines: string[] = [];
  const onChoice = (line: string): void => void lines.push(line);
  const engine = await openEngine("webgpu", { device, onChoice });
  assertStringIncludes(lines[0]!, "a device was given");
  (await openEngine("auto", { device })).close();
  assert(await isAlive(device), "what is given is not destroyed");
  const mine = await shareTf(engine);
  assert(mine.tf === tf);
  const tensor = tf.tensor([1, 2, 3, 4]);
  const result = await engine.jit(double)(mine.fromTf(tensor));
  const sum = tf.add(mine.toTf(result), tensor);
  assertEquals(await sum.data(), new Float32Array([3, 6, 9, 12]));
  engine.close();
  assert(await isAlive(device));
  assertEquals(await tf.add(sum, 1).data(), new Float32Array([4, 7, 10, 13]));
  assertEquals(await toTf(fromTf(sum)).data(), new Float32Array([3, 6, 9, 12]));
  await assertRejects(() => openEngine("reference", { device }), TypeError, "computes on none");
  tf.removeBackend(tf.getBackend());
  gpu.close();
});

Deno.test("two engines on devices of their own, each with TensorFlow.js", webgpu, async () => {
  const engines = [await openEngine("webgpu"), await openEngine("webgpu")];
  const all = [await shareTf(engines[0]!), await shareTf(engines[1]!)];
  const tensors: TfTensor[] = [];
  for (const [k, engine] of engines.entries()) {
    const { tf, toTf, fromTf } = all[k]!;
    const tensor = toTf(engine.put(hostArray([1, 2, 3, 4])));
    tensors.push(tensor);
    await tf.setBackend(k === 0 ? "webgpu" : "webgpu-2");
    const value = fromTf(tf.mul(tensor, k + 2));
    assertEquals([...(await engine.read(value)).data], [1, 2, 3, 4].map((x) => x * (k + 2)));
  }
  assertThrows(() => all[0]!.fromTf(tensors[1]!), Error, "on another backend");
  const { tf } = all[0]!;
  for (const engine of engines) engine.close();
  for (const name of ["webgpu", "webgpu-2"]) tf.removeBackend(name);
});

for (const name of ["tfjs", "reference"] as const) {
  Deno.test(`tensors and values on the engine ${name}`, async () => {
    const engine = await openEngine(name);
    const { tf, toTf, fromTf } = await shareTf(engine);
    const before = tf.memory().numTensors;
    for (const dtype of ["f32", "i32", "bool"] as const) {
      for (let round = 0; round < 2; round++) {
        const array = hostArray([round, 1, 0], [3, 1], dtype);
        const value = engine.put(array);
        const tensor = tf.tidy(() => tf.keep(toTf(value)));
        assertEquals([tensor.shape, [...await tensor.data()]], [[3, 1], [round, 1, 0]]);
        const [back] = tf.tidy(() => [fromTf(tensor)] as never) as [Value];
        engine.release(value);
        tensor.dispose();
        assertEquals(await engine.read(back) as HostArray, array);
        engine.release(back);
      }
    }
    assertEquals(tf.memory().numTensors, before);
    const value = engine.put(hostArray([1, 2]));
    const repeated = await engine.jit((x: Tensor) => mul(x, 1))(value);
    engine.release(value);
    assertThrows(() => toTf(value), Error, "released or donated");
    assertThrows(() => toTf(hostArray([1]) as never), TypeError, "expected a value of the engine");
    assertThrows(() => fromTf(3 as never), TypeError, "expected a tensor");
    assertEquals([...tf.tidy(() => toTf(repeated).dataSync())], [1, 2]);
    engine.close();
  });
}

togetherTest("an engine computes on its own backend, whichever is current", async ({ tf }) => {
  const wasm = await openEngine("tfjs");
  await tf.setBackend("webgpu");
  const doubled = wasm.jit(double);
  for (let round = 0; round < 2; round++) {
    const result = await doubled(hostArray([1, round]));
    assertEquals([...(await wasm.read(result)).data], [2, 2 * round]);
    wasm.release(result);
    assertEquals(tf.getBackend(), "webgpu");
  }
  wasm.close();
});
