import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Compiler, type DispatchStep } from "../../src/compile/compile.ts";
import type { Shape } from "../../src/ir/aval.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { max, mul, reshape, sub, sum } from "../../src/tensor/mod.ts";
import { inlineCalls, simplify, trace } from "../../src/transform/mod.ts";
import { DISCRETE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
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
  for (const [few, many] of [[[65, 3], [2001, 4]], [[257, 32], [4097, 32]]] as const) {
    const [small, large] = [few, many].map(square);
    assertEquals(codesOf(small!), codesOf(large!));
    assertNotEquals(valuesOf(small!), valuesOf(large!));
  }
  // Where all workgroups are full, the number of elements is not even read.
  const [few, many] = [[256, 32], [4096, 32]].map(square);
  assertEquals(codesOf(few!), codesOf(many!));
  assertEquals([...valuesOf(few!), ...valuesOf(many!)], [{}, {}]);
});

Deno.test("a CPU computes four elements at once where there are many, a GPU wherever it can", () => {
  const shapes = [[255, 32], [256, 32]] as const;
  for (const fn of [(x: Tensor) => mul(x, x), (x: Tensor) => sum(x, { axes: [0] })]) {
    const inFours = ({ costs }: Pick<DeviceTraits, "costs">) =>
      shapes.map((shape) => {
        const { program } = trace(fn, [{ shape, dtype: "f32" }]);
        const [code] = codesOf(compiled(simplify(program), { ...SOFTWARE_TRAITS, costs }));
        return code!.includes("b0: array<vec4<f32>>");
      });
    assertEquals(inFours(SOFTWARE_TRAITS), [false, true]);
    assertEquals(inFours({ costs: DISCRETE_COSTS }), [true, true]);
  }
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
      // Of 8 channels a row has two vectors, which is no less.
      [[4, 32, 32, 8], [4, 32, 16, 64]],
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
    // The invocations of a CPU run one after the other: one of them joins all parts.
    assertEquals(codesOf(a!)[0]!.split("workgroupBarrier").length - 1, few === 1100 ? 1 : 0);
    assertEquals(codesOf(a!), codesOf(b!));
    assertNotEquals(valuesOf(a!), valuesOf(b!));
  }
});

Deno.test("bounds of long loops are not in the text, where drivers would unroll them", () => {
  const bounds = (rows: number) =>
    codesOf(dispatchesOf((x) => sum(x, { axes: [0] }), [rows, 32])).join().match(
      /\w+ < (\du|size|end)/g,
    );
  assertEquals(bounds(4), ["r < 4u"]);
  assertEquals(bounds(5), ["start < size", "r < end"]);
  // A GPU sums 64 elements one after the other: there is less to compile.
  const { program } = trace((x: Tensor) => sum(x, { axes: [0] }), [
    { shape: [64, 100_000], dtype: "f32" },
  ]);
  const traits = { ...SOFTWARE_TRAITS, costs: DISCRETE_COSTS };
  assert(!codesOf(compiled(simplify(program), traits)).join().includes("start"));
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
