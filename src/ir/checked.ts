/**
 * Functions that the package itself calls without a check, as callers without types have them: what a page does not
 * call, its bundle does not have.
 *
 * @module
 */
import { type Structure, unflatten as build } from "../tree/tree.ts";
import {
  type Aval,
  isShape,
  noDType,
  sameAval as isSameAval,
  sameShape as isSameShape,
  type Shape,
  sizeOf as countElements,
} from "./aval.ts";
import { type Kind, kind, list, object } from "./kinds.ts";
import { requireArguments } from "./options.ts";

const shapeKind: Kind = /* @__PURE__ */ kind(
  "a shape: an array of whole numbers from 0",
  (found) => isShape(found as Shape),
);

const avalKind: Kind = /* @__PURE__ */ kind(
  "a shape and an element type, such as { shape: [2, 3], dtype: 'f32' }",
  (found) =>
    object.holds(found) && isShape((found as Aval).shape) &&
    noDType((found as Aval).dtype) === null,
);

const structureKind: Kind = /* @__PURE__ */ kind(
  "the 'structure' that flatten() returned",
  isStructure,
);

function isStructure(found: unknown): boolean {
  if (!object.holds(found)) return false;
  const { kind, items, entries } = found as Readonly<Record<string, unknown>>;
  return kind === "leaf" ||
    kind === "array" && Array.isArray(items) && items.every(isStructure) ||
    kind === "object" && Array.isArray(entries) &&
      entries.every((entry) => Array.isArray(entry) && isStructure(entry[1]));
}

/**
 * Number of elements of a shape.
 *
 * @param shape The shape.
 * @throws {TypeError} If it is none.
 *
 * @example
 * ```ts
 * import { sizeOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sizeOf([2, 3]), 6);
 * assertEquals(sizeOf([]), 1);
 * ```
 */
export function sizeOf(shape: Shape): number {
  requireArguments("sizeOf", { shape }, { shape: shapeKind });
  return countElements(shape);
}

/**
 * Whether two shapes have the same extents.
 *
 * @param a A shape.
 * @param b Another.
 * @throws {TypeError} If one of them is none.
 *
 * @example
 * ```ts
 * import { sameShape } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * assert(sameShape([2, 3], [2, 3]) && !sameShape([2, 3], [3, 2]));
 * ```
 */
export function sameShape(a: Shape, b: Shape): boolean {
  requireArguments("sameShape", { a, b }, { a: shapeKind, b: shapeKind });
  return isSameShape(a, b);
}

/**
 * Whether two abstract values have the same shape and element type.
 *
 * @param a A shape and an element type.
 * @param b Another.
 * @throws {TypeError} If one of them is none.
 *
 * @example
 * ```ts
 * import { sameAval } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * assert(!sameAval({ shape: [2], dtype: "f32" }, { shape: [2], dtype: "i32" }));
 * ```
 */
export function sameAval(a: Aval, b: Aval): boolean {
  requireArguments("sameAval", { a, b }, { a: avalKind, b: avalKind });
  return isSameAval(a, b);
}

/**
 * Puts a tree together again.
 *
 * @param structure What {@linkcode flatten} returned.
 * @param leaves As many leaves as the structure has.
 * @returns A tree of that structure.
 * @throws {RangeError} If the number of leaves is another one.
 * @throws {TypeError} If something else was given.
 *
 * @example
 * ```ts
 * import { flatten, unflatten } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { leaves, structure } = flatten<number>({ a: 1, b: [2] });
 * assertEquals(unflatten(structure, leaves.map((leaf) => 10 * leaf)), { a: 10, b: [20] });
 * ```
 */
export function unflatten<T>(structure: Structure, leaves: readonly unknown[]): T {
  requireArguments("unflatten", { structure, leaves }, { structure: structureKind, leaves: list });
  return build<T>(structure, leaves);
}
