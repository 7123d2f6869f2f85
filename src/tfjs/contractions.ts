/**
 * Matrix products and convolutions on TensorFlow.js.
 *
 * The wasm backend has one fast convolution, the forward one, and one fast matrix product, the one
 * without transpositions; the others are written with these.
 *
 * @module
 */
import type { Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import { sizeOf } from "../ir/aval.ts";
import { copyStrided } from "../ir/nd_array.ts";
import type { Node } from "../ir/tensor.ts";
import type { Conv2dParams } from "../ops/conv2d.ts";
import type { MatmulParams } from "../ops/matmul.ts";
import { whole } from "./held.ts";
import type { Implementation } from "./implementation.ts";
import type { Tf, TfTensor } from "./load.ts";
import { dilate } from "./structural.ts";

function contraction<P>(
  run: (tf: Tf, params: P, operands: readonly [TfTensor, TfTensor], node: Node) => TfTensor,
): Implementation {
  return {
    dtypes: ["f32"],
    run: (tf, node, [a, b]) => run(tf, node.params as P, [whole(tf, a!), whole(tf, b!)], node),
  };
}

/** Matrices with the batch axes merged into one, not transposed. */
function matrices(tf: Tf, x: TfTensor, transpose: boolean): Tensor3D {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const flat = x.reshape([sizeOf(x.shape.slice(0, -2)), rows, columns]);
  return (transpose ? tf.transpose(flat, [0, 2, 1]) : flat) as Tensor3D;
}

/** Runs a convolution for every filter set and puts the results behind each other. */
function eachSet(
  tf: Tf,
  [a, b]: readonly [TfTensor, TfTensor],
  run: (a: Tensor4D, b: Tensor4D) => TfTensor,
): TfTensor {
  const sets = a.shape[0]!;
  const part = (x: TfTensor, set: number): Tensor4D => {
    const shape = x.shape.slice(1) as [number, number, number, number];
    if (sets === 1) return x.reshape(shape);
    const size = sizeOf(shape);
    return tf.slice(x.flatten(), [set * size], [size]).reshape(shape);
  };
  const results = Array.from({ length: sets }, (_, set) => run(part(a, set), part(b, set)));
  const [first] = results as [TfTensor];
  return tf.concat(results.map((result) => result.reshape([1, result.size])), 0)
    .reshape([sets, ...first.shape]);
}

/** Zeros around height and width; a negative number of them takes elements away. */
function framed(
  tf: Tf,
  x: Tensor4D,
  [top, left, bottom, right]: readonly [number, number, number, number],
): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const size: [number, number, number, number] = [
    n,
    height + Math.min(top, 0) + Math.min(bottom, 0),
    width + Math.min(left, 0) + Math.min(right, 0),
    channels,
  ];
  const inside = size[1] === height && size[2] === width
    ? x
    : tf.slice(x, [0, Math.max(-top, 0), Math.max(-left, 0), 0], size);
  const zeros = [top, left, bottom, right].map((count) => Math.max(count, 0));
  if (zeros.every((count) => count === 0)) return inside;
  return tf.pad(inside, [[0, 0], [zeros[0]!, zeros[2]!], [zeros[1]!, zeros[3]!], [0, 0]]);
}

/** Whether the backend itself pads by this much; it may not by a whole window or more. */
function padsItself({ kernel, padding: [top, left, bottom, right] }: Conv2dParams): boolean {
  return Math.max(top, bottom) < kernel[0] && Math.max(left, right) < kernel[1];
}

function forward(tf: Tf, params: Conv2dParams, [x, w]: readonly [Tensor4D, Tensor4D]): TfTensor {
  const [top, left, bottom, right] = params.padding;
  const stride = [...params.stride] as [number, number];
  if (!padsItself(params)) return tf.conv2d(framed(tf, x, params.padding), w, stride, "valid");
  return tf.conv2d(x, w, stride, [[0, 0], [top, bottom], [left, right], [0, 0]]);
}

/** The cotangent with `stride - 1` zeros between its elements. */
function dilated(tf: Tf, { stride }: Conv2dParams, dy: TfTensor): Tensor4D {
  const high = dilate(tf, dy, { axis: 1, zeros: stride[0] - 1 });
  return dilate(tf, high, { axis: 2, zeros: stride[1] - 1 }) as Tensor4D;
}

/**
 * Filters turned by 180 degrees, with in and out channels exchanged. They are few numbers, and the
 * host moves them several times faster than the backend.
 */
function turned(tf: Tf, w: Tensor4D): Tensor4D {
  const [height, width, inChannels, outChannels] = w.shape;
  const shape: [number, number, number, number] = [height, width, outChannels, inChannels];
  const tap = inChannels * outChannels;
  const source = { shape: w.shape, dtype: "f32", data: w.dataSync() as never } as const;
  const { data } = copyStrided(source, shape, {
    offset: (height * width - 1) * tap,
    strides: [-width * tap, -tap, 1, outChannels],
  });
  return tf.tensor4d(Float32Array.from(data), shape);
}

/** `dx = conv(dilated dy, filters turned by 180 degrees, in and out channels exchanged)`. */
function inputGrad(tf: Tf, params: Conv2dParams, [w, dy]: readonly [Tensor4D, Tensor4D]): TfTensor {
  const { input, kernel, padding: [top, left] } = params;
  const wide = dilated(tf, params, dy);
  const [before, across] = [kernel[0] - 1 - top, kernel[1] - 1 - left];
  const framing = [
    before,
    across,
    input[0] + kernel[0] - 1 - wide.shape[1] - before,
    input[1] + kernel[1] - 1 - wide.shape[2] - across,
  ] as const;
  const filters = turned(tf, w);
  const ready = { ...params, stride: [1, 1], padding: framing } as const;
  return Math.min(...framing) < 0 || !padsItself(ready)
    ? tf.conv2d(framed(tf, wide, framing), filters, 1, "valid")
    : forward(tf, ready, [wide, filters]);
}

/**
 * `dw = conv(x with channels as images, dilated dy as filters)`: images and channels exchange their
 * roles, and the sum over positions is the window's.
 */
function filterGrad(
  tf: Tf,
  params: Conv2dParams,
  [x, dy]: readonly [Tensor4D, Tensor4D],
): TfTensor {
  const { kernel, padding: [top, left], input } = params;
  const window = dilated(tf, params, dy);
  // Rows and columns beyond the last window do not take part.
  const bottom = window.shape[1] + kernel[0] - 1 - input[0] - top;
  const right = window.shape[2] + kernel[1] - 1 - input[1] - left;
  const framing = [top, left, bottom, right] as const;
  const images = tf.transpose(x, [3, 1, 2, 0]) as Tensor4D;
  const filters = tf.transpose(window, [1, 2, 0, 3]) as Tensor4D;
  const ready = {
    ...params,
    kernel: [window.shape[1], window.shape[2]],
    stride: [1, 1],
    padding: framing,
  } as const;
  const result = Math.min(...framing) < 0
    ? tf.conv2d(framed(tf, images, framing), filters, 1, "valid")
    : forward(tf, ready, [images, filters]);
  return tf.transpose(result, [1, 2, 0, 3]);
}

/** Matrix products and convolutions by name. */
export const contractionImplementations: Readonly<Record<string, Implementation>> = {
  matmul: contraction((tf, { transposeA, transposeB }: MatmulParams, [a, b], { outputs }) =>
    tf.matMul(matrices(tf, a, transposeA), matrices(tf, b, transposeB))
      .reshape([...outputs[0]!.shape])
  ),
  conv2d: contraction((tf, params: Conv2dParams, operands) =>
    eachSet(tf, operands, (x, w) => forward(tf, params, [x, w]))
  ),
  conv2d_input_grad: contraction((tf, params: Conv2dParams, operands) =>
    eachSet(tf, operands, (w, dy) => inputGrad(tf, params, [w, dy]))
  ),
  conv2d_filter_grad: contraction((tf, params: Conv2dParams, operands) =>
    eachSet(tf, operands, (x, dy) => filterGrad(tf, params, [x, dy]))
  ),
};
