import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { requireWindows, type Sides, type Size } from "./windows.ts";

/** How a convolution lies on its images, everything resolved. */
export interface ConvGeometry {
  /** Steps along height and width. */
  readonly stride: Size;
  /** Distance of neighbouring taps. */
  readonly dilation: Size;
  /** Zeros around the images. */
  readonly padding: Sides;
  /** Groups of channels. */
  readonly groups: number;
}

/** Words for an error. */
export function inGroups(groups: number): string {
  return groups === 1 ? "" : ` in ${groups} groups`;
}

/** Height and width of images `[n, height, width, channels]`. */
export function sizeOfImages(x: Tensor): Size {
  return [x.shape[1]!, x.shape[2]!];
}

/**
 * Checks the numbers of a convolution.
 *
 * @param attempt What is being done, for the error.
 * @param geometry The numbers.
 * @param channels Channels that must divide into the groups.
 * @throws {RangeError} If one is out of range.
 */
export function requireGeometry(attempt: string, geometry: ConvGeometry, channels: number): void {
  const { stride, dilation, padding, groups } = geometry;
  requireWindows(attempt, { positive: { stride, dilation, groups: [groups] }, padding });
  if (channels % groups !== 0) {
    throw new RangeError(
      `Cannot ${attempt}: found ${channels} channels in ${groups} groups, expected a multiple of the ` +
        `groups.`,
    );
  }
}

/** Filters with zeros between their taps. */
export function spreadFilters(w: Tensor, [vertical, horizontal]: Size): Tensor {
  const none = [0, 0, 0, 0];
  return ops.pad(w, { low: none, high: none, interior: [vertical - 1, horizontal - 1, 0, 0] });
}

/** `[n, height, width, groups * c]` as one filter set's images for each group. */
export function groupImages(x: Tensor, groups: number): Tensor {
  const [n, height, width, channels] = x.shape;
  if (groups === 1) return ops.reshape(x, [1, ...x.shape]);
  const split = ops.reshape(x, [n!, height!, width!, groups, channels! / groups]);
  return ops.permute(split, [3, 0, 1, 2, 4]);
}

/** `[kh, kw, c, groups * d]` as a filter set `[kh, kw, c, d]` for each group. */
export function groupFilters(w: Tensor, groups: number): Tensor {
  const [height, width, inner, outer] = w.shape;
  if (groups === 1) return ops.reshape(w, [1, ...w.shape]);
  const split = ops.reshape(w, [height!, width!, inner!, groups, outer! / groups]);
  return ops.permute(split, [3, 0, 1, 2, 4]);
}

/** Images of filter sets `[groups, n, height, width, c]` side by side in the channels. */
export function ungroupImages(y: Tensor): Tensor {
  const [groups, n, height, width, channels] = y.shape;
  if (groups === 1) return ops.reshape(y, y.shape.slice(1));
  return ops.reshape(ops.permute(y, [1, 2, 3, 0, 4]), [n!, height!, width!, groups! * channels!]);
}
