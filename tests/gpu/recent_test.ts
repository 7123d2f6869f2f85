import { assert, assertEquals, assertRejects } from "@std/assert";
import { PipelineCache } from "../../src/gpu/pipelines.ts";
import { Recent } from "../../src/gpu/recent.ts";
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
