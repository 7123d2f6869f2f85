/**
 * Constants, views, reductions and selection of rows on TensorFlow.js.
 *
 * @module
 */
import { type DType, sameShape, type Shape, sizeOf, stridesOf } from "../ir/aval.ts";
import type { Node } from "../ir/tensor.ts";
import type { BroadcastParams } from "../ops/broadcast.ts";
import type { ConcatParams } from "../ops/concat.ts";
import { type FillParams, iotaP, type IotaParams } from "../ops/fill.ts";
import type { GatherParams, ScatterAddParams } from "../ops/gather.ts";
import type { PermuteParams } from "../ops/reshape.ts";
import type { ReverseParams } from "../ops/reverse.ts";
import type { PadParams, SliceParams } from "../ops/slice_pad.ts";
import type { LiteralParams } from "../ops/source.ts";
import type { StandardizeParams } from "../ops/standardize.ts";
import type { ReduceParams } from "../ops/sum.ts";
import { mergeAxes } from "./axes.ts";
import type { HostArray } from "../ir/host_array.ts";
import { type Held, hold, shared, whole } from "./held.ts";
import { concatOnHost, movesFew, viewOnHost } from "./host_moves.ts";
import { type Implementation, MOST_AXES } from "./implementation.ts";
import type { Tf, TfTensor } from "./load.ts";
import { pooledMax, pooledSum } from "./windows.ts";

const numeric: readonly DType[] = ["f32", "i32"];
const every: readonly DType[] = ["f32", "i32", "bool"];

/** An implementation that needs its operands whole and computes a result of the final shape. */
function plain<P>(
  dtypes: readonly DType[],
  run: (
    tf: Tf,
    params: P,
    tensors: readonly TfTensor[],
    node: Node,
  ) => ReturnType<Implementation["run"]>,
): Implementation {
  return {
    dtypes,
    run: (tf, node, operands) =>
      run(tf, node.params as P, operands.map((held) => whole(tf, held)), node),
  };
}

/** A new shape for the same elements, which may be left with extents 1 where they only repeat. */
function relabel<P>(run: (params: P, x: TfTensor) => TfTensor): Implementation {
  return {
    dtypes: every,
    run: (_, { params }, [held]) => run(params as P, (held as Held & { kind: "tensor" }).tensor),
  };
}

/** A view of one operand, which may be left with extents 1 where it only repeats. */
function view<P>(
  run: (tf: Tf, params: P, x: TfTensor, node: Node) => TfTensor | undefined,
): Implementation {
  return {
    dtypes: every,
    run: (tf, node, [held]) => {
      const { tensor } = held as Held & { kind: "tensor" };
      if (tensor.dtype !== "bool") return run(tf, node.params as P, tensor, node);
      // The wasm backend moves booleans wrongly: their elements have one byte.
      return run(tf, node.params as P, tf.cast(tensor, "float32"), node)?.cast("bool");
    },
  };
}

/** Runs `fn` with neighbouring axes merged that are treated alike. */
function merged(
  x: TfTensor,
  roles: readonly (string | undefined)[],
  fn: (x: TfTensor, firstAxes: readonly number[]) => TfTensor,
): TfTensor | undefined {
  const { merged: [shape], firstAxes } = mergeAxes([x.shape], roles);
  return shape!.length > MOST_AXES ? undefined : fn(x.reshape([...shape!]), firstAxes);
}

function permuted(tf: Tf, x: TfTensor, order: readonly number[]): TfTensor | undefined {
  // Axes that stay neighbours in their order move as one.
  const position = order.map((_, axis) => order.indexOf(axis));
  let run = 0;
  const roles = x.shape.map((_, axis) => {
    if (axis > 0 && position[axis] !== position[axis - 1]! + 1) run++;
    return String(run);
  });
  const shape = order.map((axis) => x.shape[axis]!);
  const joined = mergeAxes([x.shape.map((extent) => Math.max(extent, 2))], roles).firstAxes;
  const sizes = joined.map((first, k) => sizeOf(x.shape.slice(first, joined[k + 1])));
  if (joined.length > 6) return undefined;
  const mergedOrder = order.filter((axis) => joined.includes(axis))
    .map((axis) => joined.indexOf(axis));
  return tf.transpose(x.reshape(sizes), mergedOrder).reshape(shape);
}

function sliced(tf: Tf, { start, shape, stride }: SliceParams, x: TfTensor): TfTensor {
  // Along an axis that is only repeated there is one element to take.
  const repeated = x.shape.map((extent) => extent === 1);
  const first = start.map((at, axis) => repeated[axis] ? 0 : at);
  const count = shape.map((extent, axis) => repeated[axis] ? 1 : extent);
  const step = stride.map((by, axis) => repeated[axis] || count[axis] === 1 ? 1 : by);
  if (sameShape(count, x.shape)) return x;
  const strides = stridesOf(x.shape);
  if (step.some((by) => by > 1)) {
    return viewOnHost(tf, x, count, {
      offset: first.reduce((sum, at, axis) => sum + at * strides[axis]!, 0),
      strides: strides.map((stride, axis) => stride * step[axis]!),
    });
  }
  const cut = contiguous(x.shape, first, count);
  const flat = x.reshape(cut.map(({ extent }) => extent));
  const [begin, size] = [cut.map(({ first }) => first), cut.map(({ count }) => count)];
  const inner = size.at(-1) ?? 1;
  if (size.length <= MOST_AXES && (!movesFew(inner) || x.size === inner)) {
    return tf.slice(flat, begin, size).reshape(count);
  }
  const along = stridesOf(flat.shape);
  const offset = begin.reduce((sum, at, axis) => sum + at * along[axis]!, 0);
  return viewOnHost(tf, flat, size, { offset, strides: along }).reshape(count);
}

/** A range of an axis. */
interface Cut {
  readonly extent: number;
  readonly first: number;
  readonly count: number;
}

/** Ranges of all axes; an axis takes those behind it with it that are whole. */
function contiguous(shape: Shape, first: Shape, count: Shape): Cut[] {
  const cuts: Cut[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const own = { extent: shape[axis]!, first: first[axis]!, count: count[axis]! };
    const next = cuts[0];
    if (next?.count !== next?.extent || next === undefined) cuts.unshift(own);
    else {
      cuts[0] = {
        extent: own.extent * next.extent,
        first: own.first * next.extent,
        count: own.count * next.extent,
      };
    }
  }
  return cuts;
}

/** Zeros between the elements of one axis. */
export function dilate(
  tf: Tf,
  x: TfTensor,
  { axis, zeros }: { readonly axis: number; readonly zeros: number },
): TfTensor {
  const extent = x.shape[axis]!;
  if (zeros === 0 || extent <= 1) return x;
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  const apart = tf.pad(x.reshape([outer, extent, 1, inner]), [[0, 0], [0, 0], [0, zeros], [0, 0]]);
  const long = extent * (zeros + 1);
  const tail = tf.slice(apart.reshape([outer, long, inner]), [0, 0, 0], [
    outer,
    long - zeros,
    inner,
  ]);
  return tail.reshape([...x.shape.slice(0, axis), long - zeros, ...x.shape.slice(axis + 1)]);
}

function padded(tf: Tf, { low, high, interior }: PadParams, x: TfTensor): TfTensor | undefined {
  const wide = interior.reduce((so, zeros, axis) => dilate(tf, so, { axis, zeros }), x);
  const roles = low.map((zeros, axis) => zeros === 0 && high[axis] === 0 ? "" : undefined);
  if (roles.every((role) => role === "")) return wide;
  return merged(
    wide,
    roles,
    (flat, axes) => tf.pad(flat, axes.map((axis) => [low[axis]!, high[axis]!])),
  )?.reshape(low.map((zeros, axis) => zeros + wide.shape[axis]! + high[axis]!));
}

/** Brings the reduced axes together behind the kept ones: `[kept, reduced]`. */
function reducedLast(tf: Tf, x: TfTensor, axes: readonly number[]): TfTensor | undefined {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const count = sizeOf(axes.map((axis) => x.shape[axis]!));
  return permuted(tf, x, [...kept, ...axes])?.reshape([x.size / count, count]);
}

/** Sum over axes, which keep the extent 1. */
function sumKeeping(tf: Tf, x: TfTensor, axes: readonly number[]): TfTensor {
  const pooled = pooledSum(tf, x, axes);
  if (pooled) {
    return axes.every((axis) => pooled.shape[axis] === 1) ? pooled : sumKeeping(tf, pooled, axes);
  }
  const [axis] = axes as [number];
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  if (axes.length > 1 || inner === 1) return tf.sum(x, [...axes], true);
  // A product with ones is many times faster than the sum over any axis but the last.
  const count = x.shape[axis]!;
  return tf.matMul(tf.fill([outer, 1, count], 1), x.reshape([outer, count, inner]))
    .reshape(x.shape.map((extent, at) => at === axis ? 1 : extent));
}

/** Calls `fn` with neighbouring axes merged that are both summed or both kept. */
function summing<T>(
  x: TfTensor,
  axes: readonly number[],
  fn: (x: TfTensor, axes: readonly number[]) => T,
): T | undefined {
  const roles = x.shape.map((_, axis) => axes.includes(axis) ? "sum" : "");
  const { merged: [shape], firstAxes } = mergeAxes([x.shape], roles);
  if (shape!.length > MOST_AXES) return undefined;
  return fn(
    x.reshape([...shape!]),
    firstAxes.flatMap((axis, k) => axes.includes(axis) ? [k] : []),
  );
}

/** `(x - mean) / sqrt(variance + epsilon)`, the mean, and that scale. */
function standardized(
  tf: Tf,
  { axes, epsilon }: StandardizeParams,
  x: TfTensor,
): [normal: TfTensor, mean: TfTensor, scale: TfTensor] | undefined {
  const factor = tf.scalar(1 / sizeOf(axes.map((axis) => x.shape[axis]!)));
  return summing(x, axes, (flat, over) => {
    const meanOf = (tensor: TfTensor): TfTensor => tf.mul(sumKeeping(tf, tensor, over), factor);
    const mean = meanOf(flat);
    const centred = tf.sub(flat, mean);
    const variance = meanOf(tf.square(centred));
    const scale = tf.rsqrt(tf.add(variance, tf.fill(variance.shape, epsilon)));
    return [tf.mul(centred, scale), mean, scale];
  });
}

/** Positions of the rows that indices name, in all batches behind each other. */
function rowPositions(tf: Tf, indices: TfTensor, rows: number): TfTensor {
  const count = indices.shape.at(-1)!;
  const positions = indices.dataSync<"int32">().map((index, k) =>
    Math.min(Math.max(index, 0), rows - 1) + Math.floor(k / count) * rows
  );
  return tf.tensor1d(positions, "int32");
}

/** Constants, views, reductions and selection of rows by name. */
export const structuralImplementations: Readonly<Record<string, Implementation>> = {
  fill: {
    dtypes: every,
    run: (tf, { params }) => {
      const { value, shape, dtype } = params as FillParams;
      const data = dtype === "f32" ? Float32Array.of(value) : Int32Array.of(value);
      return tf.tensor(data, shape.map(() => 1), dtype === "f32" ? "float32" : "int32")
        .cast(dtype === "bool" ? "bool" : dtype === "f32" ? "float32" : "int32");
    },
  },
  iota: {
    dtypes: numeric,
    run: (tf, { params }) => {
      const { axes, dtype, shape } = params as IotaParams;
      const aval = { dtype, shape: shape.map((extent, axis) => axes.includes(axis) ? extent : 1) };
      const [array] = iotaP.evaluate({ ...aval, axes }, [], [aval]);
      return (hold(tf, array!) as Held & { kind: "tensor" }).tensor;
    },
  },
  literal: {
    dtypes: every,
    run: (tf, { params }) => {
      const { data, shape, dtype } = params as LiteralParams;
      const Storage = dtype === "f32" ? Float32Array : dtype === "i32" ? Int32Array : Uint8Array;
      const array: HostArray = { shape, dtype, data: Storage.from(data) };
      return (hold(tf, array) as Held & { kind: "tensor" }).tensor;
    },
  },
  identity: relabel((_: null, x) => shared(x)),
  barrier: relabel((_: null, x) => shared(x)),
  stop_gradient: relabel((_: null, x) => shared(x)),
  reshape: plain(every, (_, { shape }: { readonly shape: Shape }, [x]) => x!.reshape([...shape])),
  broadcast: relabel(({ shape, axes }: BroadcastParams, x) =>
    x.reshape(shape.map((_, axis) => axes.includes(axis) ? x.shape[axes.indexOf(axis)]! : 1))
  ),
  permute: view((tf, { order }: PermuteParams, x) => permuted(tf, x, order)),
  reverse: view((tf, { axes }: ReverseParams, x) => {
    const strides = stridesOf(x.shape);
    return viewOnHost(tf, x, x.shape, {
      offset: axes.reduce((sum, axis) => sum + (x.shape[axis]! - 1) * strides[axis]!, 0),
      strides: strides.map((stride, axis) => axes.includes(axis) ? -stride : stride),
    });
  }),
  slice: view((tf, params: SliceParams, x) => sliced(tf, params, x)),
  pad: plain(numeric, (tf, params: PadParams, [x]) => padded(tf, params, x!)),
  concat: plain(numeric, (tf, { axis }: ConcatParams, tensors, { outputs: [output] }) => {
    const [outer, inner] = [output!.shape.slice(0, axis), output!.shape.slice(axis + 1)].map(
      sizeOf,
    );
    const flat = tensors.map((tensor) => tensor.reshape([outer!, tensor.shape[axis]! * inner!]));
    const few = outer! > 1 && movesFew(output!.size / outer! / tensors.length);
    const joined = few ? concatOnHost(tf, flat) : tf.concat(flat, 1);
    return joined.reshape([...output!.shape]);
  }),
  sum: plain(
    ["f32"],
    (tf, { axes }: ReduceParams, [x], { outputs: [output] }) =>
      summing(x!, axes, (flat, over) => sumKeeping(tf, flat, over))?.reshape([...output!.shape]),
  ),
  standardize: plain(
    ["f32"],
    (tf, params: StandardizeParams, [x], { outputs }) =>
      standardized(tf, params, x!)?.map((tensor, k) => tensor.reshape([...outputs[k]!.shape])),
  ),
  reduce_max: plain(["f32"], (tf, { axes }: ReduceParams, [x], { outputs: [output] }) => {
    const pooled = summing(x!, axes, (flat, over) => pooledMax(tf, flat, over));
    const flat = pooled ? undefined : reducedLast(tf, x!, axes);
    return (pooled ?? (flat && tf.max(flat, 1)))?.reshape([...output!.shape]);
  }),
  argmax: plain(["f32"], (tf, { axes }: ReduceParams, [x], { outputs: [output] }) => {
    const flat = reducedLast(tf, x!, axes);
    // The backend passes over NaN: then the reference looks for it.
    if (!flat || Number.isNaN(tf.sum(flat).dataSync()[0])) return undefined;
    return tf.argMax(flat, 1).reshape([...output!.shape]);
  }),
  gather: plain(numeric, (tf, { batchAxes }: GatherParams, [x, indices], { outputs: [output] }) => {
    const rows = x!.shape[batchAxes]!;
    const width = sizeOf(x!.shape.slice(batchAxes + 1));
    const flat = x!.reshape([x!.size / width, width]);
    return tf.gather(flat, rowPositions(tf, indices!, rows)).reshape([...output!.shape]);
  }),
  scatter_add: plain(
    ["f32"],
    (tf, { batchAxes, rows }: ScatterAddParams, [updates, indices], { outputs: [output] }) => {
      const width = sizeOf(updates!.shape.slice(batchAxes + 1));
      const flat = updates!.reshape([updates!.size / width, width]);
      const at = rowPositions(tf, indices!, rows).reshape([flat.shape[0]!, 1]);
      const size = sizeOf(output!.shape);
      return tf.scatterND(at, flat, [size / width, width]).reshape([...output!.shape]);
    },
  ),
};
