/**
 * Strips of eight columns or rows, into which kernels divide images whose lanes keep all weights of a channel.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { ceilDivide, LANES } from "../kernel_grid.ts";
import type { ConvolutionShape } from "./convolution_shape.ts";

/** Most pixels along a strip: the weights are loaded once for them, and two pixels more are computed. */
const LONGEST = 64;

/** Vectors of four channels that are few: a lane has 36 weights of each that is read. */
const FEW = 4;

/** How the result of a convolution is divided. */
export interface Strips {
  /** Strips side by side, of eight pixels. */
  readonly across: number;
  /** Strips one after the other. */
  readonly along: number;
  /** Pixels along a strip; the last has perhaps fewer. */
  readonly length: number;
}

/** Whether kernels of strips can compute a shape on an adapter. */
export function fitsStrips(s: ConvolutionShape, { subgroupLanes }: DeviceTraits): boolean {
  return s.kernelHeight === 3 && s.kernelWidth === 3 && s.strideY === 1 && s.strideX === 1 &&
    s.in4 <= FEW && subgroupLanes >= LANES;
}

/** Divides pixels, so many side by side and so many one after the other, into strips of about the same length. */
export function divide(across: number, along: number): Strips {
  const strips = ceilDivide(along, LONGEST);
  return { across: ceilDivide(across, LANES), along: strips, length: ceilDivide(along, strips) };
}

/**
 * Whether strips are the fastest: the channels are few, those of the images or those of both, and not much is computed
 * for nothing, as eight pixels side by side are, and two more along the strip.
 *
 * @param s The shape
 * @param strips How it is divided
 * @param most Pixels of an image that strips compute in the time of another kernel
 * @returns `true` if they are
 */
export function prefersStrips(s: ConvolutionShape, strips: Strips, most: number): boolean {
  const { across, along, length } = strips;
  return (s.in4 === 1 || s.out4 <= FEW) && across * LANES * along * (length + 2) <= most;
}
