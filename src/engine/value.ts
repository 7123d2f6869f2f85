/**
 * Concrete arrays: numbers on the host, and values that an engine holds.
 *
 * @module
 */
import type { Aval } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import type { Tensor } from "../ir/tensor.ts";

/** An array that an engine holds; it is read with `engine.read`. */
export class Value implements Aval {
  /** Extents of the axes, outermost first. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: Aval["dtype"];
  /** What the engine knows the array by; `undefined` once it is released. */
  handle: unknown;

  /** Made by an engine. */
  constructor(aval: Aval, handle: unknown) {
    this.shape = aval.shape;
    this.dtype = aval.dtype;
    this.handle = handle;
  }
}

/** A tree of tensors with values in place of the tensors. */
export type Concrete<T> = T extends Tensor | Value | HostArray ? Value
  : T extends readonly [] ? []
  : T extends readonly [infer Head, ...infer Tail] ? [Concrete<Head>, ...Concrete<Tail>]
  : T extends readonly (infer Item)[] ? Concrete<Item>[]
  : T extends object ? { [K in keyof T]: Concrete<T[K]> }
  : T;

/** A tree of tensors with values or host arrays in place of the tensors. */
export type Given<T> = T extends Tensor | Value | HostArray ? Value | HostArray
  : T extends readonly [] ? []
  : T extends readonly [infer Head, ...infer Tail] ? [Given<Head>, ...Given<Tail>]
  : T extends readonly (infer Item)[] ? readonly Given<Item>[]
  : T extends object ? { [K in keyof T]: Given<T[K]> }
  : T;

/** A tree of tensors with host arrays in place of the tensors. */
export type OnHost<T> = T extends Tensor | Value | HostArray ? HostArray
  : T extends readonly (infer Item)[] ? OnHost<Item>[]
  : T extends object ? { [K in keyof T]: OnHost<T[K]> }
  : T;
