/** The convolution of half precision: its error, at any magnitude, and that nobody computes by it who has not asked. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { hostArray, openEngine } from "../../src/engine/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dInputGrad,
} from "../../src/ops/conv2d_lowering.ts";
import { conv2d } from "../../src/ops/mod.ts";
import { correlateHalf } from "../../src/ops/variants/correlate_half.ts";
import { withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";
import {
  assertClose,
  conv2dReference,
  conv2dSizes,
  inputGradReference,
  KernelBench,
  values,
} from "./fixtures.ts";

/** `[batch, images, height, width, in, out, pad top, left, bottom, right]` */
const ROWS = [
  [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  [2, 3, 7, 5, 3, 8, 1, 1, 1, 1],
  [1, 2, 6, 7, 5, 10, 0, 2, 1, 0],
  [2, 2, 9, 17, 34, 40, 1, 1, 1, 1],
  [1, 1, 5, 6, 36, 12, 0, 0, 2, 1],
] as const;

function geometryOf(row: readonly number[]): Conv2dGeometry {
  const [batch, images, height, width, inChannels, outChannels, ...pads] = row as number[];
  const [padTop, padLeft, padBottom, padRight] = pads;
  return {
    ...{ batch, images, height, width, inChannels, outChannels, padTop, padLeft, padBottom },
    ...{ padRight, kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 },
  } as Conv2dGeometry;
}

/** Measured on llvmpipe: 9e-4; an adapter may round towards zero. */
const { name: NAME, tolerance: TOLERANCE } = correlateHalf;

const MOST = TOLERANCE / 2;

async function traitsOf(traits: DeviceTraits): Promise<DeviceTraits> {
  const all = await withKernelSets(traits, "all");
  return { ...all, halfPrecision: true, chooseKernel: () => NAME };
}

webgpuTest("the kernel of half precision is right to about three digits, twice", async (gpu) => {
  const bench = new KernelBench(gpu);
  const traits = await traitsOf(gpu.traits);
  for (const row of ROWS) {
    const g = geometryOf(row);
    const sizes = conv2dSizes(g);
    for (const seed of [1, 11]) {
      const [x, w, dy] = [values(sizes.x, seed), values(sizes.w, seed + 1), values(sizes.y, 3)];
      const found = await bench.run(lowerConv2d(g, traits), [x, w], sizes.y);
      assertClose(found, conv2dReference(g, x, w), `[${row}], ${seed}`, MOST);
      const back = await bench.run(lowerConv2dInputGrad(g, traits), [w, dy], sizes.x);
      assertClose(back, inputGradReference(g, w, dy), `gradient of [${row}], ${seed}`, MOST);
    }
  }
  bench.close();
});

/** Magnitudes of pixels and of filters by their channel, most of which float16 has no numbers for. */
const MAGNITUDES: readonly { what: string; x: (c: number) => number; w: (c: number) => number }[] =
  [
    { what: "large", x: () => 2 ** 60, w: () => 2 ** 60 },
    { what: "tiny", x: () => 2 ** -50, w: () => 2 ** -60 },
    { what: "large and tiny", x: () => 2 ** 100, w: () => 2 ** -110 },
    { what: "tiny and large", x: () => 2 ** -120, w: () => 2 ** 120 },
    { what: "growing by channels", x: (c) => 2 ** (4 * c - 60), w: () => 1 },
    { what: "falling by channels", x: (c) => 2 ** (60 - 4 * c), w: () => 2 ** 20 },
    { what: "that cancel", x: (c) => 2 ** (4 * c - 60), w: (c) => 2 ** (60 - 4 * c) },
    { what: "zero", x: (c) => c % 8 < 4 ? 0 : 1, w: (c) => c < 8 ? 0 : 1 },
  ];

webgpuTest("half precision takes any magnitude of float32", async (gpu) => {
  const bench = new KernelBench(gpu);
  const g = geometryOf([1, 2, 6, 7, 28, 8, 1, 1, 1, 1]);
  const sizes = conv2dSizes(g);
  const lowering = lowerConv2d(g, await traitsOf(gpu.traits));
  for (const { what, x: ofX, w: ofW } of MAGNITUDES) {
    const x = values(sizes.x, 1).map((value, at) => value * ofX(at % g.inChannels));
    const w = values(sizes.w, 2).map((value, at) =>
      value * ofW(Math.floor(at / g.outChannels) % g.inChannels)
    );
    const want = conv2dReference(g, x, w);
    const found = await bench.run(lowering, [x, w], sizes.y);
    assert(found.every(Number.isFinite), what);
    assertClose(found, want, what, MOST);
  }
  // One pixel that is much larger than all others: these are right where it is not.
  const x = values(sizes.x, 1);
  const w = values(sizes.w, 2);
  x[0] = 2 ** 12;
  const want = conv2dReference(g, x, w);
  const found = await bench.run(lowering, [x, w], sizes.y);
  const rest = 3 * g.width * g.outChannels;
  assertClose(found.subarray(rest), want.subarray(rest), "far from a large pixel", MOST);
  for (const wrong of [NaN, Infinity, -Infinity]) {
    x[0] = wrong;
    const spoiled = await bench.run(lowering, [x, w], sizes.y);
    // All tiles are in one workgroup.
    assert(spoiled.every(Number.isNaN), `${wrong} became ${spoiled[0]}`);
  }
  bench.close();
});

Deno.test("half precision is for those who have asked for it", () => {
  const g = geometryOf([1, 1, 8, 8, 8, 8, 1, 1, 1, 1]);
  const able = (traits: DeviceTraits): readonly string[] => {
    let names: readonly string[] = [];
    lowerConv2d(g, { ...traits, chooseKernel: (_, found) => void (names = found) });
    return names;
  };
  assert(!able(SOFTWARE_TRAITS).includes(NAME));
  assert(!able({ ...SOFTWARE_TRAITS, halfPrecision: false }).includes(NAME));
  const half = { ...SOFTWARE_TRAITS, halfPrecision: true };
  assertEquals(able(half), [...able(SOFTWARE_TRAITS), NAME]);
  assertEquals(lowerConv2d(g, half), lowerConv2d(g, SOFTWARE_TRAITS));
  assert(!able({ ...half, maxWorkgroupInvocations: 128 }).includes(NAME));
  assert(!able({ ...half, maxWorkgroupStorage: 8192 }).includes(NAME));
  assertThrows(
    () => lowerConv2d(g, { ...SOFTWARE_TRAITS, chooseKernel: () => NAME }),
    Error,
    "or open the engine with halfPrecision",
  );
});

webgpuTest(
  "openEngine() computes in half precision where it may, and a table says so",
  async (gpu) => {
    const g = geometryOf([1, 2, 8, 8, 8, 8, 1, 1, 1, 1]);
    const sizes = conv2dSizes(g);
    const [x, w] = [values(sizes.x, 1), values(sizes.w, 2)];
    const want = conv2dReference(g, x, w);
    const window = {
      input: [8, 8],
      kernel: [3, 3],
      stride: [1, 1],
      padding: [1, 1, 1, 1],
    } as const;
    const shape =
      "convolution: batch 1, images 2, height 8, width 8, in4 2, outHeight 8, outWidth 8, " +
      "out4 2, kernelHeight 3, kernelWidth 3, strideY 1, strideX 1, padTop 1, padLeft 1, transposed 0";
    const run = async (halfPrecision: boolean, kernels: Readonly<Record<string, string>>) => {
      using engine = await openEngine("webgpu", { device: gpu.device, halfPrecision, kernels });
      const step = engine.jit((a: Tensor, b: Tensor) => conv2d(a, b, window));
      const found = await step(hostArray(x, [1, 2, 8, 8, 8]), hostArray(w, [1, 3, 3, 8, 8]));
      return (await engine.read(found)).data as Float32Array;
    };
    assertClose(await run(true, {}), want, "no table");
    const half = await run(true, { [shape]: NAME });
    assertClose(half, want, "a table", MOST);
    assertThrows(() => assertClose(half, want, "as exact as float32"));
    await assertRejects(
      () => run(false, { [shape]: NAME }),
      Error,
      "or open the engine with halfPrecision",
    );
  },
);
