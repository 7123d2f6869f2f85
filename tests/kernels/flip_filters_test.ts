/** Filters that are flipped before a kernel of an input gradient reads them: what is written, where, and for whom. */
import { assert, assertEquals } from "@std/assert";
import { conv2d_3x3_slices } from "../../kernels/graphics/mod.ts";
import type { BufferSlot, CodedKernelCall, DeviceTraits } from "../../src/ir/lowering.ts";
import { lowerConv2d, lowerConv2dInputGrad } from "../../src/ops/conv2d_lowering.ts";
import type { CorrelationShape } from "../../src/ops/variants/correlation_shape.ts";
import { correlateSlices } from "../../src/ops/variants/correlate_slices.ts";
import { flipFilters } from "../../src/ops/variants/flip_filters.ts";
import { variantCalls } from "../../src/ops/variants/kernel_variant.ts";
import { DISCRETE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";
import { KernelBench, values } from "./fixtures.ts";

/** A transposed convolution of one pixel: by `[batch, kernel height, width, vectors of x, of the result]`. */
function shapeOf(
  [batch, kernelHeight, kernelWidth, in4, out4]: readonly [number, number, number, number, number],
): CorrelationShape {
  return {
    ...{ batch, images: 1, height: 1, width: 1, outHeight: 1, outWidth: 1, in4, out4 },
    ...{ kernelHeight, kernelWidth, strideY: 1, strideX: 1, padTop: 1, padLeft: 1, transposed: 1 },
  };
}

/** What flips the filters of a shape, as calls. */
function callsOf(shape: CorrelationShape, traits: DeviceTraits): CodedKernelCall[] {
  const { elements: _, ...layout } = flipFilters(shape, traits).prepare!;
  const [w, flipped] = [{ kind: "input", index: 0 }, { kind: "output", index: 0 }] as const;
  return [{ ...layout, buffers: [w, flipped], flops: 0 }];
}

webgpuTest("filters are flipped exactly, whatever their size, on short grids too", async (gpu) => {
  const bench = new KernelBench(gpu);
  for (
    const row of [
      [1, 1, 1, 1, 1],
      [2, 3, 3, 1, 2],
      [3, 3, 3, 2, 1],
      [2, 3, 3, 3, 5],
      [1, 3, 3, 8, 8],
      [4, 5, 3, 5, 4],
      [2, 2, 4, 9, 7],
    ] as const
  ) {
    const shape = shapeOf(row);
    const { batch, kernelHeight, kernelWidth, in4, out4 } = shape;
    const [taps, ins, outs] = [kernelHeight * kernelWidth, 4 * in4, 4 * out4];
    const w = values(batch * taps * ins * outs, 7);
    const want = w.slice();
    for (let at = 0; at < w.length; at++) {
      const [c, o] = [at % ins, Math.floor(at / ins) % outs];
      const tap = Math.floor(at / (ins * outs)) % taps;
      const b = Math.floor(at / (ins * outs * taps));
      want[((b * taps + taps - 1 - tap) * ins + c) * outs + o] = w[at]!;
    }
    for (const maxWorkgroupsPerDimension of [65535, 7]) {
      assertEquals(flipFilters(shape, gpu.traits).prepare!.elements, w.length);
      const calls = callsOf(shape, { ...gpu.traits, maxWorkgroupsPerDimension });
      const found = await bench.run({ calls, scratch: [] }, [w], w.length);
      assertEquals(found, want, `[${row}], ${calls[0]!.workgroups}`);
    }
  }
  bench.close();
});

/** Leaves `parts` arrays of which part p is x + (p + 1) w. */
const MULTIPLES = `
override WORKGROUP: u32;
struct Sizes { size: u32, parts: u32, groups_x: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (i >= sizes.size) { return; }
  for (var p = 0u; p < sizes.parts; p++) { y[p * sizes.size + i] = x[i] + f32(p + 1u) * w[i]; }
}`;

webgpuTest(
  "a kernel reads what was prepared in place of its second operand, in parts and in one",
  async (gpu) => {
    const bench = new KernelBench(gpu);
    const shape = shapeOf([1, 1, 1, 2, 3]);
    const size = 16 * shape.in4 * shape.out4;
    const [x, w] = [values(size, 1), values(size, 2)];
    const { prepare } = flipFilters(shape, gpu.traits);
    for (const parts of [1, 3]) {
      for (const prepared of [true, false]) {
        const scratch: number[] = [];
        const overrides = { size, parts, WORKGROUP: 64, groups_x: Math.ceil(size / 64) };
        const calls = variantCalls(
          {
            ...{ kernel: "multiples", code: MULTIPLES, overrides, parts },
            workgroups: [overrides.groups_x, 1, 1],
            ...(prepared && { prepare: prepare! }),
          },
          {
            operands: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }],
            result: { kind: "output", index: 0 },
            ...{ size, flops: 5 },
            allocate: (elements): BufferSlot => ({
              kind: "scratch",
              index: scratch.push(elements) - 1,
            }),
          },
          gpu.traits,
        );
        assertEquals(
          calls.map(({ kernel, flops }) => [kernel, flops]),
          [
            ...(prepared ? [["flip_filters", 0]] : []),
            ["multiples", 5],
            ...(parts > 1 ? [["sum_parts", 0]] : []),
          ],
        );
        assertEquals(scratch, [...(prepared ? [size] : []), ...(parts > 1 ? [size * parts] : [])]);
        const found = await bench.run({ calls, scratch }, [x, w], size);
        const want = x.map((value, at) => {
          const [c, o] = [Math.floor(at / 12), at % 12];
          const weight = prepared ? w[o * 8 + c]! : w[at]!;
          let sum = 0;
          for (let p = 0; p < parts; p++) {
            const product = Math.fround(Math.fround(p + 1) * weight);
            sum = Math.fround(sum + Math.fround(value + product));
          }
          return sum;
        });
        const apart = found.map((value, at) => Math.abs(value - want[at]!));
        assertEquals(apart.filter((error) => error > 1e-6).length, 0, `${parts}, ${prepared}`);
      }
    }
    bench.close();
  },
);

Deno.test("a GPU flips the filters of an input gradient where neighbours would load them from far apart", () => {
  const traits: DeviceTraits = { ...SOFTWARE_TRAITS, costs: DISCRETE_COSTS };
  const kernelsOf = (
    [images, size, inChannels, outChannels]: readonly [number, number, number, number],
    by: Partial<DeviceTraits> = {},
    lower = lowerConv2dInputGrad,
  ): string[] => {
    const geometry = {
      ...{ batch: 4, images, height: size, width: size, inChannels, outChannels },
      ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 },
      ...{ padTop: 1, padLeft: 1, padBottom: 1, padRight: 1 },
    };
    return lower(geometry, { ...traits, ...by }).calls.map(({ kernel, overrides }) =>
      [kernel, overrides["SLICES"], overrides["TRANSPOSED"]].join(" ").trim()
    );
  };
  assertEquals(kernelsOf([75, 16, 32, 32]), ["flip_filters", "conv2d_3x3_tiles"]);
  assertEquals(kernelsOf([75, 8, 32, 32]), ["flip_filters", "conv2d_3x3_slices 1 0"]);
  assertEquals(kernelsOf([5, 32, 32, 16]), ["flip_filters", "conv2d_3x3_slices 1 0"]);
  assertEquals(kernelsOf([5, 16, 32, 16]), ["flip_filters", "conv2d_3x3_slices 2 0"]);
  // Neighbours have neighbouring input channels instead, or the same vector of output channels or two.
  assertEquals(kernelsOf([5, 16, 32, 32]), ["conv2d_3x3_slices 4 1"]);
  assertEquals(kernelsOf([5, 4, 32, 32]), ["conv2d_3x3_slices 8 1"]);
  assertEquals(kernelsOf([5, 16, 4, 4]), ["conv2d_3x3_slices 1 1"]);
  assertEquals(kernelsOf([5, 16, 12, 4]), ["flip_filters", "conv2d_3x3_slices 1 0"]);
  for (const name of ["conv2d_3x3_winograd_2x2", "conv2d_3x3_winograd_4x4", "conv2d_3x3_half"]) {
    const by = { chooseKernel: () => name, halfPrecision: true };
    assertEquals(kernelsOf([5, 16, 32, 32], by), ["flip_filters", name]);
    assertEquals(kernelsOf([5, 16, 32, 32], by, lowerConv2d), [name]);
  }
  // The convolution itself has its filters as they are.
  assertEquals(kernelsOf([75, 16, 32, 32], {}, lowerConv2d), ["conv2d_3x3_tiles"]);
  assertEquals(kernelsOf([75, 8, 32, 32], {}, lowerConv2d), ["conv2d_3x3_slices 1 0"]);
  assertEquals(kernelsOf([5, 16, 32, 32], {}, lowerConv2d), ["conv2d_3x3_slices 4 0"]);
});

/** Writes which slice and which tile each invocation of a workgroup has, as the kernel says it. */
function numbered(): string {
  const [slice, tile] = [/let slice = .*;/, /let tile = .*;/].map((line) =>
    conv2d_3x3_slices.match(line)![0]
  );
  return `
override SLICES: u32;
override TRANSPOSED: u32;
@group(0) @binding(0) var<storage, read_write> y: array<vec2f>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  let here = 64u / SLICES;
  ${slice}
  ${tile}
  y[local] = vec2f(f32(slice), f32(tile));
}`;
}

webgpuTest("eight neighbours load slices of filters from two cache lines or fewer", async (gpu) => {
  const bench = new KernelBench(gpu);
  const traits = { ...gpu.traits, costs: DISCRETE_COSTS };
  for (const [in4, out4] of [[8, 8], [4, 4], [16, 16], [8, 16], [9, 1]] as const) {
    for (const transposed of [0, 1]) {
      for (const { name, fits, plan } of correlateSlices) {
        const shape = { ...shapeOf([1, 3, 3, in4, out4]), images: 64, transposed };
        if (!fits(shape, traits)) continue;
        const { overrides: { SLICES, TRANSPOSED } } = plan(shape, traits);
        const call: CodedKernelCall = {
          ...{ kernel: "numbered", code: numbered(), flops: 0 },
          overrides: { SLICES: SLICES!, TRANSPOSED: TRANSPOSED! },
          buffers: [{ kind: "output", index: 0 }],
          workgroups: [1, 1, 1],
        };
        const found = await bench.run({ calls: [call], scratch: [] }, [], 128);
        for (let first = 0; first < 64; first += 8) {
          const lines = Array.from({ length: 8 }, (_, k) => {
            const [q, o] = [found[2 * (first + k)]!, found[2 * (first + k) + 1]! % out4];
            // Eight vectors are a line of 128 bytes.
            return Math.floor((TRANSPOSED ? 4 * o * in4 + q : 4 * q * out4 + o) / 8);
          });
          const label = `${name}, ${in4} x ${out4} vectors, transposed ${transposed}: ${lines}`;
          assert(new Set(lines).size <= 2, label);
        }
      }
    }
  }
  bench.close();
});
