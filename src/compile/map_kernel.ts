/**
 * Kernels for pointwise results of one size.
 *
 * @module
 */
import {
  addIndex,
  constantIndex,
  divideIndex,
  type Index,
  moduloIndex,
  scaleIndex,
  unflattenIndex,
  variableIndex,
} from "../ir/index_expression.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type ExpressionContext, Expressions, LANE, LOOP } from "./expression.ts";
import {
  fitsBuffers,
  type GeneratedKernel,
  generatedKernel,
  storeStatement,
} from "./kernel_source.ts";
import { rootOf } from "./storage.ts";
import { memoryType, type Width } from "./wgsl_values.ts";

/** Most rows that one invocation computes. */
const MOST_ROWS = 16;

/**
 * Generates the kernel that computes `results`, all of `size` elements.
 *
 * Where operands repeat along the outer axes (a scale of every channel, say), an invocation
 * computes several rows of the same four channels and loads such operands once. Where two
 * neighbouring rows share an operand (the gradient of their pooling window, say), it computes them
 * together.
 *
 * @param results Pointwise tensors.
 * @param context Memory of what they read and of themselves.
 * @param traits The adapter.
 * @returns The kernel; where the results together read too many buffers, it does not fit the adapter.
 */
export function mapKernel<B>(
  results: readonly Tensor[],
  context: ExpressionContext<B>,
  traits: DeviceTraits,
): GeneratedKernel<B> {
  const size = results[0]!.size;
  const width: Width = size % 4 === 0 && size >= traits.costs.leastVectors ? 4 : 1;
  const rows = width === 4 ? rowsOf(results, traits) : 1;
  const attempt = (width: Width, rows: number, together: number) =>
    build(results, context, { width, rows, together, traits });
  const fits = ({ kernel }: Built<B>): boolean => fitsBuffers(kernel, traits);
  if (rows > 1) {
    const single = attempt(width, rows, 1);
    const pairs = rows % 2 === 0 ? attempt(width, rows, 2) : single;
    const shares = pairs.innerLoads < 2 * single.innerLoads;
    if (shares && fits(pairs)) return pairs.kernel;
    if (single.hoisted && fits(single)) return single.kernel;
  }
  const plain = attempt(width, 1, 1);
  return fits(plain) ? plain.kernel : attempt(1, 1, 1).kernel;
}

/** A kernel, and what decides whether it is worth its rows. */
interface Built<B> {
  readonly kernel: GeneratedKernel<B>;
  /** Whether rows share a load outside of the loop over them. */
  readonly hoisted: boolean;
  /** Loads in the loop. */
  readonly innerLoads: number;
}

/** How many rows (of the last axis) one invocation computes. */
function rowsOf(results: readonly Tensor[], { costs }: DeviceTraits): number {
  const { shape, size } = results[0]!;
  const channels = shape.at(-1) ?? 1;
  const next = shape.at(-2) ?? 1;
  if (channels % 4 !== 0 || results.some((other) => other.shape.at(-1) !== channels)) return 1;
  for (let rows = Math.min(MOST_ROWS, next); rows > 1; rows--) {
    if (next % rows === 0 && size / 4 / rows >= costs.busy.mapped) return rows;
  }
  return 1;
}

function build<B>(
  results: readonly Tensor[],
  context: ExpressionContext<B>,
  { width, rows, together, traits }: {
    width: Width;
    rows: number;
    together: number;
    traits: DeviceTraits;
  },
): Built<B> {
  const threads = results[0]!.size / width / rows;
  const written = new Set(results);
  const expressions = new Expressions<B>({
    // A reshape of a result is not in memory yet either.
    memoryOf: (tensor) => written.has(rootOf(tensor)) ? undefined : context.memoryOf(tensor),
  });
  const groups = results[0]!.shape.at(-1)! / 4;
  const q = variableIndex("q", threads);
  const rowsOfThread = rows === 1 ? [] : [
    ...expressions.define("column", moduloIndex(q, groups)),
    ...expressions.define("block", divideIndex(q, groups)),
  ];
  const stores: string[] = [];
  for (let row = 0; row < together; row++) {
    const position = rows === 1 ? q : blockPosition({ threads, groups, rows, together, row });
    const flat = width === 1 ? position : addIndex(scaleIndex(position, 4), variableIndex(LANE, 4));
    const at = rows === 1 ? "q" : expressions.index(position);
    for (const result of results) {
      const memory = context.memoryOf(result);
      // Only other results are computed of it.
      if (memory === undefined) continue;
      const value = expressions.emit(result, unflattenIndex(flat, result.shape), width);
      const binding = expressions.bind(memory, memoryType(result.dtype, width), true);
      stores.push(storeStatement(binding, at, { value, dtype: result.dtype, width }));
    }
  }
  const each = [...expressions.inner, ...stores];
  // Nothing is gained where it is unrolled: what it takes apart does not depend on the row.
  const bound = rows === together ? "1u" : expressions.size(rows / together);
  const body = rows === 1 ? [...expressions.outer, ...each] : [
    ...rowsOfThread,
    ...expressions.outer,
    `for (var ${LOOP} = 0u; ${LOOP} < ${bound}; ${LOOP}++) {`,
    ...each.map((line) => `  ${line}`),
    `}`,
  ];
  return {
    kernel: generatedKernel(expressions, body, { threads, traits }),
    hoisted: expressions.loads.outer > 0,
    innerLoads: expressions.loads.inner,
  };
}

/** Vector `column` of row `together * r + row` of a block of rows. */
function blockPosition({ threads, groups, rows, together, row }: {
  threads: number;
  groups: number;
  rows: number;
  together: number;
  row: number;
}): Index {
  const parts = [
    scaleIndex(variableIndex("block", threads / groups), rows * groups),
    scaleIndex(variableIndex(LOOP, rows / together), together * groups),
    constantIndex(row * groups),
    variableIndex("column", groups),
  ];
  return parts.reduce(addIndex);
}
