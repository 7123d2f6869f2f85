/**
 * Kernels for pointwise results of one size.
 *
 * @module
 */
import { unflattenIndex } from "../ir/index_expression.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type ExpressionContext, Expressions, memoryType, type Width } from "./expression.ts";
import {
  flatPosition,
  type GeneratedKernel,
  gridOf,
  kernelText,
  storeStatement,
} from "./kernel_source.ts";

/**
 * Generates the kernel that computes `results`, all of `size` elements.
 *
 * @param results Pointwise tensors.
 * @param context Memory of what they read and of themselves.
 * @param traits The adapter.
 */
export function mapKernel<B>(
  results: readonly Tensor[],
  context: ExpressionContext<B>,
  traits: DeviceTraits,
): GeneratedKernel<B> {
  const size = results[0]!.size;
  const width: Width = size % 4 === 0 ? 4 : 1;
  const kernel = build(results, context, { width, most: traits.maxWorkgroupsPerDimension });
  if (kernel.memory.length <= traits.maxStorageBuffers) return kernel;
  return build(results, context, { width: 1, most: traits.maxWorkgroupsPerDimension });
}

function build<B>(
  results: readonly Tensor[],
  context: ExpressionContext<B>,
  { width, most }: { width: Width; most: number },
): GeneratedKernel<B> {
  const threads = results[0]!.size / width;
  const written = new Set(results);
  const expressions = new Expressions<B>({
    memoryOf: (tensor) => written.has(tensor) ? undefined : context.memoryOf(tensor),
  });
  const flat = flatPosition("q", threads, width);
  const stores: string[] = [];
  for (const result of results) {
    const index = unflattenIndex(flat, result.shape);
    const value = expressions.emit(result, index, width);
    const element = memoryType(result.dtype, width);
    const binding = expressions.bind(context.memoryOf(result)!, element, true);
    stores.push(storeStatement(binding, "q", { value, dtype: result.dtype, width }));
  }
  const grid = gridOf(threads, most);
  const body = [...expressions.outer, ...expressions.inner, ...stores];
  return {
    code: kernelText(expressions, body, { threads, grid }),
    memory: expressions.bindings.map(({ memory }) => memory),
    workgroups: grid,
  };
}
