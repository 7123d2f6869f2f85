import type { Tensor } from "../../ir/tensor.ts";
import {
  abs,
  add,
  clip,
  matmul,
  mul,
  range,
  relu,
  reshape,
  sub,
  transpose,
} from "../../tensor/mod.ts";
import { extentsOf } from "./augment.ts";

/**
 * Resamples images along height and width, by one matrix product each.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param weights `rows` `[n, outHeight, height]` and `columns` `[n, outWidth, width]`: how much of
 *   each old row (column) goes into each new one.
 * @returns Images `[n, outHeight, outWidth, channels]`.
 */
export function resample(
  images: Tensor,
  { rows, columns }: { readonly rows: Tensor; readonly columns: Tensor },
): Tensor {
  const { n, height, width, channels } = extentsOf("resample", images);
  const [outHeight, outWidth] = [rows.shape[1]!, columns.shape[1]!];
  const tall = matmul(rows, reshape(images, [n, height, width * channels]));
  const turned = transpose(reshape(tall, [n, outHeight, width, channels]), [0, 2, 1, 3]);
  const wide = matmul(columns, reshape(turned, [n, width, outHeight * channels]));
  return transpose(reshape(wide, [n, outWidth, outHeight, channels]), [0, 2, 1, 3]);
}

/**
 * Weights of linear interpolation between pixel centres.
 *
 * @param size Number of old pixels.
 * @param window First edge `start` and `extent` of the sampled interval, as fractions `[n]` of the
 *   old size, and the number of new pixels `count`.
 * @returns Weights `[n, count, size]`; every row adds up to 1. Beyond the outermost pixel centres
 *   their values continue.
 */
export function interpolationWeights(
  size: number,
  { start, extent, count }: {
    readonly start: Tensor;
    readonly extent: Tensor;
    readonly count: number;
  },
): Tensor {
  const n = start.shape[0]!;
  const centres = mul(add(range(count, "f32"), 0.5), 1 / count);
  const fractions = add(
    reshape(start, [n, 1, 1]),
    mul(reshape(extent, [n, 1, 1]), reshape(centres, [count, 1])),
  );
  const positions = clip(sub(mul(fractions, size), 0.5), { low: 0, high: size - 1 });
  return relu(sub(1, abs(sub(positions, range(size, "f32")))));
}
