/** Reductions and what normalizes by them. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import type { Builder } from "../builder.ts";
import { axesOf, bounded, type Operation, options, positive, ref } from "./operation.ts";

/** Elements along axes, which may be counted from the end. */
function countAlong(b: Builder, line: number, axes: number | number[]): number {
  const { shape } = b.aval(line);
  return (typeof axes === "number" ? [axes] : axes)
    .reduce((count, axis) => count * shape.at(axis)!, 1);
}

function reduction(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  const axes = axesOf(b, b.aval(x).shape.length);
  const all = b.draw.chance(0.25);
  const count = all ? sizeOf(b.aval(x).shape) : countAlong(b, x, axes);
  const keep = b.draw.chance(0.5) ? { keepAxes: true } : {};
  const given = all ? keep : { axes, ...keep };
  // Of no elements only the sum is a number.
  const calls = count === 0 ? ["sum"] : ["sum", "sum", "mean", "max", "min", "variance", "argMax"];
  const call = b.draw.pick(calls);
  if (call === "variance" && count > 1 && b.draw.chance(0.5)) {
    return b.call("variance", [ref(x), { ...given, correction: 1 }]);
  }
  // Where elements are equal, it matters which of them is the largest.
  const ties = ["max", "min", "argMax"].includes(call) && b.draw.chance(0.4);
  const y = ties ? b.call(b.draw.pick(["sign", "floor", "relu"]), [ref(x)]) : x;
  return b.call(call, [ref(y), given]);
}

function normalization(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const axes = axesOf(b, b.aval(x).shape.length);
  const given = b.draw.chance(0.4) ? {} : { axes };
  const call = b.draw.pick(["softmax", "logSoftmax", "logSumExp", "l2Normalize"]);
  if (call === "l2Normalize") {
    return b.call(call, [ref(positive(b, x)), { ...given, ...options(b, { epsilon: 0.01 }) }]);
  }
  const logits = bounded(b, x, 10);
  if (call !== "logSumExp") return b.call(call, [ref(logits), given]);
  const result = b.call(call, [ref(logits), { ...given, ...options(b, { keepAxes: true }) }]);
  // The two are often used together.
  if (b.draw.chance(0.3)) b.call("softmax", [ref(logits), given]);
  return result;
}

function standardization(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const axes = b.draw.some(shape.map((_, axis) => axis), 0.7);
  if (axes.length === 0) return undefined;
  const epsilon = b.draw.pick([0.1, 0.01]);
  return b.call(
    "standardize",
    [ref(x), axes, epsilon],
    b.draw.pick(["normal", "normal", "mean", "scale"]),
  );
}

/** Many reductions in one pass, and what follows each of them by itself. */
function statistics(b: Builder): number | undefined {
  // Long ones are reduced in parts, whose results are buffers of their own.
  const isLong = b.draw.chance(0.7);
  const x = b.float(({ shape }) => sizeOf(shape) >= (isLong ? 72 : 8)) ??
    b.provide([b.draw.integer(72, 200)]);
  const { shape } = b.aval(x);
  const long = isLong ? b.call("reshape", [ref(x), [sizeOf(shape)]]) : x;
  const axes = axesOf(b, b.aval(long).shape.length);
  const given = { axes, keepAxes: true };
  const calls = b.draw.shuffled(["square", "abs", "sin", "cos", "tanh", "sigmoid", "relu", "neg"]);
  const seen = calls.slice(0, b.draw.integer(3, 8)).map((name) =>
    b.call(b.draw.pick(["sum", "mean", "max"]), [ref(b.call(name, [ref(long)])), given])
  );
  const small = (line: number): number => b.call("tanh", [ref(b.call("mul", [ref(line), 0.25]))]);
  for (const line of b.draw.some(seen, 0.4)) small(line);
  return seen.reduce((all, line) =>
    small(b.call(b.draw.pick(["add", "sub", "maximum"]), [ref(all), ref(line)]))
  );
}

/** Two reductions, and what reads the first before the second and the other way round. */
function crossed(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const y = b.provide([...shape.slice(0, -1), b.draw.integer(2, 7)]);
  const one = b.call(b.draw.pick(["sum", "max"]), [ref(x), { axes: -1 }]);
  const other = b.call(b.draw.pick(["sum", "max"]), [ref(y), { axes: -1 }]);
  b.call(b.draw.pick(["sub", "add"]), [ref(one), ref(other)]);
  return b.call(b.draw.pick(["sub", "mul"]), [ref(other), ref(one)]);
}

/** Reductions and what normalizes by them. */
export const reductions: readonly Operation[] = [
  { name: "reduction", weight: 12, make: reduction },
  { name: "normalization", weight: 4, make: normalization },
  { name: "standardization", weight: 2, make: standardization },
  { name: "statistics", weight: 2, make: statistics },
  { name: "crossed", weight: 0.8, make: crossed },
];
