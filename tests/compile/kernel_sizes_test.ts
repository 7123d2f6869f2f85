import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Compiler, type DispatchStep } from "../../src/compile/compile.ts";
import type { Shape } from "../../src/ir/aval.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { max, mul, reshape, sub, sum } from "../../src/tensor/mod.ts";
import { inlineCalls, simplify, trace } from "../../src/transform/mod.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";
import { conv4Workload } from "../workloads/conv4.ts";

/** The dispatches of a function of one tensor. */
function dispatchesOf(fn: (x: Tensor) => Tensor, shape: Shape): DispatchStep[] {
  return compiled(simplify(trace(fn, [{ shape, dtype: "f32" }]).program));
}

function compiled(program: Program, traits: DeviceTraits = SOFTWARE_TRAITS): DispatchStep[] {
  const work = new Compiler(traits).compile(program);
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value.steps.filter((step) => step.kind === "dispatch");
}

/** What pipelines are found by: what a driver compiles, without the values that it reads. */
const codesOf = (steps: readonly DispatchStep[]) => steps.map(({ kernel }) => kernel.code);
const valuesOf = (steps: readonly DispatchStep[]) => steps.map(({ overrides }) => overrides);

Deno.test("pointwise kernels that differ in the number of elements are one pipeline", () => {
  const square = (shape: Shape) => dispatchesOf((x) => mul(x, x), shape);
  const [small, large] = [[65, 32], [4097, 32]].map(square);
  assertEquals(codesOf(small!), codesOf(large!));
  assertNotEquals(valuesOf(small!), valuesOf(large!));
  // Where all workgroups are full, the number of elements is not even read.
  const [few, many] = [[64, 32], [4096, 32]].map(square);
  assertEquals(codesOf(few!), codesOf(many!));
  assertEquals([...valuesOf(few!), ...valuesOf(many!)], [{}, {}]);
});

Deno.test("kernels that differ in extents and strides are one pipeline", () => {
  const pooled = ([batch, rows, columns, channels]: Shape) => {
    const windows = [batch!, rows! / 2, 2, columns! / 2, 2, channels!];
    return dispatchesOf(
      (x) => max(reshape(x, windows), { axes: [2, 4] }),
      [batch!, rows!, columns!, channels!],
    );
  };
  // Powers of two are shifted and masked, other numbers divided by.
  for (
    const [small, large] of [
      [[4, 8, 8, 32], [4, 32, 16, 64]],
      [[4, 12, 12, 32], [4, 28, 20, 32]],
    ] as const
  ) {
    assertEquals(codesOf(pooled(small)), codesOf(pooled(large)));
    assertNotEquals(valuesOf(pooled(small)), valuesOf(pooled(large)));
  }
});

Deno.test("kernels that differ in a rate are one pipeline, those of whole numbers are not", () => {
  const scaled = (by: number) => dispatchesOf((x) => mul(x, mul(x, by)), [64]);
  assertEquals(codesOf(scaled(0.01)), codesOf(scaled(0.003)));
  assertNotEquals(valuesOf(scaled(0.01)), valuesOf(scaled(0.003)));
  assertNotEquals(codesOf(scaled(2)), codesOf(scaled(3)));
});

Deno.test("sums over different numbers of elements are one pipeline, whoever joins their parts", () => {
  // One invocation, a workgroup, a second pass.
  const cases = [[40, 60, 32, 1], [1100, 1280, 32, 1], [100_000, 200_000, 4, 2]] as const;
  for (const [few, many, columns, dispatches] of cases) {
    const [a, b] = [few, many].map((rows) =>
      dispatchesOf((x) => sum(x, { axes: [0] }), [rows, columns])
    );
    assertEquals(a!.length, dispatches);
    assertEquals(codesOf(a!)[0]!.includes("workgroupBarrier"), few === 1100);
    assertEquals(codesOf(a!), codesOf(b!));
    assertNotEquals(valuesOf(a!), valuesOf(b!));
  }
});

Deno.test("bounds of long loops are not in the text, where drivers would unroll them", () => {
  const bounds = (rows: number) =>
    codesOf(dispatchesOf((x) => sum(x, { axes: [0] }), [rows, 32])).join().match(/r < (\du|size)/g);
  assertEquals(bounds(4), ["r < 4u"]);
  assertEquals(bounds(5), ["r < size"]);
});

Deno.test("steps of gradient descent share their pipelines: what follows a sum is stored with it", () => {
  const descent = (steps: number) =>
    codesOf(dispatchesOf((x) => {
      let at = sum(x, { axes: [0] });
      for (let k = 0; k < steps; k++) {
        at = sub(at, mul(sum(mul(x, sub(x, at)), { axes: [0] }), 0.01));
      }
      return at;
    }, [16, 8]));
  assertEquals(descent(6).length, 7);
  assertEquals(new Set(descent(6)).size, new Set(descent(3)).size);
});

Deno.test("two more inner steps of a meta-gradient need few more pipelines", () => {
  const size = { way: 5, shot: 1, queries: 5, filters: 8, tasks: 2, extent: 16 };
  const pipelines = (innerSteps: number) => {
    const { fn, args } = conv4Workload({ ...size, innerSteps });
    const program = simplify(inlineCalls(trace(fn, args).program));
    return new Set(codesOf(compiled(program, { ...SOFTWARE_TRAITS, maxStorageBuffers: 64 }))).size;
  };
  // The first layer's filters, padded to vectors, are read as the sum of their updates.
  const more = pipelines(8) - pipelines(6);
  assert(more <= 8, `${more} pipelines`);
});
