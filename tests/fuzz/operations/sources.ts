/** Constants and random numbers. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import type { Builder } from "../builder.ts";
import { type Operation, options, ref } from "./operation.ts";

/** A shape that fits what is there: that of a line, or a new one. */
function someShape(b: Builder): number[] {
  const like = b.find(() => true);
  return like !== undefined && b.draw.chance(0.7)
    ? [...b.aval(like).shape]
    : b.shape(b.draw.integer(0, 3), 64);
}

function created(b: Builder): number | undefined {
  const shape = someShape(b);
  const dtype = b.draw.pick(["f32", "f32", "f32", "i32", "u32", "bool"] as const);
  const like = b.find(() => true);
  switch (b.draw.pick(["full", "zeros", "ones", "like", "range", "eye", "constant"])) {
    case "full": {
      const value = dtype === "f32" ? b.draw.number(-2, 2) : 1;
      return b.call("full", [shape, { value, dtype }]);
    }
    case "zeros":
      return b.call("zeros", [shape, dtype]);
    case "ones":
      return b.call("ones", [shape]);
    case "like":
      return like === undefined
        ? undefined
        : b.call(b.draw.pick(["zerosLike", "onesLike"]), [ref(like)]);
    case "range": {
      const count = b.draw.pick([1, 2, 3, 4, 5, 8, 8, 9, 16]);
      const numbers = b.call("range", [count, b.draw.pick(["f32", "i32", "u32"])]);
      const by = b.draw.pick([1, -1, 2, -2, 3]);
      return by === 1 ? numbers : b.call("slice", [ref(numbers), [[null, null, by]]]);
    }
    case "eye":
      return b.call("eye", [b.extent()]);
    default:
      return sizeOf(shape) > 64 ? undefined : b.provide(shape, "f32", "grid");
  }
}

/** A key: an input, that of a seed, or one derived from another. */
export function key(b: Builder): number {
  const found = b.find(({ dtype, shape }) => dtype === "u32" && shape.join() === "2");
  const start = found !== undefined && b.draw.chance(0.4)
    ? found
    : b.depth === 0 && b.draw.chance(0.5)
    ? b.input([2], "u32", "key")
    : b.call("randomKey", [b.draw.integer(0, 2 ** 31)]);
  switch (b.draw.pick(["none", "none", "splitKey", "splitKeys", "foldIn", "fold a tensor"])) {
    case "splitKey":
      return b.call("splitKey", [ref(start), 3], b.draw.integer(0, 2));
    case "splitKeys":
      return b.call("slice", [ref(b.call("splitKeys", [ref(start), 2])), [b.draw.integer(0, 1)]]);
    case "foldIn":
      return b.call("foldIn", [ref(start), b.draw.integer(0, 9)]);
    case "fold a tensor": {
      const number = b.provide([], b.draw.pick(["i32", "u32"]));
      return b.call("foldIn", [ref(start), ref(number)]);
    }
    default:
      return start;
  }
}

function random(b: Builder): number | undefined {
  const from = ref(key(b));
  const shape = someShape(b);
  switch (b.draw.pick(["uniform", "uniform", "normal", "bernoulli", "randomIntegers", "bits"])) {
    case "uniform":
      return b.call("uniform", [from, shape, options(b, { low: -1, high: 1.5 })]);
    case "normal":
      return b.call("normal", [from, shape, options(b, { mean: 0.5, deviation: 0.25 })]);
    case "bernoulli":
      return b.call("bernoulli", [from, shape, options(b, { probability: 0.25 })]);
    case "randomIntegers": {
      const dtype = b.draw.pick(["i32", "u32"]);
      return b.call("randomIntegers", [from, shape, { low: 0, high: b.draw.integer(1, 7), dtype }]);
    }
    default:
      return b.call("bits", [from, shape]);
  }
}

/** Constants and random numbers. */
export const sources: readonly Operation[] = [
  { name: "created", weight: 1.5, make: created },
  { name: "random", weight: 1.5, make: random },
];
