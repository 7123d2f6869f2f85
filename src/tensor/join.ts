import * as is from "../ir/kinds.ts";
import { formatAval, isShape, sameAval } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { requireArguments, requireCall, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { resolveAxis } from "./axes.ts";
import { expandDims } from "./shape.ts";

/** Options of functions that work along one axis. */
export interface AxisOptions {
  /** The axis; 0 unless told. */
  readonly axis?: number;
}

function requireTensors(attempt: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    throw new TypeError(
      `Cannot ${attempt} tensors: found ${
        Array.isArray(tensors) ? "none" : describe(tensors)
      }, expected an array of at least one.`,
    );
  }
  for (const tensor of tensors) requireTensor(attempt, tensor);
}

/**
 * Puts tensors behind each other along an axis.
 *
 * @param tensors The tensors; they may differ in extent along that axis only.
 * @param options The axis; 0 unless told.
 * @returns One tensor.
 * @throws {TypeError} If there is none, or they do not fit.
 *
 * @example
 * ```ts
 * import { concat, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(concat([constant([1]), constant([2, 3])])), [1, 2, 3]);
 * ```
 */
export function concat(tensors: readonly Tensor[], options: AxisOptions = {}): Tensor {
  requireCall("concat", arguments, 1, 2);
  requireOptions("concat", options, { axis: true });
  requireTensors("concatenate", tensors);
  return ops.concat(tensors, resolveAxis("concatenate", tensors[0]!, options.axis ?? 0));
}

/**
 * Puts tensors of one shape beside each other along a new axis.
 *
 * @param tensors The tensors.
 * @param options The place of the new axis; 0 unless told.
 * @returns A tensor with one axis more.
 * @throws {TypeError} If there is none, or they differ in shape or element type.
 *
 * @example
 * ```ts
 * import { constant, stack } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(stack([constant([1, 2]), constant([3, 4])], { axis: -1 }).shape, [2, 2]);
 * ```
 */
export function stack(tensors: readonly Tensor[], options: AxisOptions = {}): Tensor {
  requireCall("stack", arguments, 1, 2);
  requireOptions("stack", options, { axis: true });
  requireTensors("stack", tensors);
  const odd = tensors.find((tensor) => !sameAval(tensor, tensors[0]!));
  if (odd) {
    throw new TypeError(
      `Cannot stack ${formatAval(tensors[0]!)} and ${formatAval(odd)}: expected equal shapes ` +
        `and element types.`,
    );
  }
  const wide = tensors.map((tensor) => expandDims(tensor, options.axis ?? 0));
  return ops.concat(wide, resolveAxis("stack", wide[0]!, options.axis ?? 0));
}

/** The extents of equal parts; NaN where there are none. */
function equalParts(extent: number, parts: number): number[] {
  const divides = isShape([parts]) && parts < 2 ** 32 && extent % parts === 0;
  return divides ? new Array<number>(parts).fill(extent / parts) : [NaN];
}

/**
 * Cuts a tensor into parts along an axis.
 *
 * @param x The tensor.
 * @param options The number of equal parts, or the extent of each, and the axis (default 0).
 * @returns The parts, in order.
 * @throws {RangeError} If the parts do not add up to the extent of the axis.
 *
 * @example
 * ```ts
 * import { range, split, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(split(range(4), { parts: 2 }).map(valuesOf), [[0, 1], [2, 3]]);
 * assertEquals(split(range(4), { parts: [1, 3] }).map(valuesOf), [[0], [1, 2, 3]]);
 * ```
 */
export function split(
  x: Tensor,
  options: AxisOptions & { readonly parts: number | readonly number[] },
): Tensor[] {
  requireCall("split", arguments, 2);
  requireOptions("split", options, { axis: true, parts: true });
  const axis = resolveAxis("split", x, options.axis ?? 0);
  const extent = x.shape[axis]!;
  const { parts } = options;
  requireArguments("split", { parts }, { parts: is.number.holds(parts) ? is.number : is.numbers });
  const sizes = typeof parts === "number" ? equalParts(extent, parts) : [...parts];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (!isShape(sizes) || total !== extent) {
    throw new RangeError(
      `Cannot split axis ${axis} of ${formatAval(x)} into ${
        typeof parts === "number" ? `${parts} equal parts` : `parts of [${parts}]`
      }: expected whole parts that add up to ${extent}.`,
    );
  }
  let offset = 0;
  return sizes.map((size) => {
    const start = x.shape.map((_, k) => k === axis ? offset : 0);
    offset += size;
    return ops.slice(x, { start, shape: x.shape.map((e, k) => k === axis ? size : e) });
  });
}
