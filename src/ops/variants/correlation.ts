/**
 * The convolution of images with filters as kernels see it: forward, or the input gradient at stride 1.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { ceilDivide, LANES, usesLanes } from "../kernel_grid.ts";
import { correlateAny } from "./correlate_any.ts";
import { correlate3x3 } from "./correlate_3x3.ts";
import { correlateLaneChannels } from "./correlate_lane_channels.ts";
import { correlateLaneTiles } from "./correlate_lane_tiles.ts";
import { correlateSlices } from "./correlate_slices.ts";
import type { CorrelationShape } from "./correlation_shape.ts";
import type { KernelOperation } from "./kernel_variant.ts";

/** All kernels of the convolution; one more is one file and one line. */
export const correlation: KernelOperation<CorrelationShape> = {
  name: "convolution",
  fields: [
    "batch",
    "images",
    "height",
    "width",
    "in4",
    "outHeight",
    "outWidth",
    "out4",
    "kernelHeight",
    "kernelWidth",
    "strideY",
    "strideX",
    "padTop",
    "padLeft",
    "transposed",
  ],
  variants: /* @__PURE__ */ [
    correlateAny,
    correlate3x3,
    correlateLaneChannels,
    correlateLaneTiles,
    correlateSlices,
  ].flat(),
  rule,
  sizes: (s) => ({
    operands: [
      4 * s.batch * s.images * s.height * s.width * s.in4,
      16 * s.batch * s.kernelHeight * s.kernelWidth * s.in4 * s.out4,
    ],
    result: 4 * s.batch * s.images * s.outHeight * s.outWidth * s.out4,
  }),
  flops: (s) =>
    32 * s.batch * s.images * s.outHeight * s.outWidth * s.out4 * s.in4 * s.kernelHeight *
    s.kernelWidth,
  element,
};

function rule(s: CorrelationShape, traits: DeviceTraits): string {
  if (!correlate3x3.fits(s, traits)) return correlateAny.name;
  if (!usesLanes(traits)) return correlate3x3.name;
  const few = ceilDivide(s.outWidth, 4) * ceilDivide(s.outHeight, 4);
  const many = 4 * ceilDivide(s.outWidth, 8) * ceilDivide(s.outHeight, 8);
  // Sharing pixels is half as fast again, but wastes parts of larger tiles and of 32 channels.
  const wide = 2 * many * fillUp(s.out4, LANES) <= 3 * few * fillUp(s.out4, 2);
  return wide ? correlateLaneChannels.name : correlateLaneTiles.name;
}

/** `count` rounded up to a multiple of `unit`. */
function fillUp(count: number, unit: number): number {
  return unit * ceilDivide(count, unit);
}

function element(
  s: CorrelationShape,
  [x, w]: readonly [ArrayLike<number>, ArrayLike<number>],
  at: number,
): number {
  const [ins, outs] = [4 * s.in4, 4 * s.out4];
  const o = at % outs;
  const ox = Math.floor(at / outs) % s.outWidth;
  const oy = Math.floor(at / (outs * s.outWidth)) % s.outHeight;
  const image = Math.floor(at / (outs * s.outWidth * s.outHeight));
  const b = Math.floor(image / s.images);
  const taps = s.kernelHeight * s.kernelWidth;
  let sum = 0;
  for (let tap = 0; tap < taps; tap++) {
    const iy = oy * s.strideY + Math.floor(tap / s.kernelWidth) - s.padTop;
    const ix = ox * s.strideX + tap % s.kernelWidth - s.padLeft;
    if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
    const pixel = ((image * s.height + iy) * s.width + ix) * ins;
    for (let c = 0; c < ins; c++) {
      const weight = s.transposed
        ? ((b * taps + taps - 1 - tap) * outs + o) * ins + c
        : ((b * taps + tap) * ins + c) * outs + o;
      sum += x[pixel + c]! * w[weight]!;
    }
  }
  return sum;
}
