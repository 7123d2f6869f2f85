/**
 * Elements moved by the host: the wasm backend is slow where it moves few neighbours at a time.
 *
 * @module
 */
import { type Shape, sizeOf } from "../ir/aval.ts";
import type { Tf, TfTensor } from "./load.ts";

/** Where an array's elements are in another: `i` at `offset + sum(i * strides)`. */
export interface View {
  /** Place of the first element. */
  readonly offset: number;
  /** Places between neighbours along each axis; 0 where elements repeat. */
  readonly strides: readonly number[];
}

/** Neighbours that the backend moves at a time as fast as the host. */
const FEW = 64;

/** Whether the host moves elements faster, `run` neighbours at a time. */
export function movesFew(run: number): boolean {
  return run < FEW;
}

/**
 * A view of a tensor, made by the host.
 *
 * @param tf The module.
 * @param x Numbers, not booleans.
 * @param shape Shape of the view.
 * @param view Where its elements are in `x`.
 * @returns A new tensor.
 */
export function viewOnHost(tf: Tf, x: TfTensor, shape: Shape, view: View): TfTensor {
  const source = x.dataSync<"float32">();
  const target = new (source.constructor as Float32ArrayConstructor)(sizeOf(shape));
  copyView(source, target, shape, view);
  return tf.tensor(target, [...shape], x.dtype);
}

/** Copies a view of `source` to `target`, which has its shape; `copyStrided` makes float64 of floats. */
function copyView(
  source: Float32Array,
  target: Float32Array,
  shape: Shape,
  { offset, strides }: View,
): void {
  const inner = shape.length - 1;
  const length = shape[inner] ?? 1;
  const step = strides[inner] ?? 0;
  const counter = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < target.length; to += length) {
    for (let k = 0; k < length; k++) target[to + k] = source[from + k * step]!;
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++counter[axis]! < shape[axis]!) break;
      from -= counter[axis]! * strides[axis]!;
      counter[axis] = 0;
    }
  }
}

/**
 * Arrays of few columns behind each other, `[rows, columns]` each.
 *
 * @param tf The module.
 * @param parts The arrays, of one type.
 * @returns `[rows, sum of columns]`.
 */
export function concatOnHost(tf: Tf, parts: readonly TfTensor[]): TfTensor {
  const [rows] = parts[0]!.shape as [number];
  const widths = parts.map(({ shape }) => shape[1]!);
  const width = widths.reduce((a, b) => a + b, 0);
  const sources = parts.map((part) => part.dataSync<"float32">());
  const target = new (sources[0]!.constructor as Float32ArrayConstructor)(rows * width);
  let first = 0;
  sources.forEach((source, k) => {
    const columns = widths[k]!;
    for (let row = 0, from = 0; row < rows; row++) {
      for (let c = 0, to = row * width + first; c < columns; c++) target[to++] = source[from++]!;
    }
    first += columns;
  });
  return tf.tensor(target, [rows, width], parts[0]!.dtype);
}
