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
import { invocationTime } from "./invocation_time.ts";

const VARIANTS = /* @__PURE__ */ [correlateTiles, correlateSlices].flat();

/** All kernels for GPUs; one more is one file and one line. */
export const graphics: KernelSet = {
  name: "graphics",
  operations: { "convolution": { variants: VARIANTS, rule: convolution } },
};

/** The fastest by what its invocations do; the first of equal ones, which has fewer of them. */
function convolution(s: CorrelationShape, traits: DeviceTraits): string | undefined {
  if (!is3x3(s) || !traits.costs.occupancy) return undefined;
  const times = VARIANTS.filter((variant) => variant.fits(s, traits))
    .map(({ name, work }) => ({ name, time: invocationTime(work(s), traits.costs) }));
  return times.reduce((best, next) => next.time < best.time ? next : best).name;
}
