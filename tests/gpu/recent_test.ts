import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineCache } from "../../src/gpu/pipelines.ts";
import { Recent } from "../../src/gpu/recent.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";
import { webgpuTest } from "../webgpu.ts";

Deno.test("Recent makes once what is asked for of late, and forgets failures", async () => {
  const recent = new Recent<string>();
  let made = 0;
  const ask = (key: string): Promise<string> =>
    recent.get(key, () => Promise.resolve(`${key}${++made}`));
  assertEquals([await ask("a"), await ask("b"), await ask("c")], ["a1", "b2", "c3"]);
  assertEquals([await ask("a"), await ask("b")], ["a1", "b2"]);
  await assertRejects(() => recent.get("d", () => Promise.reject(new Error("no"))), Error, "no");
  assertEquals([recent.has("d"), recent.size], [false, 3]);
  recent.trim(3);
  assertEquals(recent.size, 3);
  recent.trim(2);
  // "c" was asked for before "a" and "b" were for the last time.
  assertEquals([recent.has("a"), recent.has("b"), recent.has("c")], [true, true, false]);
  assertEquals([await ask("a"), await ask("c")], ["a1", "c4"]);
});

const SCALE = `
struct Sizes { count: u32 }
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(0) @binding(1) var<uniform> sizes: Sizes;
@compute @workgroup_size(1) fn main() { y[0] = sizes.count; }`;

webgpuTest("PipelineCache forgets kernels that were not asked for of late", async (gpu) => {
  const cache = new PipelineCache(gpu);
  const sized = (count: number) => ({ label: "scale", code: SCALE, overrides: { count } });
  const [first, second] = await cache.getAll([sized(1), sized(2)]);
  const others = Array.from({ length: 600 }, (_, k) => sized(k + 3));
  // However many they are, those of one program are all made once.
  const made = await cache.getAll([...others, sized(1)]);
  assert(made.at(-1) === first);
  assert(cache.size <= 512, `${cache.size} kernels are known`);
  assert(await cache.get(others.at(-1)!) === made.at(-2));
  assert(await cache.get(sized(1)) === first);
  assert(await cache.get(sized(2)) !== second);
});

/** A device of paper that counts what is made on it, and how many pipelines at a time. */
function counting(description: string) {
  const gpu = paperGpu({ ...MADE_UP, info: { ...MADE_UP.info, description } });
  const made = { modules: 0, pipelines: 0, atOnce: 0 };
  const { device } = gpu;
  const { createShaderModule } = device;
  device.createShaderModule = (descriptor) => {
    made.modules++;
    return createShaderModule.call(device, descriptor);
  };
  let now = 0;
  device.createComputePipelineAsync = async () => {
    made.pipelines++;
    made.atOnce = Math.max(made.atOnce, ++now);
    await new Promise((resolve) => setTimeout(resolve));
    now--;
    return {} as GPUComputePipeline;
  };
  return { cache: new PipelineCache(gpu), made };
}

/** A kernel of its own. */
const textOf = (k: number) => ({
  ...{ label: `kernel ${k}`, code: `${SCALE}\n// ${k}` },
  overrides: { count: 1 },
});

Deno.test("PipelineCache forgets texts and pipelines with their kernels", async () => {
  const { cache, made } = counting("made up");
  await cache.getAll(Array.from({ length: 600 }, (_, k) => textOf(k)));
  assertEquals([made.modules, made.pipelines, cache.size], [600, 600, 512]);
  await cache.getAll([textOf(599), textOf(88)]);
  assertEquals([made.modules, made.pipelines], [600, 600]);
  await cache.getAll([textOf(0)]);
  assertEquals([made.modules, made.pipelines, cache.size], [601, 601, 512]);
});

Deno.test("on NVIDIA's driver one pipeline shows how long they take, elsewhere eight are made at once", async () => {
  const sources = Array.from({ length: 9 }, (_, k) => textOf(k));
  for (const [description, begun] of [["made up", 8], ["NVIDIA H200", 1]] as const) {
    const { cache, made } = counting(description);
    const loading = cache.getAll(sources);
    while (made.pipelines === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(made.pipelines, begun, description);
    await loading;
    assertEquals(made.pipelines, 9, description);
  }
});
