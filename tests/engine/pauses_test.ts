/** Long work of engines on the host lets the rest of the program have its turn. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Engine, type EngineWork, hostArray, openEngine } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, matmul, mul, sum } from "../../src/tensor/mod.ts";
import { checkpoint } from "../../src/transform/mod.ts";
import { webgpuTest } from "../webgpu.ts";

const KERNELS = 400;

/** A chain of sums with other whole numbers each, which stand in the text: nothing to share between kernels. */
function chain(x: Tensor): Tensor {
  for (let k = 0; k < KERNELS; k++) x = add(x, sum(mul(x, 2 + k), { keepAxes: true }));
  return x;
}

webgpuTest("an engine's signal ends compiling after a pause, not at the end", async (gpu) => {
  const controller = new AbortController();
  const works: EngineWork[] = [];
  const backend = new WebGpuBackend(gpu);
  const engine = new Engine(backend, {
    signal: controller.signal,
    onWork: (work) => {
      works.push(work);
      if (work.kind === "compile" && work.total !== undefined) controller.abort();
    },
  });
  const jitted = engine.jit(chain);
  const x = engine.put(hostArray([1, 2, 3]));
  const held = engine.memory();
  const error = await assertRejects(() => jitted(x), DOMException);
  assertEquals(error.name, "AbortError");
  assert(backend.resources.pipelines.size < KERNELS, `${backend.resources.pipelines.size} kernels`);
  const { memory, ...first } = works[0]!;
  assertEquals(first, { engine: "webgpu", kind: "compile", name: "chain" });
  assertEquals(memory, held);
  assertEquals(works.some(({ kind }) => kind === "run"), false);
  // A second attempt does not even begin.
  const begun = works.length;
  await assertRejects(() => jitted(x), DOMException);
  assertEquals(works.length, begun);
  // Only compiling is ended: what there is can still be read.
  assertEquals((await engine.read(x)).data, new Float32Array([1, 2, 3]));
});

webgpuTest("an engine tells how far compiling is, when it runs, and when it reads", async (gpu) => {
  const works: EngineWork[] = [];
  const engine = new Engine(new WebGpuBackend(gpu), { onWork: (work) => works.push(work) });
  const y = await engine.jit(chain)(hostArray([1]));
  const progress = works.filter((work) => work.kind === "compile" && work.total !== undefined);
  for (const work of progress) {
    assert(work.kind === "compile" && work.begun! >= 1 && work.begun! <= work.total!);
  }
  await engine.read(y);
  assertEquals(works.filter(({ kind }) => kind !== "compile").map(({ kind }) => kind), [
    ...["run", "idle", "read", "idle"],
  ]);
});

Deno.test("the reference engine pauses within a program and within what it calls", async () => {
  const engine = await openEngine("reference");
  const product = (x: Tensor) => {
    for (let k = 0; k < 32; k++) x = mul(matmul(x, x), 1 / 320);
    return x;
  };
  for (const fn of [product, checkpoint(product)]) {
    const x = hostArray(new Float32Array(320 * 320).fill(1), [320, 320]);
    const jitted = engine.jit(fn);
    await jitted.prepare(x);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const y = await jitted(x);
    clearInterval(timer);
    const { data } = await engine.read(y);
    assertEquals(data[0], 1);
    assert(turns >= 2, `${turns} turns`);
  }
  engine.close();
});
