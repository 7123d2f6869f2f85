import { assert, assertEquals } from "@std/assert";
import { type Backend, Engine, hostArray, type JitOptions } from "../../src/engine/mod.ts";
import { ReferenceBackend } from "../../src/engine/reference_backend.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { mul } from "../../src/ops/mul.ts";
import { matmul, sin, sum } from "../../src/tensor/mod.ts";
import { checkpoint, grad } from "../../src/transform/mod.ts";

function hasCall(program: Program): boolean {
  return program.nodes.some((node) => node.primitive.lower.kind === "call");
}

/** Whether an engine recomputes, if keeping takes `kept` bytes where recomputing takes 100. */
async function recomputes(kept: number | undefined, options: JitOptions = {}): Promise<boolean> {
  const backend: Backend = new ReferenceBackend();
  let loaded: Program | undefined;
  const load = backend.load.bind(backend);
  backend.load = (program) => {
    loaded = program;
    return load(program);
  };
  if (kept !== undefined) backend.temporaryBytes = (program) => hasCall(program) ? 100 : kept;
  const square = checkpoint((x: Tensor) => mul(x, x));
  const engine = new Engine(backend);
  const { data } = await engine.read(
    await engine.jit((x: Tensor) => square(square(x)), options)(hostArray([3])),
  );
  assertEquals(data[0], 81);
  return hasCall(loaded!);
}

Deno.test("Engine.jit() keeps inner values where memory grows by half at most", async () => {
  assertEquals(await recomputes(100), false);
  assertEquals(await recomputes(150), false);
  assertEquals(await recomputes(151), true);
  assertEquals(await recomputes(undefined), true);
});

Deno.test("Engine.jit() keeps or recomputes inner values where told, whatever the memory", async () => {
  assertEquals(await recomputes(1000, { recompute: false }), false);
  assertEquals(await recomputes(10, { recompute: true }), true);
});

Deno.test("Prepared.flops are those of the algorithm, executedFlops those of what runs", async () => {
  const engine = new Engine(new ReferenceBackend());
  const product = checkpoint((x: Tensor, w: Tensor) => sin(matmul(x, w)));
  const fn = (x: Tensor, w: Tensor) => grad((x: Tensor) => sum(product(product(x, w), w)))(x);
  const args = [[1, 2, 3, 4], [5, 6, 7, 8]].map((data) => hostArray(data, [2, 2]));
  const [kept, again] = await Promise.all(
    [false, true].map((recompute) => engine.jit(fn, { recompute }).prepare(...args)),
  );
  assertEquals(kept!.flops, kept!.executedFlops);
  assertEquals(again!.flops, kept!.flops);
  // Two products of 2 x 2 matrices are 16 operations each, and are computed again going back.
  assert(again!.executedFlops >= kept!.executedFlops + 16, `${again!.executedFlops}`);
});
