/**
 * The filter gradient of a convolution as kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { LANES, usesLanes } from "../kernel_grid.ts";
import { filterGradient3x3 } from "./filter_gradient_3x3.ts";
import { filterGradientAny } from "./filter_gradient_any.ts";
import { filterGradientLanes } from "./filter_gradient_lanes.ts";
import { type FilterGradientShape, filterSize } from "./filter_gradient_shape.ts";
import { inParts, type KernelOperation } from "./kernel_variant.ts";

/** All kernels of the filter gradient; one more is one file and one line. */
export const filterGradient: KernelOperation<FilterGradientShape> = {
  name: "filter gradient",
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
  ],
  variants: /* @__PURE__ */ [
    /* @__PURE__ */ inParts(filterGradientAny),
    /* @__PURE__ */ inParts(filterGradient3x3),
    /* @__PURE__ */ inParts(filterGradientLanes),
  ].flat(),
  rule,
  sizes: (s) => ({
    operands: [
      4 * s.batch * s.images * s.height * s.width * s.in4,
      4 * s.batch * s.images * s.outHeight * s.outWidth * s.out4,
    ],
    result: filterSize(s),
  }),
  flops: (s) => 2 * filterSize(s) * s.images * s.outHeight * s.outWidth,
  element,
};

function rule(s: FilterGradientShape, traits: DeviceTraits): string {
  if (!filterGradient3x3.fits(s, traits)) return filterGradientAny.name;
  return usesLanes(traits) && 2 * s.out4 > LANES
    ? filterGradientLanes.name
    : filterGradient3x3.name;
}

function element(
  s: FilterGradientShape,
  [x, dy]: readonly [ArrayLike<number>, ArrayLike<number>],
  at: number,
): number {
  const [ins, outs] = [4 * s.in4, 4 * s.out4];
  const o = at % outs;
  const c = Math.floor(at / outs) % ins;
  const v = Math.floor(at / (outs * ins)) % s.kernelWidth;
  const u = Math.floor(at / (outs * ins * s.kernelWidth)) % s.kernelHeight;
  const b = Math.floor(at / (outs * ins * s.kernelWidth * s.kernelHeight));
  let sum = 0;
  for (let image = b * s.images; image < (b + 1) * s.images; image++) {
    for (let oy = 0; oy < s.outHeight; oy++) {
      const iy = oy * s.strideY + u - s.padTop;
      if (iy < 0 || iy >= s.height) continue;
      for (let ox = 0; ox < s.outWidth; ox++) {
        const ix = ox * s.strideX + v - s.padLeft;
        if (ix < 0 || ix >= s.width) continue;
        sum += x[((image * s.height + iy) * s.width + ix) * ins + c]! *
          dy[((image * s.outHeight + oy) * s.outWidth + ox) * outs + o]!;
      }
    }
  }
  return sum;
}
