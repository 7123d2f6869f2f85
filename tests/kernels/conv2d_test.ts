import { DISCRETE_COSTS, SOFTWARE_COSTS } from "../device_traits.ts";
import { assert, assertEquals } from "@std/assert";
import type { DeviceTraits, KernelLowering } from "../../src/ir/lowering.ts";
import { adapterCosts, builtInProfile } from "../../src/adapter/mod.ts";
import { withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
} from "../../src/ops/conv2d_lowering.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";
import {
  assertClose,
  conv2dReference,
  conv2dSizes,
  filterGradReference,
  inputGradReference,
  KernelBench,
  values,
} from "./fixtures.ts";
import { webgpuTest } from "../webgpu.ts";

/** `[batch, images, height, width, in, out, kernel y, x, stride y, x, pad top, left, bottom, right]` */
type Row = readonly number[];

function geometry(row: Row): Conv2dGeometry {
  const at = (index: number): number => row[index]!;
  return {
    batch: at(0),
    images: at(1),
    height: at(2),
    width: at(3),
    inChannels: at(4),
    outChannels: at(5),
    kernelHeight: at(6),
    kernelWidth: at(7),
    strideY: at(8),
    strideX: at(9),
    padTop: at(10),
    padLeft: at(11),
    padBottom: at(12),
    padRight: at(13),
  };
}

const CASES: readonly Row[] = [
  [1, 2, 8, 8, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1],
  [3, 2, 5, 7, 4, 12, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 1, 9, 6, 12, 4, 3, 3, 1, 1, 0, 0, 0, 0],
  [2, 3, 7, 5, 3, 8, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 2, 6, 7, 5, 10, 3, 3, 1, 1, 0, 2, 1, 0],
  [1, 1, 1, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 1, 3, 65, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 1, 63, 3, 4, 4, 3, 3, 1, 1, 2, 2, 2, 2],
  [1, 1, 4, 4, 64, 8, 3, 3, 1, 1, 1, 1, 1, 1],
  [3, 2, 9, 7, 8, 8, 3, 3, 2, 2, 1, 1, 1, 1],
  [1, 2, 8, 10, 3, 4, 3, 3, 2, 1, 0, 1, 1, 0],
  [1, 2, 6, 6, 8, 12, 1, 1, 1, 1, 0, 0, 0, 0],
  [1, 2, 5, 6, 4, 8, 1, 1, 2, 2, 0, 0, 0, 0],
  [1, 2, 4, 5, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1],
  [2, 1, 9, 9, 7, 5, 5, 5, 1, 1, 2, 2, 2, 2],
  [1, 2, 11, 8, 4, 8, 5, 3, 2, 1, 2, 1, 1, 0],
  [1, 2, 8, 6, 8, 4, 2, 3, 1, 1, 0, 1, 1, 1],
  [1, 1, 10, 10, 4, 4, 4, 2, 2, 2, 1, 0, 1, 0],
  [2, 2, 9, 17, 8, 32, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 2, 8, 8, 32, 28, 3, 3, 1, 1, 1, 1, 1, 1],
  [2, 3, 4, 4, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1],
  [1, 1, 15, 16, 36, 40, 3, 3, 1, 1, 0, 0, 2, 1],
  [1, 3, 7, 8, 5, 64, 3, 3, 1, 1, 2, 0, 0, 2],
  [2, 1, 6, 5, 12, 32, 5, 3, 1, 1, 2, 1, 2, 1],
];

/** Adapters of every kind that these tests can stand for: the traits choose the kernels. */
function adapters(traits: DeviceTraits): readonly DeviceTraits[] {
  return [
    traits,
    { ...traits, costs: SOFTWARE_COSTS, subgroupLanes: 0 },
    { ...traits, costs: DISCRETE_COSTS, subgroupLanes: 0 },
  ];
}

function context(row: Row, { costs, subgroupLanes }: DeviceTraits): string {
  return `[${row}], workgroups of ${costs.tiledWorkgroup}, ${subgroupLanes} lanes`;
}

webgpuTest("lowerConv2d() computes the convolution", async (gpu) => {
  const bench = new KernelBench(gpu);
  for (const row of CASES) {
    const g = geometry(row);
    const sizes = conv2dSizes(g);
    const [x, w] = [values(sizes.x, 1), values(sizes.w, 2)];
    for (const traits of adapters(await withKernelSets(gpu.traits, "all"))) {
      const y = await bench.run(lowerConv2d(g, traits), [x, w], sizes.y);
      assertClose(y, conv2dReference(g, x, w), context(row, traits));
    }
  }
  bench.close();
});

webgpuTest("lowerConv2dInputGrad() computes the gradient of the images", async (gpu) => {
  const bench = new KernelBench(gpu);
  for (const row of CASES) {
    const g = geometry(row);
    const sizes = conv2dSizes(g);
    const [w, dy] = [values(sizes.w, 2), values(sizes.y, 3)];
    for (const traits of adapters(await withKernelSets(gpu.traits, "all"))) {
      const dx = await bench.run(lowerConv2dInputGrad(g, traits), [w, dy], sizes.x);
      assertClose(dx, inputGradReference(g, w, dy), context(row, traits));
    }
  }
  bench.close();
});

webgpuTest("lowerConv2dFilterGrad() computes the gradient of the filters", async (gpu) => {
  const bench = new KernelBench(gpu);
  for (const row of CASES) {
    const g = geometry(row);
    const sizes = conv2dSizes(g);
    const [x, dy] = [values(sizes.x, 1), values(sizes.y, 3)];
    for (const traits of adapters(await withKernelSets(gpu.traits, "all"))) {
      const dw = await bench.run(lowerConv2dFilterGrad(g, traits), [x, dy], sizes.w);
      assertClose(dw, filterGradReference(g, x, dy), context(row, traits));
    }
  }
  bench.close();
});

webgpuTest(
  "the filter gradient sums more pixels than one invocation may loop over",
  async (gpu) => {
    const bench = new KernelBench(gpu);
    for (
      const row of [[1, 80, 32, 32, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1], [
        1,
        80,
        32,
        32,
        4,
        4,
        1,
        1,
        1,
        1,
        0,
        0,
        0,
        0,
      ], [1, 80, 32, 32, 4, 32, 3, 3, 1, 1, 1, 1, 1, 1]]
    ) {
      const g = geometry(row);
      const sizes = conv2dSizes(g);
      const [x, dy] = [values(sizes.x, 1), values(sizes.y, 3)];
      const expected = filterGradReference(g, x, dy);
      for (const each of [{}, { maxStorageBinding: 4096 }]) {
        const traits = { ...await withKernelSets(gpu.traits), ...each };
        const dw = await bench.run(lowerConv2dFilterGrad(g, traits), [x, dy], sizes.w);
        assertClose(dw, expected, `[${row}]`, 2e-5);
      }
    }
    bench.close();
  },
);

webgpuTest("convolutions keep within small workgroup memory and short grids", async (gpu) => {
  const bench = new KernelBench(gpu);
  const g = geometry([4, 3, 9, 9, 20, 8, 3, 3, 1, 1, 1, 1, 1, 1]);
  const sizes = conv2dSizes(g);
  const traits: DeviceTraits = {
    ...await withKernelSets(gpu.traits, "all"),
    ...{ costs: DISCRETE_COSTS, subgroupLanes: 0 },
    maxWorkgroupStorage: 2000,
    maxWorkgroupsPerDimension: 20,
    // Of the kernels that fit, the one that keeps filters in workgroup memory where there is enough of it.
    chooseKernel: (_, names) => names.find((name) => name === "conv2d_3x3"),
  };
  const short: DeviceTraits = { ...traits, maxWorkgroupsPerDimension: 3 };
  const [x, w, dy] = [values(sizes.x, 1), values(sizes.w, 2), values(sizes.y, 3)];
  const forward = lowerConv2d(g, short);
  assertEquals(forward.calls[0]!.overrides["DIRECT"], 1);
  assertEquals(forward.calls[0]!.workgroups, [2, 2, 1]);
  assertClose(await bench.run(forward, [x, w], sizes.y), conv2dReference(g, x, w), "forward");
  const inputGrad = lowerConv2dInputGrad(g, traits);
  assertEquals(inputGrad.calls[0]!.overrides["DIRECT"], 2);
  assertClose(
    await bench.run(inputGrad, [w, dy], sizes.x),
    inputGradReference(g, w, dy),
    "input gradient",
  );
  // The rule has one that needs none.
  const { chooseKernel: _, ...ruled } = short;
  const tiles = lowerConv2d(g, ruled);
  assertEquals(tiles.calls[0]!.kernel, "conv2d_3x3_tiles");
  assertEquals(tiles.calls[0]!.workgroups, [2, 2, 1]);
  assertClose(await bench.run(tiles, [x, w], sizes.y), conv2dReference(g, x, w), "tiles");
  const filterGrad = lowerConv2dFilterGrad(g, traits);
  assert(filterGrad.calls[1]!.workgroups[1] > 1);
  assertClose(
    await bench.run(filterGrad, [x, dy], sizes.w),
    filterGradReference(g, x, dy),
    "filter gradient",
  );
  bench.close();
});

webgpuTest("lanes share loads where subgroups have eight of them or more", async (gpu) => {
  const usual = await withKernelSets(gpu.traits, "all");
  const kernelOf = (row: Row, traits = usual, lower = lowerConv2d): string =>
    lower(geometry(row), traits).calls.findLast(({ kernel }) => kernel.startsWith("conv2d"))!
      .kernel;
  const lanes: DeviceTraits = { ...usual, costs: SOFTWARE_COSTS, subgroupLanes: 8 };
  const square = (
    size: number,
    channels: number,
  ): Row => [4, 5, size, size, 32, channels, 3, 3, 1, 1, 1, 1, 1, 1];
  assertEquals(kernelOf(square(16, 32), lanes), "conv2d_3x3_lane_channels");
  assertEquals(kernelOf(square(4, 32), lanes), "conv2d_3x3_lane_tiles");
  assertEquals(kernelOf(square(16, 8), lanes), "conv2d_3x3_lane_tiles");
  // With few channels a lane has one, unless much of a strip of eight columns would be for nothing.
  const few = (size: number, channels: number): Row => square(size, channels).with(4, channels);
  assertEquals(kernelOf(few(16, 16), lanes), "conv2d_3x3_lane_strips");
  assertEquals(kernelOf(few(8, 3), lanes), "conv2d_3x3_lane_strips");
  assertEquals(kernelOf(square(16, 32).with(4, 3), lanes), "conv2d_3x3_lane_strips");
  assertEquals(kernelOf(few(4, 16), lanes), "conv2d_3x3_lane_tiles");
  assertEquals(kernelOf(few(16, 20), lanes), "conv2d_3x3_lane_channels");
  assertEquals(kernelOf(few(16, 16), { ...lanes, subgroupLanes: 4 }), "conv2d_3x3");
  const discrete = { ...lanes, costs: DISCRETE_COSTS, subgroupLanes: 32 };
  assertEquals(kernelOf(few(16, 16), discrete), "conv2d_3x3_slices");
  const gradientOf = (row: Row, traits = lanes) => kernelOf(row, traits, lowerConv2dFilterGrad);
  assertEquals(gradientOf(few(16, 16)), "conv2d_3x3_lane_strips_filter_gradient");
  assertEquals(gradientOf(few(4, 16)), "conv2d_3x3_lane_strips_filter_gradient");
  assertEquals(gradientOf(few(2, 16)), "conv2d_3x3_filter_gradient");
  assertEquals(gradientOf(square(16, 32)), "conv2d_3x3_lane_filter_gradient");
  assertEquals(
    gradientOf(few(16, 16), { ...lanes, subgroupLanes: 4 }),
    "conv2d_3x3_filter_gradient",
  );
  assertEquals(
    kernelOf(square(16, 32), { ...lanes, subgroupLanes: 16 }),
    "conv2d_3x3_lane_channels",
  );
  assertEquals(kernelOf(square(16, 32), { ...lanes, subgroupLanes: 4 }), "conv2d_3x3");
  // Deno grants subgroups on lavapipe, whose subgroups are as long as its vectors of floats.
  if (gpu.info.description.includes("256 bits")) assertEquals(gpu.traits.subgroupLanes, 8);
});

Deno.test("on a GPU a convolution is divided until it keeps all of it busy", () => {
  const chosen = (row: Row, traits: DeviceTraits): string => {
    const { kernel, overrides } = lowerConv2d(geometry(row), traits).calls[0]!;
    return `${kernel} ${overrides["SLICES"] ?? ""}`.trim();
  };
  const square = (images: number, size: number, channels: number): Row => [
    ...[4, images, size, size, channels, channels],
    ...[3, 3, 1, 1, 1, 1, 1, 1],
  ];
  const discrete = { ...SOFTWARE_TRAITS, costs: DISCRETE_COSTS };
  const integrated = {
    ...SOFTWARE_TRAITS,
    costs: adapterCosts(builtInProfile("integrated")),
  };
  // 2,560 tiles of 2x2 pixels of 4 channels: a fraction of 65,536 invocations with any number of slices.
  assertEquals(chosen(square(5, 8, 32), discrete), "conv2d_3x3_slices 8");
  assertEquals(chosen(square(5, 8, 16), discrete), "conv2d_3x3_slices 4");
  assertEquals(chosen(square(5, 8, 4), discrete), "conv2d_3x3_slices 1");
  // Two steps of one slice take as long as one step of each and adding up.
  assertEquals(chosen(square(5, 8, 8), discrete), "conv2d_3x3_slices 1");
  // Four slices of 10,240 are the most that two fifths of 65,536 take, and those of one of 16,384.
  assertEquals(chosen(square(5, 16, 32), discrete), "conv2d_3x3_slices 4");
  assertEquals(chosen(square(5, 16, 32), integrated), "conv2d_3x3_slices 1");
  const { mapped, reduced, tiled } = DISCRETE_COSTS.busy;
  const busy = { mapped: 2 * mapped, reduced: 2 * reduced, tiled: 2 * tiled };
  const measured = { ...SOFTWARE_TRAITS, costs: { ...DISCRETE_COSTS, busy } };
  assertEquals(chosen(square(5, 16, 32), measured), "conv2d_3x3_slices 4");
  // Where there are tiles of 4x4 pixels enough, these load least.
  assertEquals(chosen(square(75, 32, 32), discrete), "conv2d_3x3_tiles");
  assertEquals(chosen(square(75, 16, 32), integrated), "conv2d_3x3_tiles");
  assertEquals(chosen(square(75, 16, 32).with(6, 5).with(7, 5), discrete), "conv2d");
});

Deno.test("convolution lowerings count their multiply-adds and bound their loops", () => {
  const g = geometry([1, 80, 32, 32, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1]);
  const flops = (lowering: KernelLowering): number =>
    lowering.calls.reduce((sum, call) => sum + call.flops, 0);
  const expected = 2 * 80 * 32 * 32 * 32 * 32 * 9;
  for (const t of adapters({ ...SOFTWARE_TRAITS, subgroupLanes: 8 })) {
    assertEquals(flops(lowerConv2d(g, t)), expected);
    assertEquals(flops(lowerConv2dInputGrad(g, t)), expected);
    const gradient = lowerConv2dFilterGrad(g, t);
    assertEquals(flops(gradient), expected);
    const { part_rows, out_width } = gradient.calls[0]!.overrides;
    assert(part_rows! * (out_width! + 1) < 60_000);
  }
});
