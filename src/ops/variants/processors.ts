/**
 * Kernels for adapters whose loads are dear, processors: an invocation keeps a large tile in registers, and the lanes
 * of a subgroup give each other what each has loaded. They are half of all WGSL, and no GPU computes by their rules:
 * only software adapters load them, and who measures them.
 *
 * @module
 */
import type { DeviceTraits, KernelSet } from "../../ir/lowering.ts";
import { ceilDivide, LANES, usesLanes } from "../kernel_grid.ts";
import { correlate3x3 } from "./correlate_3x3.ts";
import { correlateLaneChannels } from "./correlate_lane_channels.ts";
import { correlateLaneStrips } from "./correlate_lane_strips.ts";
import { correlateLaneTiles } from "./correlate_lane_tiles.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import { filterGradient3x3 } from "./filter_gradient_3x3.ts";
import { filterGradientLaneStrips } from "./filter_gradient_lane_strips.ts";
import { filterGradientLanes } from "./filter_gradient_lanes.ts";
import { type FilterGradientShape, isRow3 } from "./filter_gradient_shape.ts";
import { productLanes } from "./product_lanes.ts";
import { hasVectors, type ProductShape } from "./product_shape.ts";
import { productVectors } from "./product_vectors.ts";
import { inParts } from "./split_variant.ts";
import { divide, prefersStrips } from "./strips.ts";

/** All kernels for processors; one more is one file and one line. */
export const processors: KernelSet = {
  name: "processors",
  operations: {
    "convolution": {
      variants: [correlate3x3, correlateLaneChannels, correlateLaneTiles, correlateLaneStrips],
      rule: convolution,
    },
    "filter gradient": {
      variants: [filterGradient3x3, filterGradientLanes, filterGradientLaneStrips].flatMap(inParts),
      rule: filterGradient,
    },
    "matrix product": {
      variants: [productVectors, productLanes].flatMap(inParts),
      rule: product,
    },
  },
};

function convolution(s: CorrelationShape, traits: DeviceTraits): string | undefined {
  if (!is3x3(s)) return undefined;
  if (!usesLanes(traits)) return traits.costs.occupancy ? undefined : correlate3x3.name;
  const few = ceilDivide(s.outWidth, 4) * ceilDivide(s.outHeight, 4);
  const many = 4 * ceilDivide(s.outWidth, 8) * ceilDivide(s.outHeight, 8);
  // Of few channels a strip takes half the time for a pixel.
  const strips = divide(s.outWidth, s.outHeight);
  if (correlateLaneStrips.fits(s, traits) && prefersStrips(s, strips, 2 * 16 * few)) {
    return correlateLaneStrips.name;
  }
  // Sharing pixels is half as fast again, but wastes parts of larger tiles and of 32 channels.
  const wide = 2 * many * fillUp(s.out4, LANES) <= 3 * few * fillUp(s.out4, 2);
  return wide ? correlateLaneChannels.name : correlateLaneTiles.name;
}

function filterGradient(s: FilterGradientShape, traits: DeviceTraits): string | undefined {
  if (!isRow3(s)) return undefined;
  if (!usesLanes(traits)) return traits.costs.occupancy ? undefined : filterGradient3x3.name;
  if (2 * s.out4 > LANES) return filterGradientLanes.name;
  // Of few channels a strip takes a third of the time for a pixel.
  const strips = divide(s.outHeight, s.outWidth);
  const pixels = s.outHeight * s.outWidth;
  return filterGradientLaneStrips.fits(s, traits) && prefersStrips(s, strips, 3 * pixels)
    ? filterGradientLaneStrips.name
    : filterGradient3x3.name;
}

function product(shape: ProductShape, traits: DeviceTraits): string | undefined {
  // Of a few columns a tile would be mostly empty.
  if (!hasVectors(shape) || shape.columns < 8) return undefined;
  const wide = shape.rows >= 16 && shape.columns >= 32;
  if (wide && usesLanes(traits)) return productLanes.name;
  return traits.costs.occupancy ? undefined : productVectors.name;
}

/** `count` rounded up to a multiple of `unit`. */
function fillUp(count: number, unit: number): number {
  return unit * ceilDivide(count, unit);
}
