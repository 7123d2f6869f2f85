/** Every kernel of a shape computes the same, whichever a table names. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { CodedKernelCall, DeviceTraits, KernelLowering } from "../../src/ir/lowering.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
} from "../../src/ops/conv2d_lowering.ts";
import { sumParts } from "../../src/ops/kernel_grid.ts";
import { lowerMatmul, type MatmulGeometry } from "../../src/ops/matmul_lowering.ts";
import { kernelOperations, requireKernels, siteOf } from "../../src/ops/variants/kernel_sites.ts";
import { allKernelSets, withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { shapeKey, variantsOf } from "../../src/ops/variants/kernel_variant.ts";
import { referenceOf } from "../../src/profile/kernel_reference.ts";
import { DISCRETE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";
import {
  assertClose,
  conv2dReference,
  conv2dSizes,
  filterGradReference,
  inputGradReference,
  KernelBench,
  matmulReference,
  values,
} from "./fixtures.ts";

/** `[batch, images, height, width, in, out, kernel y, x, stride y, x, pad top, left, bottom, right]` */
type Row = readonly number[];

const CONVOLUTIONS: readonly Row[] = [
  [1, 1, 1, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1],
  [2, 3, 7, 5, 3, 8, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 2, 6, 7, 5, 10, 3, 3, 1, 1, 0, 2, 1, 0],
  [2, 3, 9, 17, 10, 12, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 2, 3, 67, 16, 9, 3, 3, 1, 1, 0, 1, 1, 0],
  [2, 2, 9, 17, 34, 32, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 1, 5, 6, 36, 40, 3, 3, 1, 1, 0, 0, 2, 1],
  [2, 1, 6, 5, 12, 32, 5, 3, 1, 1, 2, 1, 2, 1],
  [1, 2, 8, 10, 3, 4, 3, 3, 2, 1, 0, 1, 1, 0],
];

function geometry(row: Row): Conv2dGeometry {
  const [batch, images, height, width, inChannels, outChannels, ...rest] = row as number[];
  const [kernelHeight, kernelWidth, strideY, strideX, padTop, padLeft, padBottom, padRight] = rest;
  return {
    ...{ batch, images, height, width, inChannels, outChannels },
    ...{ kernelHeight, kernelWidth, strideY, strideX, padTop, padLeft, padBottom, padRight },
  } as Conv2dGeometry;
}

const PRODUCTS: readonly MatmulGeometry[] = [
  { batch: 1, rows: 1, inner: 1, columns: 1, transposeA: false, transposeB: false },
  { batch: 3, rows: 3, inner: 5, columns: 7, transposeA: true, transposeB: true },
  { batch: 2, rows: 20, inner: 36, columns: 12, transposeA: true, transposeB: false },
  { batch: 3, rows: 65, inner: 36, columns: 64, transposeA: false, transposeB: true },
  { batch: 1, rows: 36, inner: 1028, columns: 36, transposeA: false, transposeB: false },
];

type Lower = (traits: DeviceTraits) => KernelLowering<CodedKernelCall>;

/** The lowering by every kernel that can compute it, without repeating those that are the same. */
function byAll(lower: Lower, traits: DeviceTraits): Map<string, KernelLowering<CodedKernelCall>> {
  const names = new Set<string>();
  lower({ ...traits, chooseKernel: (_, able) => void able.forEach((name) => names.add(name)) });
  return new Map([...names].map((name) => [name, lower({ ...traits, chooseKernel: () => name })]));
}

/** Runs all kernels with and without lanes, for many invocations and for few; their names. */
async function runAll(
  bench: KernelBench,
  lower: Lower,
  check: (found: KernelLowering<CodedKernelCall>, context: string) => Promise<void>,
): Promise<Set<string>> {
  const traits = await withKernelSets(bench.gpu.traits, "all");
  const names = new Set<string>();
  const seen = new Set<string>();
  for (const each of [traits, { ...traits, costs: DISCRETE_COSTS }]) {
    for (const [name, lowering] of byAll(lower, each)) {
      names.add(name);
      const text = JSON.stringify(lowering);
      if (seen.has(text)) continue;
      seen.add(text);
      await check(lowering, `${name}, workgroups of ${each.costs.tiledWorkgroup}`);
    }
  }
  return names;
}

webgpuTest("all kernels of a convolution and its gradients agree with float64", async (gpu) => {
  const bench = new KernelBench(gpu);
  const names = new Set<string>();
  for (const row of CONVOLUTIONS) {
    const g = geometry(row);
    const sizes = conv2dSizes(g);
    const [x, w, dy] = [values(sizes.x, 1), values(sizes.w, 2), values(sizes.y, 3)];
    const cases = [
      { lower: lowerConv2d, inputs: [x, w], want: conv2dReference(g, x, w) },
      { lower: lowerConv2dInputGrad, inputs: [w, dy], want: inputGradReference(g, w, dy) },
      { lower: lowerConv2dFilterGrad, inputs: [x, dy], want: filterGradReference(g, x, dy) },
    ];
    for (const { lower, inputs, want } of cases) {
      const run = await runAll(bench, (traits) => lower(g, traits), async (found, context) => {
        const label = `${lower.name} [${row}] by ${context}`;
        assertClose(await bench.run(found, inputs, want.length), want, label);
      });
      run.forEach((name) => names.add(name));
    }
  }
  bench.close();
  const sets = await allKernelSets();
  const all = kernelOperations.slice(0, 2).flatMap((operation) => variantsOf(operation, sets));
  const missing = all.map(({ name }) => name).filter((name) => !names.has(name));
  const lanes = gpu.traits.subgroupLanes >= 8;
  const others = missing.filter((name) => lanes || !name.includes("lane"));
  // Half precision has tests of its own.
  assertEquals(others, ["conv2d_3x3_half"]);
});

webgpuTest("all kernels of a matrix product agree with float64", async (gpu) => {
  const bench = new KernelBench(gpu);
  for (const g of PRODUCTS) {
    const a = values(g.batch * g.rows * g.inner, 1);
    const b = values(g.batch * g.inner * g.columns, 2);
    const want = matmulReference(g, a, b);
    await runAll(bench, (traits) => lowerMatmul(g, traits), async (found, context) => {
      const label = `${JSON.stringify(g)} by ${context}`;
      assertClose(await bench.run(found, [a, b], want.length), want, label);
    });
  }
  bench.close();
});

webgpuTest(
  "an infinite element of a product reaches its own row or column, by all kernels",
  async (gpu) => {
    const bench = new KernelBench(gpu);
    for (const inner of [20, 36]) {
      const g = { batch: 1, rows: 36, inner, columns: 40, transposeA: false, transposeB: false };
      const [a, b] = [values(g.rows * inner, 1), values(inner * g.columns, 2)];
      // The last of a sum: what comes after it is padded.
      a[2 * inner + inner - 1] = Infinity;
      b[(inner - 1) * g.columns + 3] = -Infinity;
      const sign = (value: number): number => Number.isFinite(value) ? 0 : value;
      const want = matmulReference(g, a, b).map(sign);
      await runAll(bench, (traits) => lowerMatmul(g, traits), async (found, context) => {
        const y = await bench.run(found, [a, b], want.length);
        assertEquals(Array.from(y, sign), Array.from(want), `inner ${inner} by ${context}`);
      });
    }
    bench.close();
  },
);

webgpuTest(
  "an infinite pixel reaches what is under the filter, by all kernels of sums",
  async (gpu) => {
    const bench = new KernelBench(gpu);
    const sign = (value: number): number => Number.isFinite(value) ? 0 : value;
    for (
      const row of [
        [1, 2, 7, 7, 4, 8, 3, 3, 1, 1, 0, 0, 0, 0],
        [1, 2, 7, 9, 4, 8, 3, 3, 1, 1, 0, 0, 0, 0],
        [1, 2, 6, 9, 5, 10, 3, 3, 1, 1, 0, 2, 1, 0],
        [2, 1, 8, 10, 8, 4, 3, 3, 1, 1, 1, 0, 1, 1],
      ]
    ) {
      const g = geometry(row);
      const sizes = conv2dSizes(g);
      for (const column of [0, g.width - 2, g.width - 1]) {
        const [x, w, dy] = [values(sizes.x, 1), values(sizes.w, 2), values(sizes.y, 3)];
        x[(2 * g.width + column) * g.inChannels + 1] = Infinity;
        const cases = [
          { lower: lowerConv2d, inputs: [x, w], want: conv2dReference(g, x, w) },
          { lower: lowerConv2dFilterGrad, inputs: [x, dy], want: filterGradReference(g, x, dy) },
        ];
        for (const { lower, inputs, want } of cases) {
          await runAll(bench, (traits) => lower(g, traits), async (found, context) => {
            // These take it further, Winograd's to the whole tile and the lanes' to all taps, but lose none.
            const spreads = /winograd|lane.*filter_gradient/.test(context);
            const y = await bench.run(found, inputs, want.length);
            const label = `${lower.name} [${row}], column ${column}, by ${context}`;
            const wrong = want.findIndex((value, k) =>
              spreads
                ? sign(value) !== 0 && sign(y[k]!) === 0
                : !Object.is(sign(y[k]!), sign(value))
            );
            assert(wrong < 0, `${label}: element ${wrong} is ${y[wrong]}, expected ${want[wrong]}`);
          });
        }
      }
    }
    bench.close();
  },
);

webgpuTest("sums of parts take all parts and no more", async (gpu) => {
  const bench = new KernelBench(gpu);
  const size = 70;
  for (const parts of [...Array.from({ length: 25 }, (_, k) => k + 1), 64, 200]) {
    const x = values(size * (parts + 8), parts);
    const [source, target] = [{ kind: "input", index: 0 }, { kind: "output", index: 0 }] as const;
    const call = sumParts({ source, target, size, parts }, gpu.traits);
    const want = Float64Array.from({ length: size }, (_, i) => {
      let sum = 0;
      for (let part = 0; part < parts; part++) sum += x[part * size + i]!;
      return sum;
    });
    assertClose(await bench.run({ calls: [call], scratch: [] }, [x], size), want, `${parts} parts`);
  }
  bench.close();
});

Deno.test("the elements by which kernels are judged are those of the definition", () => {
  for (const row of CONVOLUTIONS) {
    const g = { ...geometry(row), inChannels: 8, outChannels: 4 };
    const sizes = conv2dSizes(g);
    const [x, w, dy] = [values(sizes.x, 1), values(sizes.w, 2), values(sizes.y, 3)];
    const keys: string[] = [];
    const traits: DeviceTraits = {
      ...SOFTWARE_TRAITS,
      chooseKernel: (shape) => void keys.push(shape),
    };
    lowerConv2d(g, traits);
    lowerConv2dFilterGrad(g, traits);
    lowerConv2dInputGrad(g, traits);
    const cases = [
      { operands: [x, w], want: conv2dReference(g, x, w) },
      { operands: [x, dy], want: filterGradReference(g, x, dy) },
      // The kernels get the cotangent with zeros between its pixels, where it has strides.
      ...(row[8] === 1 && row[9] === 1
        ? [{ operands: [dy, w], want: inputGradReference(g, w, dy) }]
        : []),
    ] as const;
    cases.forEach(({ operands: [a, b], want }, k) => {
      const { operation, shape } = siteOf(keys[k]!);
      const reference = referenceOf(operation);
      assertEquals(reference.operands(shape), [a!.length, b!.length]);
      assertEquals(operation.size(shape), want.length);
      const found = Array.from(want, (_, at) => reference.element(shape, [a!, b!], at));
      assertClose(found, want, keys[k]!, 1e-12);
    });
  }
  for (const g of PRODUCTS) {
    const a = values(g.batch * g.rows * g.inner, 1);
    const b = values(g.batch * g.inner * g.columns, 2);
    let key = "";
    lowerMatmul(g, { ...SOFTWARE_TRAITS, chooseKernel: (shape) => void (key = shape) });
    const { operation, shape } = siteOf(key);
    const want = matmulReference(g, a, b);
    const found = Array.from(
      want,
      (_, at) => referenceOf(operation).element(shape, [a, b], at),
    );
    assertClose(found, want, key, 1e-12);
    assertEquals(referenceOf(operation).flops(shape), 2 * want.length * g.inner);
  }
});

Deno.test("a table that names what cannot be is refused", async () => {
  const sets = await allKernelSets();
  const g = PRODUCTS[1]!;
  const told = (name: string) => () =>
    lowerMatmul(g, { ...SOFTWARE_TRAITS, chooseKernel: () => name });
  assertEquals(told("matmul_any")().calls[0]!.kernel, "matmul_any");
  assertThrows(told("matmul"), Error, "has 'matmul' for matrix product: ");
  assertThrows(told("matmul_lanes"), Error, "Measure again");
  const key = "matrix product: batch 1, rows 4, inner 4, columns 4, transposeA 0, transposeB 0";
  const { operation, shape } = siteOf(key);
  assertEquals(shapeKey(operation, shape), key);
  requireKernels({ [key]: "matmul_lanes" }, sets);
  assertThrows(() => requireKernels({ [key]: "conv2d" }, sets), TypeError, "no kernel 'conv2d'");
  for (const wrong of [`${key}, more 1`, key.replace("rows 4", "rows"), "sum: size 3", ""]) {
    assertThrows(
      () => requireKernels({ [wrong]: "matmul" }, sets),
      TypeError,
      "no shape of an operation",
    );
  }
  for (const operation of kernelOperations) {
    const variants = variantsOf(operation, sets);
    const names = variants.map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    for (const { name, tolerance } of variants) {
      assert(tolerance > 0 && tolerance <= (name.includes("_half") ? 4e-3 : 3e-5), name);
    }
  }
});
