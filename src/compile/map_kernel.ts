/**
 * Kernels for pointwise results of one size.
 *
 * @module
 */
import {
  addIndex,
  type Index,
  scaleIndex,
  unflattenIndex,
  variableIndex,
} from "../ir/index_expression.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  type ExpressionContext,
  Expressions,
  LANE,
  LOOP,
  memoryType,
  type Width,
} from "./expression.ts";
import {
  flatPosition,
  type GeneratedKernel,
  gridOf,
  kernelText,
  storeStatement,
} from "./kernel_source.ts";

/** Most rows that one invocation computes. */
const MOST_ROWS = 16;

/**
 * Generates the kernel that computes `results`, all of `size` elements.
 *
 * Where operands repeat along the outer axes (a scale of every channel, say), an invocation
 * computes several rows of the same four channels and loads such operands once.
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
  const rows = width === 4 ? rowsOf(results, traits) : 1;
  const blocked = rows > 1 ? build(results, context, { width, rows, traits }) : undefined;
  if (blocked?.hoisted && blocked.kernel.memory.length <= traits.maxStorageBuffers) {
    return blocked.kernel;
  }
  const { kernel } = build(results, context, { width, rows: 1, traits });
  if (kernel.memory.length <= traits.maxStorageBuffers) return kernel;
  return build(results, context, { width: 1, rows: 1, traits }).kernel;
}

/** How many rows (of the last axis) one invocation computes. */
function rowsOf(results: readonly Tensor[], { software }: DeviceTraits): number {
  const { shape, size } = results[0]!;
  const channels = shape.at(-1) ?? 1;
  const next = shape.at(-2) ?? 1;
  const least = software ? 512 : 65_536;
  if (channels % 4 !== 0 || results.some((other) => other.shape.at(-1) !== channels)) return 1;
  for (let rows = Math.min(MOST_ROWS, next); rows > 1; rows--) {
    if (next % rows === 0 && size / 4 / rows >= least) return rows;
  }
  return 1;
}

function build<B>(
  results: readonly Tensor[],
  context: ExpressionContext<B>,
  { width, rows, traits }: { width: Width; rows: number; traits: DeviceTraits },
): { kernel: GeneratedKernel<B>; hoisted: boolean } {
  const threads = results[0]!.size / width / rows;
  const written = new Set(results);
  const expressions = new Expressions<B>({
    memoryOf: (tensor) => written.has(tensor) ? undefined : context.memoryOf(tensor),
  });
  const groups = results[0]!.shape.at(-1)! / 4;
  const flat = rows === 1
    ? flatPosition("q", threads, width)
    : blockPosition(threads, groups, rows);
  const position = rows === 1 ? "q" : `(block * ${rows}u + ${LOOP}) * ${groups}u + column`;
  const stores: string[] = [];
  for (const result of results) {
    const index = unflattenIndex(flat, result.shape);
    const value = expressions.emit(result, index, width);
    const element = memoryType(result.dtype, width);
    const binding = expressions.bind(context.memoryOf(result)!, element, true);
    stores.push(storeStatement(binding, "at", { value, dtype: result.dtype, width }));
  }
  const each = [...expressions.inner, `let at = ${position};`, ...stores];
  const body = rows === 1 ? [...expressions.outer, ...each] : [
    `let column = q % ${groups}u;`,
    `let block = q / ${groups}u;`,
    ...expressions.outer,
    `for (var ${LOOP} = 0u; ${LOOP} < ${rows}u; ${LOOP}++) {`,
    ...each.map((line) => `  ${line}`),
    `}`,
  ];
  const grid = gridOf(threads, traits.maxWorkgroupsPerDimension);
  return {
    kernel: {
      code: kernelText(expressions, body, { threads, grid }),
      memory: expressions.bindings.map(({ memory }) => memory),
      workgroups: grid,
    },
    hoisted: expressions.outer.some((line) => line.includes("[")),
  };
}

/** Position of row `r` of a block of rows, four channels from `4 * column` on. */
function blockPosition(threads: number, groups: number, rows: number): Index {
  const channels = groups * 4;
  const parts = [
    scaleIndex(variableIndex("block", threads / groups), rows * channels),
    scaleIndex(variableIndex(LOOP, rows), channels),
    scaleIndex(variableIndex("column", groups), 4),
    variableIndex(LANE, 4),
  ];
  return parts.reduce(addIndex);
}
