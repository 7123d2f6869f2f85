import { adapterClassOf, adapterCosts, builtInProfile } from "../../src/adapter/mod.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BufferPool, DeviceMemoryError } from "../../src/gpu/buffers.ts";
import { GarbagePressure } from "../../src/gpu/garbage.ts";
import { GpuError, NoAdapterError, openGpu, summarizeAdapter } from "../../src/gpu/device.ts";
import { isOpenGl } from "../../src/gpu/opengl.ts";
import { bindBuffers, KernelCompileError, PipelineCache } from "../../src/gpu/pipelines.ts";
import { readBuffers, upload } from "../../src/gpu/readback.ts";
import { encodeDispatches, timeDispatches } from "../../src/gpu/timing.ts";
import { readWgslInterface } from "../../src/gpu/wgsl_interface.ts";
import { webgpuTest } from "../webgpu.ts";

const SCALE = `
override FACTOR: f32 = 2.0; // not: override GHOST: f32;
override COUNT: u32;
@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read_write> target_values: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < COUNT) { target_values[id.x] = FACTOR * source[id.x]; }
}`;

/** The same with its constants read at run time. */
const SIZED = SCALE
  .replace(/override FACTOR.*\n/, "struct Sizes { factor: f32, shift: i32, // override no: u32;\n")
  .replace("override COUNT: u32;", "count: u32 }")
  .replace("@compute", "@group(0) @binding(2) var<uniform> sizes: Sizes;\n@compute")
  .replaceAll("COUNT", "sizes.count")
  .replaceAll("FACTOR * source[id.x]", "sizes.factor * source[id.x] + f32(sizes.shift)");

webgpuTest("openGpu() reports the adapter and asks for its full limits", (gpu) => {
  assert(gpu.info.label.length > 0);
  assert(gpu.traits.maxWorkgroupInvocations >= 256);
  assert(gpu.traits.maxStorageBuffers >= 8);
  assertEquals(gpu.traits.costs, adapterCosts(builtInProfile(adapterClassOf(gpu.info))));
  gpu.check("do nothing");
});

/** Runs `body` where the system offers this adapter. */
async function withAdapter(adapter: unknown, body: () => Promise<void>): Promise<void> {
  const gpu = navigator.gpu;
  const real = gpu.requestAdapter;
  Object.defineProperty(gpu, "requestAdapter", {
    value: () => Promise.resolve(adapter),
    configurable: true,
    writable: true,
  });
  try {
    await body();
  } finally {
    Object.defineProperty(gpu, "requestAdapter", { value: real, configurable: true });
  }
}

/** What Deno says of llvmpipe through OpenGL. */
const OPENGL = {
  vendor: "65541",
  device: "0",
  description: "llvmpipe (LLVM 15.0.6, 256 bits)",
  isFallbackAdapter: true,
  subgroupMinSize: 4,
  subgroupMaxSize: 128,
};

Deno.test("openGpu() says what to install when there is no adapter, or only OpenGL", async () => {
  for (const [adapter, found] of [[null, "found no adapter"], [{ info: OPENGL }, "OpenGL"]]) {
    await withAdapter(adapter, async () => {
      const error = await assertRejects(() => openGpu(), NoAdapterError);
      assertStringIncludes(error.message, found as string);
      assertStringIncludes(error.message, "mesa-vulkan-drivers");
    });
  }
});

Deno.test("isOpenGl() tells OpenGL from other adapters", () => {
  assert(isOpenGl(OPENGL));
  const others: Partial<GPUAdapterInfo>[] = [
    { ...OPENGL, subgroupMinSize: 8, subgroupMaxSize: 8 }, // the same through Vulkan
    { ...OPENGL, device: "8656" }, // a GPU whose Vulkan driver does not say its subgroups
    { ...OPENGL, device: "0", subgroupMaxSize: 64 }, // Metal
    { ...OPENGL, device: "" }, // a browser
    {},
  ];
  for (const info of others) assert(!isOpenGl(info), JSON.stringify(info));
});

Deno.test("summarizeAdapter() tells CPU adapters from GPUs", () => {
  assert(summarizeAdapter({ description: "llvmpipe (LLVM 15.0.6, 256 bits)" }).software);
  assert(summarizeAdapter({ vendor: "google", architecture: "swiftshader" }).software);
  assert(summarizeAdapter({ description: "x", isFallbackAdapter: true }).software);
  const gpu = summarizeAdapter({ vendor: "nvidia", architecture: "hopper" });
  assert(!gpu.software);
  assertEquals(gpu.label, "nvidia hopper");
});

webgpuTest("Gpu.check() throws the device's own error, with what was being done", async (gpu) => {
  gpu.device.createBuffer({ label: "bad", size: 16, usage: 0x3ff }).destroy();
  await gpu.queue.onSubmittedWorkDone();
  const error = assertThrows(() => gpu.check("make the test buffer"), GpuError);
  assertStringIncludes(error.message, "Cannot make the test buffer");
  assertStringIncludes(error.message, "sage");
  assertThrows(() => gpu.check("go on"), GpuError);
});

webgpuTest("Gpu.check() throws after the device was lost or closed", async (gpu) => {
  gpu.device.destroy();
  await gpu.device.lost;
  await Promise.resolve();
  assertStringIncludes(assertThrows(() => gpu.check("run"), GpuError).message, "lost");
  const pool = new BufferPool(gpu);
  await assertRejects(() => readBuffers(gpu, [{ buffer: pool.acquire(4), bytes: 4 }]), GpuError);
  gpu.close();
  gpu.close();
  assertStringIncludes(assertThrows(() => gpu.check("run"), GpuError).message, "closed");
});

webgpuTest("BufferPool counts, recycles and trims", (gpu) => {
  const pool = new BufferPool(gpu, { byteBudget: 4096 });
  const first = pool.acquire(1000);
  const second = pool.acquire(1);
  assertEquals([first.size, second.size], [1024, 256]);
  assertEquals(pool.stats, {
    liveBytes: 1280,
    pooledBytes: 0,
    peakBytes: 1280,
    liveBuffers: 2,
    createdBuffers: 2,
  });
  pool.release(first);
  assertThrows(() => pool.release(first), Error, "Cannot release");
  assertEquals(pool.stats.pooledBytes, 1024);
  assert(pool.acquire(1024) === first);
  pool.release(first);
  pool.acquire(3840); // only fits after the pooled 1024 bytes are gone
  assertEquals(pool.stats.pooledBytes, 0);
  assertEquals(pool.stats.liveBytes, 4096);
  assertEquals(pool.stats.peakBytes, 4096);
  assertThrows(() => pool.acquire(1, "activations"), DeviceMemoryError, "activations");
  pool.release(second);
  pool.resetPeak();
  pool.destroy();
  pool.destroy();
  assertEquals(pool.stats.liveBytes + pool.stats.pooledBytes, 0);
  assertThrows(() => pool.acquire(1), Error, "destroyed");
});

webgpuTest("BufferPool refuses what the device cannot bind", (gpu) => {
  const pool = new BufferPool(gpu, { byteBudget: Infinity });
  const limit = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);
  assertThrows(() => pool.acquire(limit + 4, "images"), DeviceMemoryError, "binds at most");
  assertThrows(() => pool.acquire(-1), RangeError);
  assertThrows(() => new BufferPool(gpu, { byteBudget: 0 }), RangeError);
});

Deno.test("readWgslInterface() reads bindings and overrides, not comments", () => {
  const found = readWgslInterface(SCALE, "scale");
  assertEquals(found.bindings.map(({ name, access }) => `${name}:${access}`), [
    "source:read",
    "target_values:read_write",
  ]);
  assertEquals([...found.overrides], [["FACTOR", false], ["COUNT", true]]);
  assertThrows(
    () => readWgslInterface("@group(0) @binding(1) var<storage> a: array<f32>;", "gap"),
    Error,
    "expected @binding(0)",
  );
  assertThrows(
    () => readWgslInterface("@group(1) @binding(0) var<uniform> a: vec4f;", "group"),
    Error,
    "@group(1)",
  );
});

Deno.test("readWgslInterface() reads sizes apart from buffers", () => {
  const found = readWgslInterface(SIZED, "sized");
  assertEquals(found.bindings.map(({ name }) => name), ["source", "target_values"]);
  assertEquals(found.overrides.size, 0);
  assertEquals(found.sizes.map(({ name, type }) => `${name}:${type}`), [
    "factor:f32",
    "shift:i32",
    "count:u32",
  ]);
  const unbound = SIZED.replace("@group(0) @binding(2) var<uniform> sizes: Sizes;", "");
  assertThrows(() => readWgslInterface(unbound, "unbound"), Error, "target_values");
  const vector = SIZED.replace("shift: i32", "shift: vec2f");
  assertThrows(() => readWgslInterface(vector, "vector"), Error, "vec2f");
});

webgpuTest("PipelineCache shares one pipeline among sizes", async (gpu) => {
  const cache = new PipelineCache(gpu);
  const pool = new BufferPool(gpu);
  const kernels = await cache.getAll([
    { label: "sized", code: SIZED, overrides: { factor: 0.5, shift: -3, count: 2 } },
    { label: "sized", code: SIZED, overrides: { factor: 2, shift: 7, count: 3 } },
  ]);
  assert(kernels[0]!.pipeline === kernels[1]!.pipeline);
  assertEquals(kernels[0]!.bindings.length, 2);
  const source = pool.acquire(16);
  upload(gpu, source, Float32Array.of(1, 2, 3, 4));
  const encoder = gpu.device.createCommandEncoder();
  const outputs = kernels.map((kernel) => {
    const output = pool.acquire(16);
    upload(gpu, output, new Float32Array(4));
    const bindGroup = bindBuffers(gpu, kernel, [source, output]);
    encodeDispatches(encoder, [{ kernel, bindGroup, workgroups: [1, 1, 1] }]);
    return output;
  });
  gpu.queue.submit([encoder.finish()]);
  const read = await readBuffers(gpu, outputs.map((buffer) => ({ buffer, bytes: 16 })));
  assertEquals(read.map((bytes) => [...new Float32Array(bytes)]), [
    [-2.5, -2, 0, 0],
    [9, 11, 13, 0],
  ]);
  for (
    const [overrides, message] of [
      [{ factor: 1, shift: 0 }, "no value for the constant count"],
      [{ factor: 1, shift: 0, count: -1 }, "count = -1"],
      [{ factor: 1, shift: 0.5, count: 1 }, "shift = 0.5"],
      [{ factor: 1, shift: 2 ** 31, count: 1 }, "shift = 2147483648"],
    ] as const
  ) {
    await assertRejects(
      () => cache.get({ label: "sized", code: SIZED, overrides }),
      KernelCompileError,
      message,
    );
  }
  pool.destroy();
});

webgpuTest("PipelineCache compiles once for each text and constants", async (gpu) => {
  const cache = new PipelineCache(gpu);
  const [a, b, c] = await cache.getAll([
    { label: "scale", code: SCALE, overrides: { FACTOR: 3, COUNT: 5 } },
    { label: "scale", code: SCALE, overrides: { COUNT: 5, FACTOR: 3 } },
    { label: "scale", code: SCALE, overrides: { COUNT: 6 } },
  ]);
  assert(a === b);
  assert(a !== c);
  assert(a!.layout === c!.layout);
  assertEquals(cache.size, 2);
});

webgpuTest("PipelineCache names kernel, line and constant in its errors", async (gpu) => {
  const cache = new PipelineCache(gpu);
  const code = SCALE.replace("FACTOR * source", "FACTOR * missing_name");
  const error = await assertRejects(
    () => cache.get({ label: "broken", code, overrides: { COUNT: 1 } }),
    KernelCompileError,
  );
  assertStringIncludes(error.message, "broken");
  assertStringIncludes(error.message, "line 8");
  assertStringIncludes(error.message, "missing_name");
  for (
    const [overrides, message] of [
      [{}, "no value for the constant COUNT"],
      [{ COUNT: 1, WIDTH: 2 }, "WIDTH"],
      [{ COUNT: NaN }, "COUNT = NaN"],
    ] as const
  ) {
    await assertRejects(
      () => cache.get({ label: "scale", code: SCALE, overrides }),
      KernelCompileError,
      message,
    );
  }
  const wide = SCALE.replace("workgroup_size(64)", "workgroup_size(COUNT)");
  await assertRejects(
    () => cache.get({ label: "wide", code: wide, overrides: { COUNT: 1 << 20 } }),
    KernelCompileError,
    "wide",
  );
  gpu.check("compile");
});

webgpuTest("dispatches run in order, are read back together and can be timed", async (gpu) => {
  const cache = new PipelineCache(gpu);
  const pool = new BufferPool(gpu);
  const overrides = { FACTOR: 3, COUNT: 5 };
  const kernel = await cache.get({ label: "scale", code: SCALE, overrides });
  const [a, b, c] = [pool.acquire(20), pool.acquire(20), pool.acquire(20)] as const;
  upload(gpu, a, Float32Array.of(1, 2, 3, 4, 5));
  const dispatches = [[a, b] as const, [b, c] as const].map((buffers) => ({
    kernel,
    bindGroup: bindBuffers(gpu, kernel, buffers),
    workgroups: [1, 1, 1] as const,
  }));
  const encoder = gpu.device.createCommandEncoder();
  encodeDispatches(encoder, dispatches);
  gpu.queue.submit([encoder.finish()]);
  const [all, part, none] = await readBuffers(gpu, [
    { buffer: c, bytes: 20 },
    { buffer: b, bytes: 8, offset: 12 },
    { buffer: a, bytes: 0 },
  ]);
  assertEquals([...new Float32Array(all!)], [9, 18, 27, 36, 45]);
  assertEquals([...new Float32Array(part!)], [12, 15]);
  assertEquals(none!.byteLength, 0);
  if (gpu.canTime) {
    const times = await timeDispatches(gpu, dispatches);
    assertEquals(times.length, 2);
    assert(times.every((time) => time > 0 && time < 1e10), `found ${times}`);
  } else {
    await assertRejects(() => timeDispatches(gpu, dispatches), Error, "timestamp-query");
  }
  pool.destroy();
});

webgpuTest("bindBuffers() and upload() refuse what WebGPU would silently drop", async (gpu) => {
  const kernel = await new PipelineCache(gpu)
    .get({ label: "scale", code: SCALE, overrides: { COUNT: 1 } });
  const buffer = new BufferPool(gpu).acquire(256);
  assertThrows(() => bindBuffers(gpu, kernel, [buffer]), Error, "found 1 buffers");
  assertThrows(() => bindBuffers(gpu, kernel, [buffer, buffer]), Error, "the same buffer");
  assertThrows(() => upload(gpu, buffer, new Uint8Array(3)), RangeError);
  assertThrows(() => upload(gpu, buffer, new Uint8Array(260)), RangeError);
  gpu.check("bind");
});

Deno.test("GarbagePressure makes the runtime collect what is old and dropped", async () => {
  const pause = () => new Promise((resolve) => setTimeout(resolve, 0));
  /** Keeps an object through many small collections, then drops it; gives what is left of it. */
  const aged = async (): Promise<WeakRef<object>> => {
    const kept = [{ numbers: new Array(100).fill(1) }];
    const ref = new WeakRef<object>(kept[0]!);
    const young: unknown[] = [];
    for (let i = 0; i < 200; i++) {
      young[0] = new Array(20_000).fill(i);
      await pause();
    }
    kept.pop();
    return ref;
  };
  const ref = await aged();
  const pressure = new GarbagePressure();
  for (let i = 0; i < 4 * 256; i++) {
    pressure.tick();
    if (i % 64 === 0) await pause();
  }
  await pause();
  assertEquals(ref.deref(), undefined);
});

webgpuTest("Gpu.answer() does not wait for a device that is lost", async (gpu) => {
  assertEquals(await gpu.answer(Promise.resolve(3), "read"), 3);
  await assertRejects(
    () => gpu.answer(Promise.reject(new Error("its own")), "read"),
    Error,
    "its own",
  );
  const waiting = gpu.answer(new Promise(() => {}), "read");
  gpu.device.destroy();
  const error = await assertRejects(() => waiting, GpuError);
  assertStringIncludes(error.message, "Cannot read on ");
  assertStringIncludes(error.message, "the device was lost (destroyed)");
  await assertRejects(() => gpu.answer(new Promise(() => {}), "read"), GpuError, "lost");
});

webgpuTest("PipelineCache.getAll() begins few kernels before others are compiled", async (gpu) => {
  const { device } = gpu;
  const module = device.createShaderModule.bind(device);
  const pipeline = device.createComputePipelineAsync.bind(device);
  let begun = 0;
  let most = 0;
  device.createShaderModule = (descriptor) => {
    most = Math.max(most, ++begun);
    return module(descriptor);
  };
  device.createComputePipelineAsync = async (descriptor) => {
    const made = await pipeline(descriptor);
    begun--;
    return made;
  };
  const sources = Array.from({ length: 40 }, (_, k) => ({
    label: `kernel ${k}`,
    code: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(1) fn main() { y[0] = ${k}u; }`,
  }));
  const kernels = await new PipelineCache(gpu).getAll(sources);
  assertEquals(kernels.map(({ label }) => label), sources.map(({ label }) => label));
  // Deno compiles before it returns: what is begun at once cannot be paused in.
  assert(most <= 8, `${most} kernels begun at once`);
});
