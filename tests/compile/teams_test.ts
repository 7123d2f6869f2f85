/** Reductions whose columns the invocations of a workgroup share, on the device against the reference. */
import { assert, assertEquals } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { AdapterCosts } from "../../src/ir/adapter_costs.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { Compiler, type DispatchStep } from "../../src/compile/compile.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { add, argMax, convert, less, max, mul, sin, sum } from "../../src/tensor/mod.ts";
import { referenceOf, runOn } from "../cases/device.ts";
import type { Subject } from "../cases/laws.ts";
import { integer, pick, uniform } from "../cases/random.ts";
import { DISCRETE_COSTS, FOURS, INTEGRATED_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

const GPU: Partial<DeviceTraits> = { costs: DISCRETE_COSTS, subgroupLanes: 0 };

/** One that few invocations keep busy and where dispatches cost nothing: reductions have parts. */
const EAGER: AdapterCosts = {
  ...DISCRETE_COSTS,
  busy: { ...DISCRETE_COSTS.busy, reduced: 4096 },
  leastIterations: { ...DISCRETE_COSTS.leastIterations, reduced: 0 },
};

/** Adapters whose workgroups are large, small or have little memory. */
const ADAPTERS: Readonly<Record<string, Partial<DeviceTraits>>> = {
  "a CPU": {},
  "a CPU, in fours": FOURS,
  "a GPU": GPU,
  "a GPU in a CPU": { ...GPU, costs: INTEGRATED_COSTS },
  "parts": { ...GPU, costs: EAGER },
  "small workgroups": { ...GPU, maxWorkgroupInvocations: 16 },
  "little memory, parts": { ...GPU, costs: EAGER, maxWorkgroupStorage: 1100 },
  "no memory": { ...GPU, maxWorkgroupStorage: 0 },
  "few workgroups": { ...GPU, costs: EAGER, maxWorkgroupsPerDimension: 3 },
};

/** Shapes and reduced axes: of one column and of many, whose extents nothing divides, or much. */
const SHAPES: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  ...[1, 2, 5, 16, 17, 255, 257, 1000, 4097, 8192, 30_001].map((n) => [[n], [0]] as const),
  ...[5, 8, 31, 64, 129, 1280].map((n) => [[n, 32], [0]] as const),
  ...[6, 75, 640, 5003].map((n) => [[n, 5], [0]] as const),
  ...[5, 20, 63, 256, 1028].map((n) => [[37, n], [1]] as const),
  ...[[[4, 9, 9, 12], [1, 2]], [[2, 300, 8], [1]], [[3, 5, 7], [0, 2]]] as const,
  ...[[[300, 40], [0]], [[2, 2, 40, 4], [0, 2]], [[1500, 6], [1]], [[9000, 4], [0]]] as const,
  ...[[[33, 1, 50, 1], [2]], [[1, 700, 1], [1]], [[6, 90, 2], [0, 1]], [[260, 260], [1]]] as const,
];

/** Eighths, many of them equal: sums are exact, and the largest is not alone. */
function eighths(shape: readonly number[], seed: number) {
  const next = uniform(seed);
  const data = Array.from({ length: sizeOf(shape) }, () => integer(next, -16, 15) / 8);
  return ndArray({ shape, dtype: "f32" }, data);
}

/** All kinds of reductions, in passes of one, of two and of several, with what follows them. */
function reductions(axes: readonly number[]): Subject["fn"] {
  return (x) => {
    const [total, largest] = [sum(x!, { axes }), max(x!, { axes })];
    const position = argMax(x!, { axes });
    const small = sum(convert(less(x!, 0.5), "f32"), { axes });
    return [
      total,
      largest,
      position,
      small,
      add(mul(total, 2), largest),
      sum(mul(x!, x!), { axes }),
    ];
  };
}

const same = (a: number, b: number): boolean => a === b || Number.isNaN(a) && Number.isNaN(b);

/** Throws unless every number is that of the reference. */
function assertSame(name: string, got: readonly ArrayLike<number>[], subject: Subject): void {
  referenceOf(subject).forEach(({ data }, k) => {
    const found = got[k]!;
    const wrong = Array.from(data).findIndex((want, at) => !same(found[at]!, want));
    assert(
      found.length === data.length && wrong < 0,
      `${name}: result ${k} at ${wrong} is ${found[wrong]}, expected ${data[wrong]}`,
    );
  });
}

for (const [adapter, traits] of Object.entries(ADAPTERS)) {
  webgpuTest(`reductions that invocations share are exact on ${adapter}`, async (gpu) => {
    const backend = new WebGpuBackend(gpu, { traits });
    for (const [k, [shape, axes]] of SHAPES.entries()) {
      const name = `${adapter}: [${shape}] along ${axes}`;
      const subject = { name, fn: reductions(axes), point: [eighths(shape, k)], varying: [] };
      assertSame(name, await runOn(backend, subject), subject);
    }
  });
}

webgpuTest(
  "the first NaN is the largest, and infinities are numbers, in all parts",
  async (gpu) => {
    const next = uniform(5);
    for (const [adapter, traits] of Object.entries(ADAPTERS)) {
      const backend = new WebGpuBackend(gpu, { traits });
      for (
        const [shape, axes] of [[[3000], [0]], [[300, 8], [0]], [[20, 90], [1]], [[6, 5], [
          1,
        ]]] as const
      ) {
        for (
          const specials of [[NaN], [NaN, Infinity], [-Infinity], [Infinity], [-0, NaN, -Infinity]]
        ) {
          const { data } = eighths(shape, 1);
          const mostly = Number.isFinite(specials[0]) ? 0.5 : pick(next, [0.001, 0.02, 0.5, 1]);
          const values = Array.from(data, (x) => next() < mostly ? pick(next, specials) : x);
          const name = `${adapter}: [${shape}] with ${specials}`;
          const subject: Subject = {
            ...{ name, point: [ndArray({ shape, dtype: "f32" }, values)], varying: [] },
            fn: (x) => [max(x!, { axes }), argMax(x!, { axes }), max(mul(x!, -1), { axes })],
          };
          assertSame(name, await runOn(backend, subject), subject);
        }
      }
    }
  },
);

webgpuTest("every run gives the same bits, as exact as sums in blocks", async (gpu) => {
  const next = uniform(9);
  const point = (shape: readonly number[]) =>
    ndArray(
      { shape, dtype: "f32" },
      Array.from({ length: sizeOf(shape) }, () => Math.fround(next())),
    );
  for (const [adapter, traits] of Object.entries(ADAPTERS)) {
    const backend = new WebGpuBackend(gpu, { traits });
    for (
      const [shape, axes] of [[[1_000_000], [0]], [[20_000, 8], [0]], [[4, 70_000], [1]]] as const
    ) {
      const subject: Subject = {
        ...{ name: adapter, point: [point(shape)], varying: [] },
        fn: (x) => [sum(x!, { axes }), sum(sin(x!), { axes })],
      };
      const [first, second] = [await runOn(backend, subject), await runOn(backend, subject)];
      assertEquals(first, second);
      referenceOf(subject).forEach(({ data }, k) =>
        data.forEach((want, at) => {
          const error = Math.abs(first[k]![at]! / want - 1);
          assert(error < 5e-7, `${adapter}: [${shape}] is off by ${error}`);
        })
      );
    }
  }
});

webgpuTest(
  "a team finds the largest of more elements than one invocation may visit",
  async (gpu) => {
    const fn: Subject["fn"] = (x) => [argMax(x!, { axes: [0] }), max(x!, { axes: [0] })];
    for (const traits of [GPU, {}]) {
      const backend = new WebGpuBackend(gpu, { traits });
      for (const shape of [[300_001], [40_000, 3]]) {
        const point = [eighths(shape, 2)];
        // The largest is alone, and far behind.
        point[0]!.data[point[0]!.data.length - 2] = 9;
        const subject = { name: `[${shape}]`, fn, point, varying: [] };
        assertSame(subject.name, await runOn(backend, subject), subject);
      }
    }
  },
);

/** The dispatches of a sum along the first axis. */
function sumSteps(shape: readonly number[], traits: Partial<DeviceTraits> = {}): DispatchStep[] {
  const fn = (x: Tensor) => sum(x, { axes: [0] });
  const work = new Compiler({ ...SOFTWARE_TRAITS, ...traits })
    .compile(simplify(trace(fn, [{ shape, dtype: "f32" }]).program));
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value.steps.filter((each) => each.kind === "dispatch");
}

Deno.test("where others wait for memory, workgroups share columns, and parts only where they are long", () => {
  const barriers = (steps: DispatchStep[]) =>
    steps.map(({ kernel }) => kernel.code.split("workgroupBarrier").length - 1);
  assertEquals(barriers(sumSteps([1280, 128])), [0, 0]);
  assertEquals(barriers(sumSteps([1280, 128], GPU)), [4]);
  assertEquals(barriers(sumSteps([76_800, 128], GPU)), [1, 4]);
  // What the driver unrolls waits once; and where every invocation has a column, none is shared.
  assertEquals(barriers(sumSteps([4, 128], GPU)), [0]);
  assertEquals(barriers(sumSteps([5, 400_000], GPU)), [0]);
  const [only] = sumSteps([1280, 128], GPU);
  assertEquals([only!.workgroups, /workgroup_size\((\d+)\)/.exec(only!.kernel.code)![1]], [
    [16, 1, 1],
    "256",
  ]);
  // Beyond the last column nothing is read, and nothing is written, not even into the next part.
  const guards = ({ kernel: { code } }: DispatchStep) =>
    [/let c = min\(team .* size\d+ - 1u\)/, /if \(column >= size\d+\) \{ return; \}\n.*\[column\]/]
      .map((guard) => guard.test(code));
  assertEquals(guards(sumSteps([1280, 5], GPU)[0]!), [true, true]);
});
