/** What is computed in one dispatch. @module */
import { assert, assertEquals } from "@std/assert";
import { Compiler, type DispatchStep } from "../../src/compile/compile.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import type { Program } from "../../src/ir/program.ts";
import { broadcast } from "../../src/ops/broadcast.ts";
import { shareBroadcasts } from "../../src/transform/share_broadcasts.ts";
import { Pauses } from "../../src/ir/pauses.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, flip, mul, sub, sum } from "../../src/tensor/mod.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";

const SHAPE = [300, 64];

async function dispatchesOf(
  fn: (p: Tensor, g: Tensor, m: Tensor) => Tensor[],
): Promise<DispatchStep[]> {
  const aval = { shape: SHAPE, dtype: "f32" } as const;
  return await compiled(simplify(trace(fn, [aval, aval, aval]).program));
}

async function compiled(
  program: Program,
  traits: DeviceTraits = SOFTWARE_TRAITS,
): Promise<DispatchStep[]> {
  const { steps } = await new Pauses().work(new Compiler(traits).compile(program));
  return steps.filter((step) => step.kind === "dispatch");
}

const moment = (g: Tensor, m: Tensor): Tensor => add(mul(m, 0.9), mul(g, 0.1));

Deno.test("a moment and the update that follows it elementwise are one dispatch", async () => {
  const steps = await dispatchesOf((p, g, m) => {
    const next = moment(g, m);
    return [next, sub(p, mul(next, 0.01))];
  });
  assertEquals(steps.map(({ label }) => label), ["map add+sub [300x64] x2"]);
  // Three are read, two are written.
  assertEquals(steps[0]!.writes.filter((writes) => writes).length, 2);
  assertEquals(steps[0]!.writes.length, 5);
});

Deno.test("pointwise results bind no more buffers than an adapter allows, however many share operands", async () => {
  for (const extent of [5, 8]) {
    const aval = { shape: [1024, extent], dtype: "f32" } as const;
    const { program } = trace(
      (...given: Tensor[]) => {
        const each = given.map((x, k) => mul(add(x, given[0]!), given[(k + 1) % given.length]!));
        // Read at other places and at their own: views of four elements beside those of one.
        return [...each, ...each.map((x, k) => add(flip(given[k]!, [1]), x))];
      },
      Array.from({ length: 12 }, () => aval),
    );
    for (const maxStorageBuffers of [8, 9, 11, 31]) {
      const steps = await compiled(simplify(program), { ...SOFTWARE_TRAITS, maxStorageBuffers });
      const most = Math.max(...steps.map(({ memory }) => memory.length));
      assert(most <= maxStorageBuffers, `${most} buffers`);
      const written = steps.flatMap(({ writes }) => writes).filter((writes) => writes);
      assertEquals(written.length, program.outputs.length);
    }
  }
});

Deno.test("what needs a whole moment comes after it", async () => {
  const steps = await dispatchesOf((p, g, m) => {
    const next = moment(g, m);
    return [next, sub(p, sum(next, { axes: [0] }))];
  });
  assertEquals(steps.map(({ label }) => label), [
    "map add [300x64]",
    "reduce sum [64]",
    "map sub [300x64]",
  ]);
});

Deno.test("a first step of parameters that all tasks share has the kernels of later steps", async () => {
  const descent = (x: Tensor, shared: Tensor, steps: number): Tensor[] => {
    let rows = broadcast(shared, [4, 50, 8], [2]);
    let at = broadcast(shared, [4, 8], [1]);
    for (let k = 0; k < steps; k++) {
      at = sub(at, mul(sum(mul(x, sub(x, rows)), { axes: [1] }), 0.01));
      rows = broadcast(at, [4, 50, 8], [0, 2]);
    }
    return [at];
  };
  const { program } = trace(
    (x: Tensor, shared: Tensor) => descent(x, shared, 3),
    [{ shape: [4, 50, 8], dtype: "f32" }, { shape: [8], dtype: "f32" }],
  );
  const steps = await compiled(shareBroadcasts(simplify(program)));
  assertEquals(steps.length, 1 + 3);
  assertEquals(new Set(steps.map(({ kernel }) => kernel.code)).size, 2);
});

Deno.test("what values are computed of is found in steps, not in ways", async () => {
  const aval = { shape: [8], dtype: "f32" } as const;
  const { program } = trace((x: Tensor, y: Tensor): Tensor[] => {
    const stored = mul(x, y);
    // 2^40 ways lead from the last to the first.
    let deep = x;
    for (let k = 0; k < 40; k++) deep = mul(add(deep, 1), sub(deep, 2));
    return [stored, add(stored, flip(deep, [0]))];
  }, [aval, aval]);
  const steps = await compiled(simplify(program));
  assertEquals(steps.map(({ label }) => label), ["map mul+add [8] x2"]);
});
