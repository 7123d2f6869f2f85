import { formatAval, isShape } from "../ir/aval.ts";
import { requireCall, requireOneOf, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/** Elements before and after, for each axis. */
export type PadWidths = readonly (readonly [before: number, after: number])[];

/**
 * What a border is made of: one value (`"constant"`), the outermost element again (`"edge"`), a mirror at
 * that element (`"reflect"`: `c b | a b c | b a`) or behind it (`"symmetric"`: `b a | a b c | c b`), or the
 * other end (`"wrap"`: `b c | a b c | a b`).
 */
export type PadMode = "constant" | "edge" | "reflect" | "symmetric" | "wrap";

/** Options of {@linkcode pad}. */
export interface PadOptions {
  /** What the border is made of; `"constant"` unless told. */
  readonly mode?: PadMode;
  /** The value of a constant border; 0 unless told. */
  readonly value?: number;
}

/**
 * Puts a border around a tensor.
 *
 * @param x The tensor.
 * @param widths `[before, after]` for each axis.
 * @param options What the border is made of; zeros unless told.
 * @returns The larger tensor.
 * @throws {RangeError} If there is not one pair of whole numbers for each axis, or an axis is too short to
 *   be mirrored that far.
 *
 * @example
 * ```ts
 * import { constant, pad, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(pad(constant([1, 2]), [[1, 2]], { value: 9 })), [9, 1, 2, 9, 9]);
 * const mirrored = pad(constant([1, 2, 3]), [[2, 1]], { mode: "reflect" });
 * assertEquals(valuesOf(mirrored), [3, 2, 1, 2, 3, 2]);
 * ```
 */
export function pad(
  x: Tensor,
  widths: PadWidths,
  options: PadOptions = {},
): Tensor {
  requireCall("pad", arguments, 2, 3);
  requireOptions("pad", options, { mode: true, value: true });
  const { mode = "constant", value = 0 } = options;
  requireOneOf("pad", ["mode", mode], ["constant", ...Object.keys(LONGEST) as PadMode[]]);
  if (
    widths.length !== x.rank ||
    !widths.every((pair) => pair.length === 2 && isShape(pair))
  ) {
    throw new RangeError(
      `Cannot pad ${formatAval(x)}: found the widths [${widths.map((pair) => `[${pair}]`)}], ` +
        `expected one pair of whole numbers from 0 for each axis.`,
    );
  }
  if (mode === "constant") return padConstant(x, widths, value);
  return widths.reduce((padded, pair, axis) => padAxis(padded, axis, pair, mode), x);
}

/** The outermost elements again, as often as told. */
export function padEdges(x: Tensor, widths: PadWidths): Tensor {
  return pad(x, widths, { mode: "edge" });
}

function padConstant(x: Tensor, widths: PadWidths, value: number): Tensor {
  const border = { low: widths.map(([before]) => before), high: widths.map(([, after]) => after) };
  const padded = ops.pad(x, border);
  if (value === 0 || padded === x) return padded;
  const inside = ops.convert(ops.pad(ops.fill(1, x.shape, "i32"), border), "bool");
  return ops.select(inside, padded, ops.like(padded, value));
}

/** Longest border that each mode makes of an axis of some extent. */
const LONGEST: Readonly<Record<Exclude<PadMode, "constant">, (extent: number) => number>> = {
  edge: (extent) => extent === 0 ? 0 : Infinity,
  reflect: (extent) => Math.max(0, extent - 1),
  symmetric: (extent) => extent,
  wrap: (extent) => extent,
};

function padAxis(
  x: Tensor,
  axis: number,
  [before, after]: readonly [number, number],
  mode: Exclude<PadMode, "constant">,
): Tensor {
  if (before === 0 && after === 0) return x;
  const extent = x.shape[axis]!;
  const longest = LONGEST[mode](extent);
  if (before > longest || after > longest) {
    throw new RangeError(
      `Cannot pad axis ${axis} of ${
        formatAval(x)
      } by [${before}, ${after}] with mode '${mode}': expected ` +
        `at most ${longest}.`,
    );
  }
  /** Elements from `from` on. */
  const part = (from: number, count: number): Tensor =>
    ops.slice(x, {
      start: x.shape.map((_, k) => k === axis ? from : 0),
      shape: x.shape.map((size, k) => k === axis ? count : size),
    });
  const repeat = (from: number, count: number): Tensor => {
    const shape = x.shape.map((size, k) => k === axis ? count : size);
    const others = x.shape.map((_, k) => k).filter((k) => k !== axis);
    return ops.broadcast(
      ops.reshape(part(from, 1), others.map((k) => x.shape[k]!)),
      shape,
      others,
    );
  };
  const mirror = (from: number, count: number): Tensor => ops.reverse(part(from, count), [axis]);
  const last = extent - 1;
  const [low, high] = {
    edge: () => [repeat(0, before), repeat(last, after)],
    reflect: () => [mirror(1, before), mirror(last - after, after)],
    symmetric: () => [mirror(0, before), mirror(extent - after, after)],
    wrap: () => [part(extent - before, before), part(0, after)],
  }[mode]();
  const pieces = [...before > 0 ? [low!] : [], x, ...after > 0 ? [high!] : []];
  return ops.concat(pieces, axis);
}
