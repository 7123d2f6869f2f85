/** Functions of one element and of two. @module */
import { type Aval, type Shape, sizeOf } from "../../../src/ir/aval.ts";
import { broadcastShapes } from "../../../src/tensor/operand.ts";
import type { Builder } from "../builder.ts";
import { type Argument, Ref } from "../recipe.ts";
import { bounded, type Operation, options, positive, ref } from "./operation.ts";

const SMOOTH = ["neg", "square", "sin", "cos", "tanh", "sigmoid", "erf", "softplus", "silu"];
const KINKED = ["abs", "sign", "floor", "relu"];

function unary(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  return b.call(b.draw.chance(0.75) ? b.draw.pick(SMOOTH) : b.draw.pick(KINKED), [ref(x)]);
}

function unaryWithOptions(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  switch (b.draw.pick(["leakyRelu", "gelu", "elu", "clip", "stopGradient"])) {
    case "leakyRelu":
      return b.call("leakyRelu", [ref(x), options(b, { slope: 0.25 })]);
    case "gelu":
      return b.call("gelu", [ref(x), options(b, { approximate: true })]);
    case "elu":
      return b.call("elu", [ref(x), options(b, { alpha: 1.5 })]);
    case "clip":
      return b.call("clip", [ref(x), options(b, { low: -0.75, high: 1.25 })]);
    default:
      return b.call("stopGradient", [ref(x)]);
  }
}

function exponential(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  return b.call(b.draw.pick(["exp", "expm1"]), [ref(bounded(b, x, 4))]);
}

function root(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  return b.call(b.draw.pick(["log", "log1p", "sqrt", "rsqrt"]), [ref(positive(b, x))]);
}

function power(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  if (b.draw.chance(0.3)) {
    const exponent = b.float();
    const base = positive(b, x);
    if (exponent === undefined) return undefined;
    const fitting = operandFor(b, b.aval(base));
    return b.call("pow", [ref(base), fitting instanceof Ref ? fitting : 1.5]);
  }
  const exponent = b.draw.pick([2, 3, 4, 1, 0, -1, 0.5, 1.7, -0.5, -2, 9, 10]);
  const whole = Number.isInteger(exponent) && exponent >= 0;
  return b.call("pow", [ref(whole ? bounded(b, x, 2) : positive(b, x)), exponent]);
}

/** Something that can be combined with a line by broadcasting: a line or a number. */
export function operandFor(b: Builder, { shape, dtype }: Aval): Argument {
  const number = dtype === "f32"
    ? b.draw.chance(0.6) ? b.draw.pick([0, 0, 1, 1, -1, 2, 0.5]) : b.draw.number(-2, 2)
    : b.draw.integer(0, 3);
  if (b.draw.chance(0.2)) return number;
  const found = b.find((aval) => {
    const joint = aval.dtype === dtype ? broadcastShapes([aval.shape, shape]) : null;
    return joint !== null && sizeOf(joint) <= b.limits.size;
  });
  if (found === undefined || b.draw.chance(0.15)) return ref(b.provide(partOf(b, shape), dtype));
  return ref(found);
}

/** A shape that broadcasts to `shape`. */
function partOf(b: Builder, shape: Shape): number[] {
  const first = b.draw.integer(0, shape.length);
  return shape.slice(first).map((extent) => b.draw.chance(0.3) ? 1 : extent);
}

function binary(b: Builder): number | undefined {
  const x = b.float();
  if (x === undefined) return undefined;
  const y = operandFor(b, b.aval(x));
  const call = b.draw.pick(["add", "sub", "mul", "add", "sub", "mul", "maximum", "minimum"]);
  return b.call(call, b.draw.chance(0.5) ? [ref(x), y] : [y, ref(x)]);
}

function quotient(b: Builder): number | undefined {
  const y = b.float();
  if (y === undefined) return undefined;
  const x = operandFor(b, b.aval(y));
  if (b.draw.chance(0.15)) return b.call("div", [ref(y), b.draw.pick([2, 3, -4, 0.75])]);
  return b.call("div", [x, ref(positive(b, y))]);
}

/** Functions of one element and of two. */
export const elementwise: readonly Operation[] = [
  { name: "unary", weight: 6, make: unary },
  { name: "unary with options", weight: 3, make: unaryWithOptions },
  { name: "exp", weight: 1, make: exponential },
  { name: "root", weight: 2, make: root },
  { name: "power", weight: 1.5, make: power },
  { name: "binary", weight: 9, make: binary },
  { name: "quotient", weight: 1.5, make: quotient },
];
