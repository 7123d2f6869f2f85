/**
 * Which axis of which tensor is mapped.
 *
 * @module
 */
import { formatStructure, type Structure } from "../tree/tree.ts";

/**
 * Axes of the tensors of a tree: one for all of them, `null` for none, or arrays and objects that follow the
 * tree as far as they go.
 */
export type VmapAxes = number | null | readonly VmapAxes[] | { readonly [key: string]: VmapAxes };

/**
 * Lists the axis of every leaf of a tree.
 *
 * @param axes The axes.
 * @param structure Structure of the tree.
 * @param what What the tree is, for the error: "argument 0".
 * @returns One axis a leaf, in the order of `flatten`.
 * @throws {TypeError} If the axes do not follow the tree.
 */
export function axesOfLeaves(
  axes: VmapAxes,
  structure: Structure,
  what: string,
): (number | null)[] {
  if (axes === null || typeof axes === "number") return leavesOf(structure).map(() => axes);
  const mismatch = (): TypeError =>
    new TypeError(
      `Cannot vectorize over the axes ${
        JSON.stringify(axes)
      } of ${what}: expected axes that follow its ` +
        `structure ${formatStructure(structure)}.`,
    );
  if (Array.isArray(axes)) {
    if (structure.kind !== "array" || structure.items.length !== axes.length) throw mismatch();
    return structure.items.flatMap((item, k) => axesOfLeaves(axes[k], item, what));
  }
  const named = axes as { readonly [key: string]: VmapAxes };
  if (structure.kind !== "object" || Object.keys(named).length !== structure.entries.length) {
    throw mismatch();
  }
  return structure.entries.flatMap(([name, inner]) => {
    if (!Object.hasOwn(named, name)) throw mismatch();
    return axesOfLeaves(named[name]!, inner, what);
  });
}

function leavesOf(structure: Structure): null[] {
  switch (structure.kind) {
    case "leaf":
      return [null];
    case "array":
      return structure.items.flatMap(leavesOf);
    case "object":
      return structure.entries.flatMap(([, inner]) => leavesOf(inner));
  }
}
