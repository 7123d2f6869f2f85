/**
 * The arrays in what an engine is given: what they are, and what else was found in their place.
 *
 * @module
 */
import { type Aval, formatAval, misfit, sizeOf } from "../ir/aval.ts";
import { describe, isPromise } from "../ir/describe.ts";
import { type HostArray, isStorage } from "../ir/host_array.ts";
import { Tensor } from "../ir/tensor.ts";
import { flatten, type Structure } from "../tree/tree.ts";
import type { Backend } from "./engine.ts";
import { Value } from "./value.ts";

/** What an engine may be given; one without numbers is only compiled for. */
export type GivenArray = Value | HostArray | Aval;

/** A tree of arrays taken apart. */
export interface FlatArrays {
  /** Its leaves. */
  readonly arrays: GivenArray[];
  /** The tree around them. */
  readonly structure: Structure;
  /** Path of each leaf. */
  readonly paths: string[];
}

/**
 * Takes a tree of values, host arrays or abstract values apart.
 *
 * @param attempt What is being done, for the error: "read".
 * @param tree The tree: arrays and plain objects.
 * @returns The leaves, their paths and the tree around them.
 * @throws {TypeError} If it holds anything else.
 */
export function flattenArrays(attempt: string, tree: unknown): FlatArrays {
  const { leaves, structure, paths } = flatten<unknown>(box(tree));
  const arrays = leaves.map((leaf, k) => {
    if (leaf instanceof Boxed) return leaf.array;
    throw new TypeError(
      `Cannot ${attempt}: found ${describe(leaf)} at ${
        paths[k] || "the top"
      }, expected a value or a ` +
        `host array { shape, dtype, data }. ${wayOut(leaf)}`,
    );
  });
  return { arrays, structure, paths };
}

function wayOut(found: unknown): string {
  if (isPromise(found)) return "Await it first.";
  if (found instanceof Tensor) {
    return "A tensor lives inside of a traced function: return it from there, and use the result. " +
      'A random key is given as hostArray(keyWords(seed), [2], "u32").';
  }
  if (typeof found === "object" && found !== null && "dataId" in found) {
    return "Bring a tensor of TensorFlow.js over with (await shareTf(engine)).fromTf(tensor).";
  }
  if (typeof found === "number" || ArrayBuffer.isView(found)) {
    return "Wrap numbers: hostArray(numbers, shape, dtype).";
  }
  return "Is an argument missing, or does it stand in another's place?";
}

class Boxed {
  readonly array: Aval;
  constructor(array: Aval) {
    this.array = array;
  }
}

/** A foreign thing as a leaf, so that what it is made of is not taken for a tree. */
function box(value: unknown): unknown {
  if (value instanceof Value) return new Boxed(value);
  if (Array.isArray(value)) return value.map(box);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Tensor || isPromise(value) || "dataId" in value) return value;
  const { shape, dtype } = value as Partial<Aval>;
  if (Array.isArray(shape) && typeof dtype === "string") return new Boxed(value as Aval);
  const entries = Object.entries(value);
  // Maps, sets and dates have no members of their own: as trees they would be empty.
  if (entries.length === 0 && value.constructor !== undefined && value.constructor !== Object) {
    return value;
  }
  return Object.fromEntries(entries.map(([name, inner]) => [name, box(inner)]));
}

/**
 * What a backend knows a value by.
 *
 * @throws {Error} If it was released, or belongs to another engine.
 */
export function handleOf(value: Value, backend: Backend): unknown {
  const { handle, owner } = value.hold;
  if (handle === undefined) {
    throw new Error(
      `Cannot use a value ${formatAval(value)}: it was released or donated. ` +
        `Keep it by not donating it, or use the result that replaced it.`,
    );
  }
  if (owner !== undefined && owner !== backend) {
    const { name } = (owner as Backend).info;
    throw new Error(
      `Cannot use a value ${
        formatAval(value)
      } on the engine '${backend.info.name}': it belongs to ` +
        `another one ('${name}'). Carry it over: await that.read(value), then this.put(array).`,
    );
  }
  return handle;
}

/**
 * Uploads a host array.
 *
 * @throws {TypeError} If it has no numbers, or not those of its element type.
 * @throws {RangeError} If their number is not that of its shape, or the element type does not hold one.
 */
export function uploadTo(backend: Backend, array: Aval): unknown {
  const { data } = array as Partial<HostArray>;
  const exact = backend.info.holds === "float64" && data as unknown instanceof Float64Array;
  if (data === undefined || !(exact || isStorage(data, array.dtype))) {
    throw new TypeError(
      `Cannot upload ${formatAval(array)}: found ${
        data === undefined ? "no data" : `${describe(data)} for its data`
      }, expected the numbers in the storage of the type. Make it with hostArray(values, shape, dtype).`,
    );
  }
  if (data.length !== sizeOf(array.shape)) {
    throw new RangeError(
      `Cannot upload ${formatAval(array)}: found ${data.length} values, expected ${
        sizeOf(array.shape)
      }.`,
    );
  }
  // Of these the storage holds more than the element type: bytes of a mask, fractions.
  const wrong = array.dtype === "bool" || exact ? misfit(data, array.dtype) : null;
  if (wrong) throw new RangeError(`Cannot upload ${formatAval(array)}: ${wrong}.`);
  return backend.upload(array as HostArray);
}
