/**
 * Types of WGSL as far as counting needs them: how many numbers a value has.
 *
 * @module
 */
import type { TypedName } from "./wgsl_tree.ts";

/** A type. */
export interface WgslType {
  /** Numbers that an operation on it computes: 4 of a `vec4f`, 16 of a `mat4x4f`, 1 of a scalar. */
  readonly size: number;
  /** Whether they are floating-point numbers. */
  readonly float: boolean;
  /** What `[i]` gives; absent of scalars and structs. */
  readonly element?: WgslType;
  /** Members of a struct. */
  readonly members?: readonly { readonly name: string; readonly type: WgslType }[];
}

/** A number of no declared type. */
export const UNKNOWN: WgslType = { size: 1, float: true };

/** A whole number or a truth value. */
export const WHOLE: WgslType = { size: 1, float: false };

/** Reads types, each once. */
export class WgslTypes {
  readonly #structs: ReadonlyMap<string, readonly TypedName[]>;
  readonly #known = new Map<string, WgslType>();

  /** Types of a kernel with these structs. */
  constructor(structs: ReadonlyMap<string, readonly TypedName[]>) {
    this.#structs = structs;
  }

  /** The type of a name such as `vec4<f32>`; `undefined` if it is none. */
  find(text: string): WgslType | undefined {
    let found = this.#known.get(text);
    if (!found) {
      found = this.#read(text);
      if (found) this.#known.set(text, found);
    }
    return found;
  }

  #read(text: string): WgslType | undefined {
    if (/^(f32|f16)$/.test(text)) return UNKNOWN;
    if (/^(u32|i32|bool)$/.test(text)) return WHOLE;
    const vector = /^vec([234])(?:([fhiu])|<(\w+)>)?$/.exec(text);
    if (vector) return vectorOf(Number(vector[1]), /^[fh]/.test(vector[2] ?? vector[3] ?? "f"));
    const matrix = /^mat([234])x([234])/.exec(text);
    if (matrix) {
      const column = vectorOf(Number(matrix[2]), true);
      return { size: Number(matrix[1]) * column.size, float: true, element: column };
    }
    const inner = /^(?:array|atomic)<(.*)>$/.exec(text)?.[1] ?? /^ptr<\w+,(.*?)>$/.exec(text)?.[1];
    if (inner !== undefined) {
      const element = this.find(inner.replace(/,[^,>]*$/, "")) ?? UNKNOWN;
      return text.startsWith("array") ? { size: 1, float: element.float, element } : element;
    }
    const members = this.#structs.get(text)?.map(({ name, type }) => ({
      name,
      type: this.find(type) ?? UNKNOWN,
    }));
    return members &&
      { size: members.reduce((sum, { type }) => sum + type.size, 0), float: true, members };
  }
}

/** A vector of so many numbers. */
export function vectorOf(size: number, float: boolean): WgslType {
  return size === 1 ? { size, float } : { size, float, element: { size: 1, float } };
}
