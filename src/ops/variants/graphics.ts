/**
 * Kernels for adapters that run many invocations at once, GPUs: of each convolution the one that keeps them busy. No
 * processor computes by their rules.
 *
 * @module
 */
import type { DeviceTraits, KernelSet } from "../../ir/lowering.ts";
import { correlateSlices } from "./correlate_slices.ts";
import { correlateTiles } from "./correlate_tiles.ts";
import { type CorrelationShape, is3x3 } from "./correlation_shape.ts";
import { filterGradientPairs } from "./filter_gradient_pairs.ts";
import { type FilterGradientShape, isRow3 } from "./filter_gradient_shape.ts";
import { invocationTime } from "./invocation_time.ts";
import { productShared, wantedOf } from "./product_shared.ts";
import type { ProductShape } from "./product_shape.ts";
import { inParts } from "./split_variant.ts";

const CONVOLUTIONS = /* @__PURE__ */ [correlateTiles, correlateSlices].flat();

/** All kernels for GPUs; one more is one file and one line. */
export const graphics: KernelSet = {
  name: "graphics",
  operations: {
    "convolution": { variants: CONVOLUTIONS, rule: convolution },
    "filter gradient": {
      variants: inParts(filterGradientPairs),
      rule: (s: FilterGradientShape, { costs }) =>
        costs.occupancy && isRow3(s) ? filterGradientPairs.name : undefined,
    },
    "matrix product": { variants: inParts(productShared), rule: product },
  },
};

/** The fastest by what its invocations do; the first of equal ones, which has fewer of them. */
function convolution(s: CorrelationShape, traits: DeviceTraits): string | undefined {
  if (!is3x3(s) || !traits.costs.occupancy) return undefined;
  const times = CONVOLUTIONS.filter((variant) => variant.fits(s, traits))
    .map(({ name, work }) => ({ name, time: invocationTime(work(s), traits.costs) }));
  return times.reduce((best, next) => next.time < best.time ? next : best).name;
}

/** Tiles of workgroup memory, where most of what they multiply is wanted. */
function product(shape: ProductShape, traits: DeviceTraits): string | undefined {
  return traits.costs.occupancy && productShared.fits(shape, traits) && wantedOf(shape) >= 1 / 2
    ? productShared.name
    : undefined;
}
