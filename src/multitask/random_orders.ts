import type { Tensor } from "../ir/tensor.ts";
import { splitKey, uniform } from "../random/mod.ts";
import { convert, expandDims, less, reshape, sum } from "../tensor/mod.ts";

/**
 * Draws an order of all tasks for each of them.
 *
 * @param key The random key.
 * @param tasks Number of tasks.
 * @returns For each task (row) the places of all tasks, `f32[tasks, tasks]`.
 */
export function randomOrders(key: Tensor, tasks: number): Tensor {
  const [own] = splitKey(key, 1);
  const scores = uniform(own!, [tasks, tasks]);
  const before = less(reshape(scores, [tasks, 1, tasks]), expandDims(scores, 2));
  return sum(convert(before, "f32"), { axes: 2 });
}
