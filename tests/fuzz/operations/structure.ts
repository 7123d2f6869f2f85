/** Functions that move elements. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import type { Builder } from "../builder.ts";
import type { Argument } from "../recipe.ts";
import { axesOf, axisOf, type Operation, ref } from "./operation.ts";

/** Most axes of a value. */
const MOST_RANK = 5;

/** A line, of any element type but mostly `f32`. */
function any(b: Builder, least = 0): number | undefined {
  const fits = ({ shape }: { shape: readonly number[] }): boolean => shape.length >= least;
  return b.draw.chance(0.85) ? b.float(fits) : b.find(fits);
}

/** A random shape with the given number of elements. */
export function factors(b: Builder, size: number, rank: number): number[] {
  if (size === 0) return Array.from({ length: rank }, (_, k) => k === 0 ? 0 : b.extent());
  const shape: number[] = [];
  let rest = size;
  for (let k = 0; k < rank - 1; k++) {
    const divisors = Array.from({ length: rest }, (_, d) => d + 1).filter((d) => rest % d === 0);
    const extent = b.draw.pick(divisors);
    shape.push(extent);
    rest /= extent;
  }
  shape.push(rest);
  return b.draw.shuffled(shape);
}

function reshape(b: Builder): number | undefined {
  const x = any(b);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const size = sizeOf(shape);
  const target: number[] = size === 1 && b.draw.chance(0.3)
    ? []
    : factors(b, size, b.draw.integer(1, MOST_RANK));
  if (size > 0 && target.length > 0 && b.draw.chance(0.3)) {
    target[b.draw.integer(0, target.length - 1)] = -1;
  }
  return b.call("reshape", [ref(x), target]);
}

function axes(b: Builder): number | undefined {
  const x = any(b);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const rank = shape.length;
  switch (
    b.draw.pick(["transpose", "transpose", "expandDims", "squeeze", "broadcastTo", "broadcastTo"])
  ) {
    case "transpose": {
      if (b.draw.chance(0.3)) return b.call("transpose", [ref(x)]);
      return b.call("transpose", [ref(x), b.draw.shuffled(shape.map((_, axis) => axis))]);
    }
    case "expandDims":
      return rank < MOST_RANK ? b.call("expandDims", [ref(x), axisOf(b, rank + 1)]) : undefined;
    case "squeeze": {
      const single = shape.flatMap((extent, axis) => extent === 1 ? [axis] : []);
      if (single.length === 0) return undefined;
      return b.call("squeeze", b.draw.chance(0.5) ? [ref(x)] : [ref(x), b.draw.some(single)]);
    }
    default: {
      const wide = shape.map((extent) => extent === 1 ? b.extent() : extent);
      const more = b.draw.integer(0, MOST_RANK - rank);
      const target = [...Array.from({ length: Math.min(more, 2) }, () => b.extent()), ...wide];
      return sizeOf(target) <= b.limits.size ? b.call("broadcastTo", [ref(x), target]) : undefined;
    }
  }
}

function concat(b: Builder): number | undefined {
  const x = any(b, 1);
  if (x === undefined) return undefined;
  const { shape, dtype } = b.aval(x);
  const axis = axisOf(b, shape.length);
  const at = axis < 0 ? axis + shape.length : axis;
  const count = b.draw.chance(0.2) ? b.draw.integer(5, 20) : b.draw.integer(1, 4);
  const parts = Array.from({ length: count }, () => {
    const found = b.find((aval) =>
      aval.dtype === dtype && aval.shape.length === shape.length &&
      aval.shape.every((extent, k) => k === at || extent === shape[k])
    );
    return ref(found!);
  });
  if (b.draw.chance(0.7)) return b.call("concat", [parts, { axis }]);
  const equal = parts.filter(({ line }) => b.aval(line).shape.join() === shape.join());
  const wide = axisOf(b, shape.length + 1);
  if (shape.length === MOST_RANK || equal.length === 0) return undefined;
  return b.call("stack", [equal, { axis: wide }]);
}

function split(b: Builder): number | undefined {
  const x = any(b, 1);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const axis = axisOf(b, shape.length);
  const extent = shape.at(axis)!;
  if (extent < 2) return undefined;
  if (extent % 2 === 0 && b.draw.chance(0.4)) {
    return b.call("split", [ref(x), { parts: 2, axis }], b.draw.integer(0, 1));
  }
  const first = b.draw.integer(1, extent - 1);
  return b.call("split", [ref(x), { parts: [first, extent - first], axis }], b.draw.integer(0, 1));
}

/** What is taken of an axis: never nothing, unless extents of 0 are wanted. */
function rangeOf(b: Builder, extent: number): Argument {
  if (extent === 0 || b.draw.chance(0.3)) return null;
  if (b.draw.chance(0.2)) {
    const at = b.draw.integer(0, extent - 1);
    return b.draw.chance(0.4) ? at - extent : at;
  }
  if (b.limits.extents.includes(0) && b.draw.chance(0.1)) return [0, 0];
  const low = b.draw.integer(0, extent - 1);
  const high = b.draw.integer(low + 1, extent);
  const step = b.draw.pick([1, 1, 2, 3]);
  const open = b.draw.chance(0.3);
  if (b.draw.chance(0.6)) {
    const from = b.draw.chance(0.3) ? low - extent : low;
    return step === 1 ? [from, open ? null : high] : [from, open ? null : high, step];
  }
  // From the last element down: -1 before the first is written as null.
  return [open ? null : high - 1, low === 0 ? null : low - 1, -step];
}

function slice(b: Builder): number | undefined {
  const x = any(b, 1);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const ranges = shape.slice(0, b.draw.integer(1, shape.length));
  return b.call("slice", [ref(x), ranges.map((extent) => rangeOf(b, extent))]);
}

function pad(b: Builder): number | undefined {
  const x = any(b);
  if (x === undefined || b.aval(x).dtype === "bool") return undefined;
  const { shape, dtype } = b.aval(x);
  const widths = shape.map(() =>
    b.draw.chance(0.5) ? [0, 0] : [b.draw.integer(0, 3), b.draw.integer(0, 2)]
  );
  const value = dtype === "f32" ? b.draw.pick([1.5, -2]) : 3;
  return b.call(
    "pad",
    b.draw.chance(0.5) || widths.length === 0 ? [ref(x), widths] : [ref(x), widths, { value }],
  );
}

function turn(b: Builder): number | undefined {
  const x = any(b, 1);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  if (shape.length < 3 || b.draw.chance(0.6)) {
    return b.call("flip", [ref(x), axesOf(b, shape.length)]);
  }
  if (b.draw.chance(0.5)) return b.call("rotate90", [ref(x), b.draw.integer(-3, 5)]);
  const [height, width] = [b.draw.integer(0, shape.at(-3)!), b.draw.integer(0, shape.at(-2)!)];
  if (height * width === 0 && !b.limits.extents.includes(0)) return undefined;
  const top = b.draw.integer(0, shape.at(-3)! - height);
  const left = b.draw.integer(0, shape.at(-2)! - width);
  return b.call("crop", [ref(x), { top, left, height, width }]);
}

/** Elements moved around an axis. */
function roll(b: Builder): number | undefined {
  const x = any(b, 1);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const axis = b.draw.integer(0, shape.length - 1);
  const extent = shape[axis]!;
  if (extent < 2) return undefined;
  const by = b.draw.integer(1, extent - 1);
  const part = (from: number | null, to: number | null): number =>
    b.call("slice", [
      ref(x),
      shape.slice(0, axis + 1).map((_, k) => k === axis ? [from, to] : null),
    ]);
  const [front, back] = [part(-by, null), part(0, extent - by)];
  return b.call("concat", [[ref(front), ref(back)], { axis }]);
}

function take(b: Builder): number | undefined {
  const x = any(b, 1);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  if (b.draw.chance(0.5)) {
    if (shape[0] === 0) return undefined;
    const rank = b.draw.integer(0, Math.min(2, MOST_RANK - shape.length + 1));
    const indices = b.find(({ dtype, shape }) => dtype === "i32" && shape.length <= rank) ??
      b.provide(b.shape(rank, 16), "i32", "index");
    if (sizeOf(b.aval(indices).shape) * sizeOf(shape.slice(1)) > b.limits.size) return undefined;
    return b.call("takeRows", [ref(x), ref(indices)]);
  }
  const axis = axisOf(b, shape.length);
  if (shape.at(axis) === 0) return undefined;
  const wanted = [...shape];
  wanted[axis < 0 ? axis + shape.length : axis] = b.draw.integer(1, 4);
  if (sizeOf(wanted) > b.limits.size) return undefined;
  return b.call("takeAlong", [ref(x), ref(b.provide(wanted, "i32", "index")), { axis }]);
}

/** A line weighed or masked by positions along an axis, counted up or down, by ones or in steps. */
function positions(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const rank = shape.length;
  const axis = b.draw.chance(0.6) ? rank - 1 : b.draw.integer(0, rank - 1);
  const extent = shape[axis]!;
  const step = b.draw.pick([1, -1, 2, -2, 3]);
  const integers = b.draw.chance(0.5);
  const all = b.call("range", [extent * Math.abs(step), integers ? "i32" : "f32"]);
  const stepped = step === 1 ? all : b.call("slice", [ref(all), [[null, null, step]]]);
  const along = Array.from({ length: rank - axis }, (_, k) => k === 0 ? extent : 1);
  const at = b.call("reshape", [ref(stepped), along]);
  if (!integers) return b.call("mul", [ref(x), ref(b.call("mul", [ref(at), 1 / extent]))]);
  const limit = b.draw.integer(0, extent * Math.abs(step));
  const mask = b.call(b.draw.pick(["less", "greaterEqual"]), [ref(at), limit]);
  return b.call("where", [ref(mask), ref(x), b.draw.pick([0, -1])]);
}

/** Functions that move elements. */
export const structure: readonly Operation[] = [
  { name: "reshape", weight: 3, make: reshape },
  { name: "axes", weight: 4, make: axes },
  { name: "concat", weight: 3, make: concat },
  { name: "split", weight: 1, make: split },
  { name: "slice", weight: 4, make: slice },
  { name: "pad", weight: 2, make: pad },
  { name: "turn", weight: 2, make: turn },
  { name: "roll", weight: 1, make: roll },
  { name: "take", weight: 3, make: take },
  { name: "positions", weight: 2.5, make: positions },
];
