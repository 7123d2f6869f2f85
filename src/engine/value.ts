/**
 * Concrete arrays: numbers on the host, and values that an engine holds.
 *
 * @module
 */
import { type Aval, formatAval } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import { refusal } from "../ir/refusal.ts";
import type { Tensor } from "../ir/tensor.ts";

/** What a value holds on to; it outlives the value by as long as it takes to free the array. */
export interface Hold {
  /** What the backend knows the array by; `undefined` once it is released. */
  handle: unknown;
  /** The backend that has the array, where it is known. */
  readonly owner: object | undefined;
}

/**
 * An array that an engine holds; it is read with `engine.read`.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine, Value } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * using engine = await openEngine("reference");
 * const value = engine.put(hostArray([[1, 2], [3, 4]]));
 * assert(value instanceof Value);
 * assertEquals([value.shape, value.dtype], [[2, 2], "f32"]);
 * ```
 */
export class Value implements Aval {
  /** Extents of the axes, outermost first. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: Aval["dtype"];
  readonly #hold: Hold;

  /** Made by an engine. */
  constructor(aval: Aval, handle: unknown, owner?: object) {
    this.shape = aval.shape;
    this.dtype = aval.dtype;
    this.#hold = { handle, owner };
  }

  /** What the engine knows the array by; `undefined` once it is released. */
  get handle(): unknown {
    return this.#hold.handle;
  }

  set handle(handle: unknown) {
    this.#hold.handle = handle;
  }

  /** What stays of the value when nobody refers to it any more. */
  get hold(): Hold {
    return this.#hold;
  }

  /** Its type and shape as text; arithmetic and comparison by JavaScript are errors. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return formatAval(this);
    throw new TypeError(`Cannot use the value ${formatAval(this)} as a number: ${READ}`);
  }

  /** Refuses: a value has no numbers on the host. */
  toJSON(): never {
    throw new TypeError(`Cannot write the value ${formatAval(this)} as JSON: ${READ}`);
  }
}

const READ = "its numbers are on the device. Read it first: (await engine.read(value)).data.";

// Not in the type: only a caller without types asks a value for numbers.
Object.defineProperty(Value.prototype, "data", {
  get(this: Value): object {
    return refusal(`Cannot read numbers of the value ${formatAval(this)}: ${READ}`);
  },
});

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
