/** Functions with a narrow domain, sorting, and draws of choices. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import type { Builder } from "../builder.ts";
import { operandFor } from "./elementwise.ts";
import { axisOf, bounded, type Operation, options, positive, ref } from "./operation.ts";
import { key } from "./sources.ts";

function special(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  const call = b.draw.pick([
    ...["round", "ceil", "trunc", "sinh", "cosh", "asinh", "acosh", "atanh", "tan"],
    ...["atan", "asin", "acos", "nanToNum"],
  ]);
  switch (call) {
    case "sinh":
    case "cosh":
      return b.call(call, [ref(bounded(b, x, 4))]);
    case "asin":
    case "acos":
    case "atanh":
    case "tan":
      return b.call(call, [ref(b.call("mul", [ref(bounded(b, x, 1)), 0.75]))]);
    case "acosh":
      return b.call(call, [ref(b.call("add", [ref(positive(b, x)), 1]))]);
    default:
      return b.call(call, [ref(x)]);
  }
}

function pair(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  switch (b.draw.pick(["atan2", "mod", "logAddExp"])) {
    case "atan2":
      return b.call("atan2", [operandFor(b, b.aval(x)), ref(positive(b, x))]);
    case "mod":
      return b.call("mod", [ref(bounded(b, x, 8)), b.draw.pick([2.5, 0.75, -3])]);
    default:
      return b.call("logAddExp", [ref(bounded(b, x, 8)), b.draw.pick([0, -2, 1.5])]);
  }
}

function order(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const axis = axisOf(b, shape.length);
  if (sizeOf(shape) * shape.at(axis)! > 4 * b.limits.size) return undefined;
  switch (b.draw.pick(["sort", "sort", "argSort", "topK"])) {
    case "sort":
      return b.call("sort", [ref(x), { axis, ...options(b, { descending: true }) }]);
    case "argSort":
      return b.call("argSort", [ref(x), { axis, ...options(b, { descending: true }) }]);
    default: {
      const count = b.draw.integer(1, shape.at(axis)!);
      return b.call("topK", [ref(x), { count, axis }], b.draw.pick(["values", "indices"]));
    }
  }
}

function choice(b: Builder): number | undefined {
  const from = ref(key(b));
  const call = b.draw.pick(["gumbel", "categorical", "permutation", "shuffle"]);
  if (call === "gumbel") return b.call(call, [from, b.shape(b.draw.integer(0, 3), 32)]);
  if (call === "permutation") return b.call(call, [from, b.draw.integer(1, 8)]);
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0 && sizeOf(shape) <= 64);
  if (x === undefined) return undefined;
  const axis = axisOf(b, b.aval(x).shape.length);
  return b.call(call, [from, ref(x), { axis }]);
}

/** Functions with a narrow domain, sorting, and draws of choices. */
export const specialFunctions: readonly Operation[] = [
  { name: "special", weight: 3, make: special },
  { name: "pair", weight: 1, make: pair },
  { name: "order", weight: 1, make: order },
  { name: "choice", weight: 1, make: choice },
];
