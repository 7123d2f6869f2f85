/**
 * How axes go through primitives: which axis of each operand a part of a result needs a part of. The
 * primitives are known by their names, lest every bundle has all of them.
 *
 * @module
 */
import { type Shape, sizeOf } from "../ir/aval.ts";
import type { Node } from "../ir/tensor.ts";
import type { BroadcastParams } from "../ops/broadcast.ts";
import type { ConcatParams } from "../ops/concat.ts";
import type { IotaParams } from "../ops/fill.ts";
import type { GatherParams } from "../ops/gather.ts";
import type { MatmulParams } from "../ops/matmul.ts";
import type { PermuteParams } from "../ops/reshape.ts";
import type { ReverseParams } from "../ops/reverse.ts";
import type { PadParams, SliceParams } from "../ops/slice_pad.ts";
import { keptAxes, type ReduceParams } from "../ops/sum.ts";

/**
 * One way of doing an application part by part: a part of every operand that has an axis here, and all
 * of those that have `null`, give that part of the result.
 */
export interface AxisPattern {
  /** The axis of each operand; `null`: all of it is needed for each part. */
  readonly inputs: readonly (number | null)[];
  /** The axis of the result; `null`: the results of the parts are combined. */
  readonly output: number | null;
  /** How results of parts are combined where `output` is `null`. */
  readonly combine?: "sum" | "max";
}

type Rule = (node: Node) => AxisPattern[];

/** Patterns in which operand and result have the same axis, for the axes that pass. */
function same(shape: Shape, operands: number, passes: (axis: number) => boolean): AxisPattern[] {
  return shape.flatMap((_, axis) =>
    passes(axis) ? [{ inputs: new Array<number>(operands).fill(axis), output: axis }] : []
  );
}

/** Axes that a reduction keeps, and for sums and maxima those that it reduces. */
function reduction(combine?: "sum" | "max"): Rule {
  return ({ params, inputs: [x] }) => {
    const { axes } = params as ReduceParams;
    const kept = keptAxes(x!.shape, axes);
    return [
      ...kept.map((axis, output): AxisPattern => ({ inputs: [axis], output })),
      ...(combine ? axes.map((axis) => ({ inputs: [axis], output: null, combine })) : []),
    ];
  };
}

/** Patterns of bilinear primitives: a row for each index of the product, as in an einsum. */
function bilinear(
  rows: readonly (readonly [number | null, number | null, number | null])[],
): AxisPattern[] {
  return rows.map(([a, b, output]) =>
    output === null ? { inputs: [a, b], output, combine: "sum" } : { inputs: [a, b], output }
  );
}

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["identity", ({ inputs: [x] }) => same(x!.shape, 1, () => true)],
  ["barrier", ({ inputs: [x] }) => same(x!.shape, 1, () => true)],
  ["stop_gradient", ({ inputs: [x] }) => same(x!.shape, 1, () => true)],
  ["fill", ({ outputs: [y] }) => same(y!.shape, 0, () => true)],
  [
    "iota",
    ({ params, outputs: [y] }) =>
      same(y!.shape, 0, (axis) => !(params as IotaParams).axes.includes(axis)),
  ],
  ["broadcast", ({ params }) => {
    const { shape, axes } = params as BroadcastParams;
    return shape.map((_, output) => {
      const axis = axes.indexOf(output);
      return { inputs: [axis < 0 ? null : axis], output };
    });
  }],
  [
    "permute",
    ({ params }) =>
      (params as PermuteParams).order.map((axis, output) => ({ inputs: [axis], output })),
  ],
  [
    "reverse",
    ({ params, inputs: [x] }) =>
      same(x!.shape, 1, (axis) => !(params as ReverseParams).axes.includes(axis)),
  ],
  ["slice", ({ params, inputs: [x] }) => {
    const { start, shape, stride } = params as SliceParams;
    const whole = (axis: number): boolean =>
      start[axis] === 0 && stride[axis] === 1 && shape[axis] === x!.shape[axis];
    return same(x!.shape, 1, whole);
  }],
  ["pad", ({ params, inputs: [x] }) => {
    const { low, high, interior } = params as PadParams;
    return same(x!.shape, 1, (axis) => low[axis] === 0 && high[axis] === 0 && interior[axis] === 0);
  }],
  [
    "concat",
    ({ params, inputs, outputs: [y] }) =>
      same(y!.shape, inputs.length, (axis) => axis !== (params as ConcatParams).axis),
  ],
  ["gather", ({ params, inputs: [x], outputs: [y] }) => {
    const { batchAxes } = params as GatherParams;
    return [
      ...same(x!.shape.slice(0, batchAxes), 2, () => true),
      { inputs: [null, batchAxes], output: batchAxes },
      ...y!.shape.flatMap((_, axis) =>
        axis > batchAxes ? [{ inputs: [axis, null], output: axis }] : []
      ),
    ];
  }],
  // Every key has its own stream; along the other axes a part would need another counter.
  ["random_bits", ({ inputs: [key] }) => same(key!.shape.slice(0, -1), 1, () => true)],
  ["sum", reduction("sum")],
  ["reduce_max", reduction("max")],
  ["argmax", reduction()],
  ["matmul", ({ params, inputs: [a] }) => {
    const { transposeA, transposeB } = params as MatmulParams;
    const [row, column] = [a!.rank - 2, a!.rank - 1];
    return [
      ...same(a!.shape.slice(0, -2), 2, () => true),
      ...bilinear([
        [transposeA ? column : row, null, row],
        [null, transposeB ? row : column, column],
        [transposeA ? row : column, transposeB ? column : row, null],
      ]),
    ];
  }],
  // Images [set, image, height, width, channel], filters [set, height, width, in, out].
  ["conv2d", () => bilinear([[0, 0, 0], [1, null, 1], [null, 4, 4], [4, 3, null]])],
  ["conv2d_input_grad", () => bilinear([[0, 0, 0], [null, 1, 1], [3, null, 4], [4, 4, null]])],
  ["conv2d_filter_grad", () => bilinear([[0, 0, 0], [1, 1, null], [4, null, 3], [null, 4, 4]])],
]);

/** Primitives among whose parameters is the shape of the result. */
const SHAPED: ReadonlySet<string> = new Set([
  "broadcast",
  "reshape",
  "slice",
  "fill",
  "iota",
]);

/**
 * All ways of doing an application in parts along an axis.
 *
 * @param node The application.
 * @param extent Number of the smallest parts: an axis of extent `k * extent` goes in steps of `k`.
 * @returns The patterns; none for a primitive that needs its operands whole.
 */
export function axisPatterns(node: Node, extent: number): AxisPattern[] {
  const { primitive, inputs, outputs: [output] } = node;
  const { lower } = primitive;
  const fits = (shape: Shape, axis: number | null): boolean =>
    axis === null || (shape[axis]! > 0 && shape[axis]! % extent === 0);
  const found = RULES.get(primitive.name)?.(node) ??
    (primitive.name === "reshape"
      ? reshaped(inputs[0]!.shape, output!.shape, extent)
      : lower.kind === "pointwise" && lower.elementwise
      ? same(output!.shape, inputs.length, () => true)
      : []);
  return found.filter((pattern) =>
    fits(output!.shape, pattern.output) &&
    pattern.inputs.every((axis, k) => fits(inputs[k]!.shape, axis))
  );
}

/**
 * Axes of a reshape: elements before an axis, and steps along it, must be as many in both shapes. So an
 * axis may be joined with axes behind it, or be parted from them.
 */
function reshaped(from: Shape, to: Shape, extent: number): AxisPattern[] {
  const steps = (shape: Shape, axis: number): boolean => shape[axis]! % extent === 0;
  const before = (shape: Shape, axis: number): number => sizeOf(shape.slice(0, axis));
  return from.flatMap((_, axis) => {
    if (!steps(from, axis)) return [];
    const output = to.findIndex((_, k) => steps(to, k) && before(to, k) === before(from, axis));
    return output < 0 ? [] : [{ inputs: [axis], output }];
  });
}

/**
 * Parameters with which a part of an application's result is computed.
 *
 * @param node The application.
 * @param shape Shape of the part of its result.
 */
export function partParams({ primitive, params }: Node, shape: Shape): unknown {
  return SHAPED.has(primitive.name) ? { ...params as object, shape } : params;
}
