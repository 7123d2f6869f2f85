/** Winograd's kernels against float64 where their tiles do not fit, by the number of channels, and by their laws. */
import { assert, assertEquals } from "@std/assert";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
} from "../../src/ops/conv2d_lowering.ts";
import { correlation } from "../../src/ops/variants/correlation.ts";
import { correlateWinograd } from "../../src/ops/variants/correlate_winograd.ts";
import { filterGradientWinograd } from "../../src/ops/variants/filter_gradient_winograd.ts";
import { withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { siteOf } from "../../src/ops/variants/kernel_sites.ts";
import { candidates, ruledVariant } from "../../src/ops/variants/kernel_variant.ts";
import { DISCRETE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";
import {
  assertClose,
  conv2dReference,
  conv2dSizes,
  filterGradReference,
  inputGradReference,
  KernelBench,
  values,
} from "./fixtures.ts";

const NAMES = ["conv2d_3x3_winograd_2x2", "conv2d_3x3_winograd_4x4"] as const;

/** Images that keep their size. */
const SAME: Conv2dGeometry = {
  ...{ batch: 1, images: 1, height: 12, width: 12, inChannels: 8, outChannels: 16 },
  ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 },
  ...{ padTop: 1, padLeft: 1, padBottom: 1, padRight: 1 },
};

/** An adapter that divides sums into as many parts as they have steps. */
const PARTED = {
  ...DISCRETE_COSTS,
  leastIterations: { ...DISCRETE_COSTS.leastIterations, tiled: 1 },
};

/** The device's traits with a table that names one kernel for every shape. */
function by(name: string, traits: DeviceTraits): DeviceTraits {
  return { ...traits, chooseKernel: () => name };
}

/** Geometries with any padding, of one pixel and more, most of which fill no tile and no workgroup. */
function geometries(count: number): Conv2dGeometry[] {
  const draws = values(20 * count, 17).map((value) => (value + 1) / 2);
  let at = 0;
  const draw = (most: number): number => Math.floor(draws[at++]! * most);
  return Array.from({ length: count }, () => {
    const [padTop, padLeft, padBottom, padRight] = [draw(3), draw(3), draw(3), draw(3)] as const;
    return {
      ...SAME,
      ...{ batch: 1 + draw(3), images: 1 + draw(5), inChannels: 1 + draw(20) },
      ...{ outChannels: 1 + draw(40), padTop, padLeft, padBottom, padRight },
      height: Math.max(1, 3 - padTop - padBottom) + draw(9),
      width: Math.max(1, 3 - padLeft - padRight) + draw(11),
    };
  });
}

webgpuTest("Winograd's kernels agree with float64 on any geometry, twice", async (gpu) => {
  const bench = new KernelBench(gpu);
  const traits = await withKernelSets(gpu.traits, "all");
  let inParts = 0;
  for (const [k, g] of geometries(12).entries()) {
    const sizes = conv2dSizes(g);
    for (const seed of [3 * k + 1, 3 * k + 1001]) {
      const [x, w, dy] = [seed, seed + 1, seed + 2].map((each, n) =>
        values([sizes.x, sizes.w, sizes.y][n]!, each)
      ) as [ReturnType<typeof values>, ReturnType<typeof values>, ReturnType<typeof values>];
      const cases = [
        { lower: lowerConv2d, inputs: [x, w], want: conv2dReference(g, x, w) },
        { lower: lowerConv2dInputGrad, inputs: [w, dy], want: inputGradReference(g, w, dy) },
        { lower: lowerConv2dFilterGrad, inputs: [x, dy], want: filterGradReference(g, x, dy) },
      ];
      for (const { lower, inputs, want } of cases) {
        const whole = lower !== lowerConv2dFilterGrad;
        for (const { name, tolerance } of whole ? correlateWinograd : [filterGradientWinograd]) {
          for (const costs of whole ? [traits.costs] : [traits.costs, PARTED]) {
            const lowering = lower(g, by(name, { ...traits, costs }));
            const kernels = lowering.calls.map(({ kernel }) => kernel);
            assert(kernels.includes(name), `${kernels}`);
            inParts += Number(kernels.includes("sum_parts"));
            const found = await bench.run(lowering, inputs, want.length);
            assertClose(found, want, `${name} of ${JSON.stringify(g)}, ${seed}`, tolerance / 3);
          }
        }
      }
    }
  }
  assert(inParts >= 10, `${inParts} in parts`);
  bench.close();
});

/** Most error by channels, relative to the largest element: 2 x what was measured on llvmpipe. */
const ERRORS = [
  { inChannels: 4, most: [3e-7, 2e-6] },
  { inChannels: 64, most: [4e-7, 2e-6] },
  { inChannels: 512, most: [1e-6, 5e-6] },
] as const;

webgpuTest("Winograd's kernels lose as little to rounding as they are said to", async (gpu) => {
  const bench = new KernelBench(gpu);
  const traits = await withKernelSets(gpu.traits, "all");
  for (const { inChannels, most } of ERRORS) {
    const g = { ...SAME, inChannels };
    const sizes = conv2dSizes(g);
    // Activations are not centered.
    const x = values(sizes.x, 5).map((value) => Math.max(0, value));
    const w = values(sizes.w, 6);
    const want = conv2dReference(g, x, w);
    for (const [k, name] of NAMES.entries()) {
      const found = await bench.run(lowerConv2d(g, by(name, traits)), [x, w], want.length);
      assertClose(found, want, `${name}, ${inChannels} channels`, most[k]);
    }
  }
  bench.close();
});

webgpuTest("Winograd's kernels scale exactly, and what is not finite stays near", async (gpu) => {
  const bench = new KernelBench(gpu);
  const traits = await withKernelSets(gpu.traits, "all");
  const sizes = conv2dSizes(SAME);
  const [x, w] = [values(sizes.x, 5), values(sizes.w, 6)];
  const pixel = (5 * SAME.width + 5) * SAME.inChannels;
  for (const [name, side] of [[NAMES[0], 2], [NAMES[1], 4]] as const) {
    const lowering = lowerConv2d(SAME, by(name, traits));
    const usual = await bench.run(lowering, [x, w], sizes.y);
    // Powers of two change no rounding: nothing of the tile overflows or vanishes long before the result does.
    for (const factor of [2 ** 50, 2 ** -50]) {
      const scaled = x.map((value) => value * factor);
      const found = await bench.run(lowering, [scaled, w], sizes.y);
      assertEquals(found.map((value) => value / factor), usual, `${name} x ${factor}`);
    }
    const spoiled = x.slice();
    spoiled[pixel] = NaN;
    const found = await bench.run(lowering, [spoiled, w], sizes.y);
    for (let at = 0; at < sizes.y; at++) {
      const p = Math.floor(at / SAME.outChannels);
      const [oy, ox] = [Math.floor(p / SAME.width), p % SAME.width];
      // A tile reads one pixel around it.
      const reads = (o: number) => {
        const first = o - o % side - 1;
        return 5 >= first && 5 < first + side + 2;
      };
      const near = Math.abs(oy - 5) <= 1 && Math.abs(ox - 5) <= 1;
      if (near) assert(Number.isNaN(found[at]!), `${name}: ${found[at]} at ${oy}, ${ox}`);
      if (!(reads(oy) && reads(ox))) assertEquals(found[at], usual[at], `${name}: ${oy}, ${ox}`);
    }
  }
  bench.close();
});

Deno.test("no rule takes Winograd's kernels, and only what runs them has them to choose from", () => {
  const key = "convolution: batch 4, images 75, height 32, width 32, in4 8, outHeight 32, " +
    "outWidth 32, out4 8, kernelHeight 3, kernelWidth 3, strideY 1, strideX 1, padTop 1, padLeft 1, transposed 0";
  const { shape } = siteOf(key);
  const convolution = siteOf(key).operation;
  assertEquals(convolution.name, correlation.name);
  const able = (traits: DeviceTraits): string[] =>
    candidates(convolution, shape, traits).map(({ name }) => name)
      .filter((name) => (NAMES as readonly string[]).includes(name));
  for (const subgroupLanes of [0, 8, 32]) {
    const traits = { ...SOFTWARE_TRAITS, subgroupLanes };
    for (const each of [traits, { ...traits, costs: DISCRETE_COSTS }]) {
      assertEquals(able(each), [...NAMES]);
      assert(!(NAMES as readonly string[]).includes(ruledVariant(convolution, shape, each)));
    }
  }
  assertEquals(able({ ...SOFTWARE_TRAITS, maxWorkgroupInvocations: 128 }), []);
  assertEquals(able({ ...SOFTWARE_TRAITS, maxWorkgroupInvocations: 192 }), [NAMES[1]]);
  assertEquals(able({ ...SOFTWARE_TRAITS, maxWorkgroupStorage: 16383 }), [NAMES[1]]);
  const strided = { ...shape, strideX: 2 };
  assertEquals(candidates(convolution, strided, SOFTWARE_TRAITS).map(({ name }) => name), [
    "conv2d",
  ]);
  // No grid has more workgroups along an axis than the adapter takes, nor fewer than are needed.
  for (const variant of correlateWinograd) {
    const [columns, rows] = variant.plan(shape as never, {
      ...SOFTWARE_TRAITS,
      maxWorkgroupsPerDimension: 100,
    }).workgroups;
    const whole = variant.plan(shape as never, SOFTWARE_TRAITS).workgroups;
    assert(columns <= 100 && rows > 1 && columns * rows >= whole[0] * whole[1]);
  }
});
