/**
 * Operations of generated kernels.
 *
 * @module
 */
import { nodeFlops } from "../ir/program.ts";
import type { Tensor } from "../ir/tensor.ts";

/**
 * Floating-point operations of a generated kernel: of its results and of everything that it computes on the way
 * to them because it is not in memory.
 *
 * @param results What the kernel writes.
 * @param inMemory Whether another tensor is read from memory.
 * @returns Their number, as {@linkcode programFlops} counts them.
 */
export function unitFlops(
  results: readonly Tensor[],
  inMemory: (tensor: Tensor) => boolean,
): number {
  const seen = new Set<Tensor>();
  const open = [...results];
  const written = new Set(results);
  let flops = 0;
  while (open.length > 0) {
    const tensor = open.pop()!;
    if (seen.has(tensor) || (!written.has(tensor) && inMemory(tensor))) continue;
    seen.add(tensor);
    flops += nodeFlops(tensor.node);
    open.push(...tensor.node.inputs);
  }
  return flops;
}
