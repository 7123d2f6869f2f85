/**
 * Arrays that the executor holds: TensorFlow.js tensors, and host arrays where it has no type.
 *
 * @module
 */
import { type Aval, type DType, sameShape, type Shape, sizeOf } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import { copyStrided, type NdArray } from "../ir/nd_array.ts";
import { mergeAxes } from "./axes.ts";
import type { Tf, TfTensor } from "./load.ts";

/**
 * An array of the executor.
 *
 * `f32`, `i32` and `bool` are tensors. A tensor has the rank of the array, and extent 1 along axes
 * along which the array only repeats it: broadcasting costs nothing until someone needs the whole.
 * `u32`, a type that TensorFlow.js does not have, stays on the host, in arrays of the same kind.
 */
export type Held =
  | { readonly kind: "tensor"; readonly aval: Aval; readonly tensor: TfTensor }
  | { readonly kind: "host"; readonly aval: Aval; readonly array: NdArray };

/** Words of 32 bits on the host. */
export type HeldWords = Extract<Held, { readonly kind: "host" }>;

/** Types of TensorFlow.js. */
const tfTypes = { f32: "float32", i32: "int32", bool: "bool" } as const;

/** The TensorFlow.js type of an element type. */
export function tfTypeOf(dtype: DType): "float32" | "int32" | "bool" {
  if (dtype === "u32") throw new TypeError("Cannot make a tensor of u32: it stays on the host.");
  return tfTypes[dtype];
}

/** Holds a tensor; its shape may have extents 1 where the array only repeats. */
export function heldTensor(tensor: TfTensor, { shape, dtype }: Aval): Held {
  return { kind: "tensor", aval: { shape, dtype }, tensor };
}

/** Holds a host array: as a tensor unless it is `u32`. */
export function hold(tf: Tf, { shape, dtype, data }: HostArray | NdArray): Held {
  const aval = { shape, dtype };
  if (dtype === "u32") {
    return { kind: "host", aval, array: { ...aval, data: data.slice() } as NdArray };
  }
  const numbers = dtype === "f32" ? Float32Array.from(data) : data.slice();
  return heldTensor(tf.tensor(numbers as Float32Array, [...shape], tfTypeOf(dtype)), aval);
}

/** The whole of an array as a tensor; new, unless it is held whole already. */
export function whole(tf: Tf, held: Held): TfTensor {
  if (held.kind === "host") {
    throw new TypeError("Cannot hand a u32 array to TensorFlow.js: it has no such type.");
  }
  const { tensor, aval: { shape, dtype } } = held;
  if (sameShape(tensor.shape, shape)) return tensor;
  if (tensor.size === 1 && dtype !== "bool") {
    const [value] = tensor.dataSync();
    return tf.fill([...shape], value!, tfTypeOf(dtype) as "float32" | "int32");
  }
  const { merged: [from, to] } = mergeAxes([tensor.shape, shape]);
  if (to!.length <= 6 && (dtype !== "i32" || areFloats(tensor))) {
    // A product with ones is the fastest way to repeat.
    const source = tf.cast(tf.reshape(tensor, [...from!]), "float32");
    return tf.cast(tf.mul(source, tf.fill([...to!], 1)), tfTypeOf(dtype)).reshape([...shape]);
  }
  const spread = repeat({ shape: from!, dtype, data: tensor.dataSync() } as NdArray, to!);
  // The reference computes f32 in float64, which TensorFlow.js does not take.
  const data = dtype === "f32" ? Float32Array.from(spread.data) : spread.data;
  return tf.tensor(data as Float32Array, [...shape], tfTypeOf(dtype));
}

/** Whether integers are floats, too. */
function areFloats(integers: TfTensor): boolean {
  return integers.dataSync<"int32">().every((value) => Math.abs(value) <= 2 ** 24);
}

function repeat(array: NdArray, shape: Shape): NdArray {
  let stride = sizeOf(array.shape);
  const strides = array.shape.map((extent) => {
    stride /= Math.max(1, extent);
    return extent === 1 ? 0 : stride;
  });
  return copyStrided(array, shape, { offset: 0, strides });
}

/** All of an array of words. */
export function wholeWords({ array, aval: { shape } }: HeldWords): NdArray {
  if (sameShape(array.shape, shape)) return array;
  const { merged: [from, to] } = mergeAxes([array.shape, shape]);
  return { ...repeat({ ...array, shape: from! }, to!), shape };
}

/** An array in the form of the reference interpreter. */
export function toReference(tf: Tf, held: Held): NdArray {
  if (held.kind === "host") return wholeWords(held);
  const { shape, dtype } = held.aval;
  const data = tf.tidy(() => whole(tf, held).dataSync());
  return { shape, dtype, data: dtype === "f32" ? Float64Array.from(data) : data } as NdArray;
}

/** Another tensor of the same numbers; a `clone` would copy them on wasm. */
export function shared(tensor: TfTensor): TfTensor {
  return tensor.reshape(tensor.shape);
}

/** Another hold on the same numbers, which is released on its own. */
export function sharedHold(held: Held): Held {
  return held.kind === "host" ? held : { ...held, tensor: shared(held.tensor) };
}

/** Lets go of an array. */
export function releaseHold(held: Held): void {
  if (held.kind === "tensor") held.tensor.dispose();
}

/** Reads an array. */
export async function readHeld(tf: Tf, held: Held): Promise<HostArray> {
  const { shape, dtype } = held.aval;
  if (held.kind === "host") return { shape, dtype, data: Uint32Array.from(wholeWords(held).data) };
  const full = tf.tidy(() => shared(whole(tf, held)));
  // The cpu backend gives out its own array.
  const data = (await full.data<"float32">()).slice();
  full.dispose();
  return { shape, dtype, data: dtype === "bool" ? Uint8Array.from(data) : data };
}
