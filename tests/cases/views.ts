/** Random views. @module */
import type { Shape } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { broadcast, permute, reshape, reverse, slice } from "../../src/ops/mod.ts";
import { integer, pick, shuffled } from "./random.ts";

function randomFactors(next: () => number, size: number): Shape {
  const shape: number[] = [];
  for (let rest = size; rest > 1;) {
    const small = Array.from({ length: Math.floor(Math.sqrt(rest)) }, (_, k) => k + 1)
      .filter((k) => rest % k === 0);
    const divisors = [...new Set([...small, ...small.map((k) => rest / k).reverse()])];
    const factor = pick(next, divisors);
    shape.push(factor);
    rest /= factor;
  }
  return shuffled(next, shape.length < 3 ? [...shape, 1] : shape);
}

/** A random reshape, permutation, reversal, repetition or slice of a tensor. */
export function randomView(next: () => number, x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  switch (integer(next, 0, 4)) {
    case 0:
      return reshape(x, randomFactors(next, x.size));
    case 1:
      return permute(x, shuffled(next, axes));
    case 2:
      return reverse(x, axes.filter(() => next() < 0.5));
    case 3: {
      if (x.size > 300) return x;
      const at = integer(next, 0, x.rank);
      const shape = [...x.shape.slice(0, at), integer(next, 1, 3), ...x.shape.slice(at)];
      return broadcast(x, shape, axes.map((axis) => axis < at ? axis : axis + 1));
    }
    default: {
      const stride = axes.map(() => pick(next, [1, 1, 2, 2, 3, 4]));
      const start = axes.map((axis) => integer(next, 0, Math.min(2, x.shape[axis]! - 1)));
      const shape = axes.map((axis) =>
        Math.floor((x.shape[axis]! - 1 - start[axis]!) / stride[axis]!) + 1
      );
      return slice(x, { start, shape, stride });
    }
  }
}
