/**
 * Sums and maxima by the pooling of TensorFlow.js, on wasm the fastest of its reductions.
 *
 * Its average is a sum times a power of 2 where a window has so many elements: exact. Pooling loses NaN: an average
 * of them is negative infinity there, so that a sum of results tells whether there was one.
 *
 * @module
 */
import type { Tensor4D } from "@tensorflow/tfjs";
import { type Shape, sizeOf } from "../ir/aval.ts";
import type { Tf, TfTensor } from "./load.ts";

/** Elements from which on pooling is worth its calls. */
const LEAST = 4096;

/** Channels from which on pooling is faster than the sum of neighbours. */
const FEWEST_CHANNELS = 4;

/**
 * Most channels: averages of large windows keep as many partial sums on wasm's stack, and write beyond it from
 * 64 KiB on (TensorFlow.js 4.22).
 */
const MOST_CHANNELS = 1024;

/** Most elements of a window that are summed one after the other. */
const LONGEST = 256;

/** An array as images `[number, rows, columns, channels]`, taken apart into windows. */
interface Windows {
  readonly image: [number, number, number, number];
  readonly window: [number, number];
}

/**
 * One or two reduced axes as sides of windows.
 *
 * @param shape Shape without neighbouring axes that are both reduced or both kept.
 * @param axes The reduced axes.
 */
function windowsOf(shape: Shape, axes: readonly number[]): Windows | undefined {
  const [first, second] = axes;
  if (first === undefined || axes.length > 2 || sizeOf(shape) < LEAST) return undefined;
  const before = sizeOf(shape.slice(0, first));
  const rows = shape[first]!;
  const channels = sizeOf(shape.slice((second ?? first) + 1));
  if (channels > MOST_CHANNELS) return undefined;
  if (second === undefined) return { image: [before, rows, 1, channels], window: [rows, 1] };
  const columns = shape[second]!;
  const between = sizeOf(shape.slice(first + 1, second));
  return { image: [before, rows, between * columns, channels], window: [rows, columns] };
}

/** The largest power of 2 that divides a count, and is no longer than a window should be. */
function wholeWindow(count: number): number {
  let window = 1;
  while (window < LONGEST && count % (2 * window) === 0) window *= 2;
  return window;
}

/**
 * Sums over one axis or two.
 *
 * @param tf The module.
 * @param x The array, without neighbouring axes that are both summed or both kept.
 * @param axes The axes.
 * @returns The sums, which keep extents of 1, or of a part of a single axis of `x` that is left to be summed;
 *   `undefined` if pooling cannot tell them, or is not worth it.
 */
export function pooledSum(tf: Tf, x: TfTensor, axes: readonly number[]): TfTensor | undefined {
  const windows = windowsOf(x.shape, axes);
  if (!windows) return undefined;
  const { image, window } = windows;
  const count = window[0] * window[1];
  const whole = wholeWindow(count);
  if (whole === 1 || (axes.length > 1 && whole !== count)) return undefined;
  const [before, rows, , inner] = image;
  const rest = rows / whole;
  // Rows apart from each other are summed, many neighbours at a time.
  let apart = 1;
  while (rest % (2 * apart) === 0 && 2 * apart * inner <= MOST_CHANNELS) apart *= 2;
  if (axes.length === 1 && apart * inner < FEWEST_CHANNELS) return undefined;
  const means = axes.length === 1
    ? pooled(tf, "avgPool", x, {
      image: [before * rest / apart, whole, 1, apart * inner],
      window: [whole, 1],
    })
    : pooled(tf, "avgPool", x, windows);
  if (!Number.isFinite(tf.sum(means).dataSync()[0])) return undefined;
  const shape = x.shape.map((extent, axis) => axes.includes(axis) ? 1 : extent);
  if (axes.length === 1) shape[axes[0]!] = rest;
  return tf.mul(means, tf.scalar(whole)).reshape(shape);
}

/**
 * Whether all elements are finite and their sum is, too.
 *
 * @param tf The module.
 * @param x The array.
 */
export function isFiniteInAll(tf: Tf, x: TfTensor): boolean {
  const whole = wholeWindow(x.size);
  const part = pooledSum(tf, x.reshape([whole, x.size / whole]), [0]) ?? x;
  return Number.isFinite(tf.sum(part).dataSync()[0]);
}

/**
 * The largest elements over one axis or two.
 *
 * @param tf The module.
 * @param x Finite elements, without neighbouring axes that are both reduced or both kept.
 * @param axes The axes.
 * @returns They, flat; `undefined` if pooling is not worth it.
 */
export function pooledMax(tf: Tf, x: TfTensor, axes: readonly number[]): TfTensor | undefined {
  const windows = windowsOf(x.shape, axes);
  if (!windows || !isFiniteInAll(tf, x)) return undefined;
  return pooled(tf, "maxPool", x, windows).flatten();
}

function pooled(
  tf: Tf,
  by: "avgPool" | "maxPool",
  x: TfTensor,
  { image, window }: Windows,
): TfTensor {
  return tf[by](x.reshape(image) as Tensor4D, window, window, "valid");
}
