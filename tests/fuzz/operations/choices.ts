/** Comparisons, logic, selection, integers and conversions. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import { broadcastShapes } from "../../../src/tensor/operand.ts";
import type { Builder } from "../builder.ts";
import type { Argument } from "../recipe.ts";
import { operandFor } from "./elementwise.ts";
import { type Operation, options, ref } from "./operation.ts";

const COMPARISONS = ["equal", "less", "lessEqual", "greater", "greaterEqual", "notEqual"];

function comparison(b: Builder): number | undefined {
  const x = b.find(({ dtype }) => dtype !== "bool");
  if (x === undefined) return undefined;
  if (b.aval(x).dtype === "f32" && b.draw.chance(0.1)) {
    return b.call(b.draw.pick(["isNan", "isFinite"]), [ref(x)]);
  }
  return b.call(b.draw.pick(COMPARISONS), [ref(x), operandFor(b, b.aval(x))]);
}

/** A condition that can be combined with a line by broadcasting. */
function conditionFor(b: Builder, line: number): number {
  const { shape, dtype } = b.aval(line);
  if (b.draw.chance(0.3)) {
    return b.call("full", [[...shape], { value: b.draw.integer(0, 1), dtype: "bool" }]);
  }
  const found = b.find((aval) => {
    const joint = aval.dtype === "bool" ? broadcastShapes([aval.shape, shape]) : null;
    return joint !== null && sizeOf(joint) <= b.limits.size;
  });
  if (found !== undefined && b.draw.chance(0.7)) return found;
  if (dtype === "bool") return line;
  return b.call(b.draw.pick(COMPARISONS), [ref(line), operandFor(b, b.aval(line))]);
}

function logic(b: Builder): number | undefined {
  const x = b.find(({ dtype }) => dtype === "bool");
  if (x === undefined) return undefined;
  if (b.draw.chance(0.3)) return b.call("logicalNot", [ref(x)]);
  const y = b.draw.chance(0.15) ? b.draw.pick([0, 1]) : ref(conditionFor(b, x));
  return b.call(b.draw.pick(["logicalAnd", "logicalOr"]), [ref(x), y]);
}

function where(b: Builder): number | undefined {
  const x = b.draw.chance(0.8) ? b.float() : b.find(() => true);
  if (x === undefined) return undefined;
  const condition = conditionFor(b, x);
  const joint = broadcastShapes([b.aval(condition).shape, b.aval(x).shape]);
  if (joint === null || b.aval(x).dtype === "bool") return undefined;
  const y = operandFor(b, b.aval(x));
  const fits = typeof y === "number" || joint === null ||
    broadcastShapes([b.aval(condition).shape, b.aval(x).shape, shapeOf(b, y)]) !== null;
  if (!fits) return undefined;
  return b.call(
    "where",
    b.draw.chance(0.5) ? [ref(condition), ref(x), y] : [ref(condition), y, ref(x)],
  );
}

function shapeOf(b: Builder, argument: Argument): readonly number[] {
  return typeof argument === "object" && argument !== null && "line" in argument
    ? b.aval(argument.line as number).shape
    : [];
}

/** Largest `f32` that is converted to an integer. */
const MOST_CONVERTED = 1e4;

function conversion(b: Builder): number | undefined {
  const x = b.find(() => true);
  if (x === undefined) return undefined;
  const { dtype } = b.aval(x);
  const targets = dtype === "f32"
    ? b.bound(x) > MOST_CONVERTED ? ["bool"] : b.least(x) >= 0 ? ["i32", "u32", "bool"] : ["i32"]
    : ["f32", "f32", "f32", "i32", "u32", "bool"];
  return b.call("convert", [ref(x), b.draw.pick(targets)]);
}

function integers(b: Builder): number | undefined {
  const x = b.find(({ dtype }) => dtype === "i32" || dtype === "u32");
  if (x === undefined) return undefined;
  const aval = b.aval(x);
  if (b.draw.chance(0.3)) {
    if (b.draw.chance(0.3)) {
      return b.call("clip", [ref(x), options(b, { low: 1, high: 3 })]);
    }
    const calls = aval.dtype === "i32" ? ["neg", "abs", "sign", "square"] : ["square"];
    return b.call(b.draw.pick(calls), [ref(x)]);
  }
  if (b.draw.chance(0.25)) return b.call("div", [ref(x), b.draw.pick([1, 2, 3, 5])]);
  const call = b.draw.pick(["add", "sub", "mul", "maximum", "minimum"]);
  const y = operandFor(b, aval);
  return b.call(call, b.draw.chance(0.5) ? [ref(x), y] : [y, ref(x)]);
}

function oneHot(b: Builder): number | undefined {
  const x = b.find(({ dtype, shape }) =>
    dtype === "i32" && shape.length < 5 && sizeOf(shape) <= b.limits.size / 5
  );
  return x === undefined ? undefined : b.call("oneHot", [ref(x), b.draw.integer(1, 5)]);
}

/** Comparisons, logic, selection, integers and conversions. */
export const choices: readonly Operation[] = [
  { name: "comparison", weight: 2, make: comparison },
  { name: "logic", weight: 1, make: logic },
  { name: "where", weight: 4, make: where },
  { name: "conversion", weight: 1.5, make: conversion },
  { name: "integers", weight: 1.5, make: integers },
  { name: "oneHot", weight: 1, make: oneHot },
];
