/**
 * Merging of axes: TensorFlow.js handles few of them fast, and more than six on wasm not at all.
 *
 * @module
 */
import type { Shape } from "../ir/aval.ts";

/** Arrays with neighbouring axes merged. */
export interface Merged {
  /** The merged shapes, one for each given shape. */
  readonly merged: readonly Shape[];
  /** For each merged axis, the first of the axes that it was made of. */
  readonly firstAxes: readonly number[];
}

/**
 * Merges neighbouring axes that no operation tells apart.
 *
 * Two axes are merged if they have the same role and, in every given shape, are both of the full
 * extent or both of extent 1. An axis of extent 1 along which nothing is done goes into any other.
 *
 * @param shapes Shapes of one rank; along each axis their extents are the largest one or 1.
 * @param roles What is done along each axis: nothing where it is empty; axes with an `undefined` role never
 *   merge. Default: nothing is done.
 * @returns The merged shapes and where their axes came from.
 */
export function mergeAxes(
  shapes: readonly Shape[],
  roles: readonly (string | undefined)[] = shapes[0]!.map(() => ""),
): Merged {
  const merged: number[][] = shapes.map(() => []);
  const firstAxes: number[] = [];
  let previous: string | undefined;
  let isIdle = false;
  shapes[0]!.forEach((_, axis) => {
    const extents = shapes.map((shape) => shape[axis]!);
    const full = Math.max(...extents);
    const role = roles[axis];
    const pattern = role === undefined
      ? undefined
      : `${role} ${full === 1 ? "" : extents.map((extent) => extent === 1 ? "1" : "n").join("")}`;
    if (full === 1 && role === "" && firstAxes.length > 0) return;
    if (isIdle) {
      // There were axes of extent 1 only.
      merged.forEach((shape) => shape.pop());
      firstAxes.pop();
      previous = undefined;
    }
    isIdle = full === 1 && role === "";
    if (pattern !== undefined && pattern === previous) {
      merged.forEach((shape, k) => shape[shape.length - 1]! *= extents[k]!);
    } else {
      merged.forEach((shape, k) => shape.push(extents[k]!));
      firstAxes.push(axis);
      previous = pattern;
    }
  });
  return { merged, firstAxes };
}
