/** Small dispatches that are put together. @module */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type CompiledProgram, Compiler, type DispatchStep } from "../../src/compile/compile.ts";
import { packSteps } from "../../src/compile/pack_steps.ts";
import { makePlan } from "../../src/compile/plan.ts";
import { Storage } from "../../src/compile/storage.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import { Pauses } from "../../src/ir/pauses.ts";
import * as t from "../../src/tensor/mod.ts";
import { kernelWork } from "../../src/predict/kernel_work.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import type { Fn, Subject } from "../cases/laws.ts";
import { uniform } from "../cases/random.ts";
import { DISCRETE_COSTS, FOURS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

const TRAITS = { ...SOFTWARE_TRAITS, maxStorageBuffers: 32 };

async function compiled(
  fn: Fn,
  shapes: readonly (readonly number[])[],
  traits: DeviceTraits = TRAITS,
): Promise<CompiledProgram> {
  const program = simplify(
    trace(fn, shapes.map((shape) => ({ shape, dtype: "f32" as const }))).program,
  );
  return await new Pauses().work(new Compiler(traits).compile(program));
}

/** Gradient descent on parameters of three shapes, with a sum each; the first is not a whole workgroup. */
const SHAPES = [[3, 5], [3, 3, 4, 32], [40, 7]];

const update: Fn = (...x) =>
  SHAPES.flatMap((_, k) => [t.sub(x[2 * k]!, t.mul(x[2 * k + 1]!, 0.1 * (k + 1)))]);

const updateShapes = SHAPES.flatMap((shape) => [shape, shape]);

Deno.test("the updates of all parameters are one dispatch, which says what it computes", async () => {
  const program = await compiled(update, updateShapes);
  assertEquals(program.steps.length, 1);
  const { dispatches: [only] } = makePlan(program);
  assertEquals(only!.label, "map sub [3x5], map sub [3x3x4x32], map sub [40x7]");
  assertEquals(only!.workgroups, [1 + 18 + 5, 1, 1]);
  assertEquals(only!.flops, SHAPES.reduce((sum, shape) => sum + 2 * sizeOf(shape), 0));
  // Each by its own invocations.
  const { stores, scalarStores } = kernelWork({ ...only!, code: only!.kernel.code });
  assertEquals([stores, scalarStores], [0, 3 * 3 * 4 * 32 + 40 * 7 + 3 * 5]);
  const alike = await compiled(
    (x, y) => [t.square(x!), t.square(y!)],
    [[3, 5], [7]],
  );
  assertEquals(makePlan(alike).dispatches[0]!.label, "map mul [3x5], map mul [7]");
});

Deno.test("packs of other sizes are the same pipeline", async () => {
  const code = async (rows: number) =>
    ((await compiled((x, y) => [t.exp(x!), t.square(y!)], [[rows, 64], [rows + 1, 64]]))
      .steps[0] as DispatchStep).kernel.code;
  assertEquals(await code(5), await code(9));
});

Deno.test("what needs another's result is not computed with it", async () => {
  // The sum needs the first product; the last product needs the sum.
  const { steps } = await compiled((x, y) => {
    const s = t.sum(t.mul(x!, x!), { axes: [0] });
    return [t.mul(y!, s), t.exp(y!), s];
  }, [[500, 8], [3, 8]]);
  assertEquals(steps.map((step) => (step as DispatchStep).label), [
    "reduce sum [8]",
    "map mul [3x8], map exp [3x8]",
  ]);
});

Deno.test("dispatches stay apart where lanes that idle take longer, or buffers do not suffice", async () => {
  const count = async (traits: Partial<DeviceTraits>) =>
    (await compiled(update, updateShapes, { ...TRAITS, ...traits })).steps.length;
  assertEquals(await count({}), 1);
  assertEquals(await count({ maxStorageBuffers: 8 }), 2);
  assertEquals(await count({ costs: { ...TRAITS.costs, dispatch: 10 } }), 3);
  assertEquals(await count({ maxWorkgroupsPerDimension: 18 }), 2);
});

const storage = (label: string): Storage => new Storage(64, "f32", label);

/** A dispatch that reads one storage and writes another one; what has no `body` is never put together. */
function step(
  label: string,
  { from = storage("from"), to = storage("to"), body }: {
    readonly from?: Storage;
    readonly to?: Storage;
    readonly body?: readonly string[];
  },
): DispatchStep {
  return {
    kind: "dispatch",
    label,
    kernel: { code: body?.join() ?? label },
    overrides: {},
    memory: [from, to],
    writes: [false, true],
    workgroups: [1, 1, 1],
    flops: 1,
    ...(body && {
      part: {
        bindings: [
          { name: "b0", memory: from, element: "f32", writes: false },
          { name: "b1", memory: to, element: "f32", writes: true },
        ],
        sizes: [],
        helpers: new Map(),
        body,
        threads: 64,
      },
    }),
  };
}

const labels = (steps: readonly DispatchStep[]) =>
  packSteps(steps, TRAITS).map((each) => (each as DispatchStep).label);

Deno.test("a step moves to a later place before its readers, past what it does not need", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map(storage);
  const body = ["b1[q] = b0[q];"];
  // b is needed only by the last.
  const early = step("early", { from: a!, to: b!, body });
  const heavy = step("heavy", { from: a!, to: c! });
  const late = step("late", { from: c!, to: d!, body });
  assertEquals(labels([early, heavy, late, step("last", { from: b! })]), [
    "heavy",
    "early, late",
    "last",
  ]);
  // Here it is needed by what is not moved.
  const needing = step("heavy", { from: b!, to: c! });
  assertEquals(labels([early, needing, late]), ["early", "heavy", "late"]);
});

Deno.test("packs are short, and repeat little of what is compiled for itself, too", () => {
  const lines = (count: number, text: string): string[] =>
    Array.from({ length: count }, (_, k) => `let ${text}${k} = q;`);
  const two = (first: readonly string[], second: readonly string[]) =>
    labels([step("one", { body: first }), step("two", { body: second })]).length;
  assertEquals(two(lines(45, "v"), lines(45, "w")), 1);
  assertEquals(two(lines(45, "v"), lines(60, "w")), 2);
  // Drivers unroll this loop.
  const loop = "for (var r = 0u; r < 4u; r++) {";
  assertEquals(two(lines(45, "v"), [loop, ...lines(15, "w"), "}"]), 2);
  assertEquals(two(lines(45, "v"), [loop.replace("4u", "size0"), ...lines(15, "w"), "}"]), 1);
  // These are one pipeline as they are.
  assertEquals(two(lines(7, "v"), lines(7, "v")), 1);
  assertEquals(two(lines(8, "v"), lines(8, "v")), 2);
});

webgpuTest("packs compute what their parts compute", async (gpu) => {
  const next = uniform(3);
  const numbers = (shape: readonly number[]) =>
    ndArray(
      { shape, dtype: "f32" },
      Array.from({ length: sizeOf(shape) }, () => Math.fround(0.5 + next())),
    );
  const fn: Fn = (...x) => [
    ...update(...x),
    // Helpers, operands that parts share, reductions, vectors beside single elements.
    t.erf(x[0]!),
    t.erf(t.mul(x[4]!, 0.5)),
    t.sum(t.exp(x[5]!), { axes: [1] }),
    t.max(x[3]!, { axes: [0, 1, 2] }),
    t.where(t.greater(x[1]!, 1), x[1]!, 0),
  ];
  const point = updateShapes.map(numbers);
  const subject: Subject = { name: "updates", fn, point, varying: point.map((_, k) => k) };
  for (
    const traits of [
      {},
      { costs: DISCRETE_COSTS },
      { ...FOURS, maxStorageBuffers: 10 },
      { maxWorkgroupsPerDimension: 6 },
    ] satisfies Partial<DeviceTraits>[]
  ) {
    const backend = new WebGpuBackend(gpu, { traits });
    const got = await runOn(backend, subject);
    assertAgrees(JSON.stringify(Object.keys(traits)), got, {
      want: referenceOf(subject),
      tolerance: 1e-5,
    });
  }
  const { steps } = await compiled(fn, updateShapes);
  assertEquals(steps.length, 2);
  const codes = steps.map((each) => (each as DispatchStep).kernel.code).join();
  assertStringIncludes(codes, "group < end2");
  assertStringIncludes(codes, "fn erf_");
});
