/**
 * The Conv4 MAML workloads: one deterministic meta-gradient by which implementations are compared.
 *
 * Backbone Conv4-F: 4 x [conv 3x3, padding 1, no bias, F filters - batch normalisation with the
 * batch's own biased statistics, eps 1e-5, affine - ReLU - max-pool 2x2] on 32x32x3 images, then a
 * linear layer. N-way, K support and Q query images a class, T tasks, S plain SGD steps of rate
 * 0.01 on all parameters. The outer loss is the mean query cross-entropy at the adapted parameters.
 *
 * Inputs are drawn by mulberry32 in the layout of the reference (channels first, filters
 * `[out, in, height, width]`, features flattened in channel-height-width order) and brought into
 * the layout of this library here, gradients back for the comparison.
 *
 * @module
 */
import type { Aval, Shape } from "../../src/ir/aval.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import { metaGradient, type MetaOrder } from "../../src/meta/mod.ts";
import { conv4, type Params } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { flatten } from "../../src/tree/tree.ts";

/** Sizes of a workload. */
export interface Conv4Size {
  /** Classes of a task. */
  readonly way: number;
  /** Support images a class. */
  readonly shot: number;
  /** Query images a class. */
  readonly queries: number;
  /** Filters of every convolution. */
  readonly filters: number;
  /** Tasks of a meta-batch. */
  readonly tasks: number;
  /** Inner steps. */
  readonly innerSteps: number;
  /** Height and width of the images, a multiple of 16; 32 unless told. */
  readonly extent?: number;
}

/** The sizes of the common workloads. */
export const CONV4_SIZES: Readonly<Record<"small" | "mid", Conv4Size>> = {
  small: { way: 5, shot: 1, queries: 5, filters: 8, tasks: 2, innerSteps: 2 },
  mid: { way: 5, shot: 1, queries: 15, filters: 32, tasks: 4, innerSteps: 5 },
};

const INNER_RATE = 0.01;
const EXTENT = 32;
const CHANNELS = 3;
const LAYERS = [1, 2, 3, 4];

/** Images `[n, 32, 32, 3]` and class numbers `i32[n]`. */
export interface LabelledImages {
  /** Images, channels last. */
  readonly images: Tensor;
  /** Class numbers. */
  readonly labels: Tensor;
}

/** The reference's result for one parameter. */
export interface ReferenceTensor {
  /** Name of the parameter. */
  readonly name: string;
  /** Its shape in the reference's layout. */
  readonly shape: readonly number[];
  /** Euclidean norm of its gradient. */
  readonly l2: number;
  /** The first elements of its gradient. */
  readonly values: readonly number[];
}

/** The reference's result. */
export interface Conv4Reference {
  /** Outer loss. */
  readonly loss: number;
  /** For each parameter. */
  readonly tensors: readonly ReferenceTensor[];
}

/** How far a result is from the reference, all relative. */
export interface Conv4Comparison {
  /** Error of the outer loss. */
  readonly loss: number;
  /** Euclidean error of all gradient elements that the reference lists. */
  readonly gradient: number;
  /** The parameter with the largest error in its listed elements or its norm. */
  readonly worst: { readonly name: string; readonly error: number };
}

/** A workload: a function to trace, its arguments, and the comparison of its results. */
export interface Conv4Workload {
  /** From parameters, tasks and key to `{ loss, grads }`. */
  readonly fn: (
    params: Params,
    data: { readonly support: LabelledImages; readonly query: LabelledImages },
    key: Tensor,
  ) => { readonly loss: Tensor; readonly grads: Params };
  /** The arguments of `fn`, with shapes and element types as leaves. */
  readonly args: readonly unknown[];
  /** One array for each input of the traced program, in its order. */
  readonly values: readonly (Float32Array | Int32Array | Uint32Array)[];
  /** The same for the float64 reference interpreter. */
  readonly arrays: readonly NdArray[];
  /** The reference's names of the parameters in the order in which the program returns `grads`. */
  readonly names: readonly string[];
  /** Sizes. */
  readonly size: Conv4Size;
  /**
   * Compares results with a reference.
   *
   * @param reference The parsed reference.
   * @param results The program's outputs in order: the gradients in the order of `names`, then the loss.
   */
  readonly compareTo: (
    reference: Conv4Reference,
    results: readonly ArrayLike<number>[],
  ) => Conv4Comparison;
}

/** The generator of all inputs: 32 bits of state, values in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Shapes of the parameters in the reference's layout, in the order in which they are drawn. */
function referenceShapes({ way, filters, extent = EXTENT }: Conv4Size): [string, Shape][] {
  const layers = LAYERS.flatMap((layer): [string, Shape][] => [
    [`conv${layer}.w`, [filters, layer === 1 ? CHANNELS : filters, 3, 3]],
    [`bn${layer}.gamma`, [filters]],
    [`bn${layer}.beta`, [filters]],
  ]);
  return [...layers, ["lin.w", [way, (extent / 16) ** 2 * filters]], ["lin.b", [way]]];
}

/** `values` of a row-major shape with the axes in another order, as in `permute`. */
function reorder<T extends Float32Array | Float64Array>(
  values: T,
  shape: Shape,
  order: readonly number[],
): T {
  const result = values.slice() as T;
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const target = order.map((axis) => shape[axis]!);
  const counter = target.map(() => 0);
  for (let i = 0; i < result.length; i++) {
    let from = 0;
    order.forEach((axis, k) => from += counter[k]! * strides[axis]!);
    result[i] = values[from]!;
    for (let axis = target.length - 1; axis >= 0 && ++counter[axis]! === target[axis]; axis--) {
      counter[axis] = 0;
    }
  }
  return result;
}

/** Order of the reference's axes in this library: filters HWIO, linear weights [in, out]. */
function layout(name: string): readonly number[] {
  return name.startsWith("conv") ? [2, 3, 1, 0] : name === "lin.w" ? [1, 0] : [0];
}

/** Where this library keeps a parameter of the reference. */
function pathOf(name: string): readonly string[] {
  const [, layer, kind] = name.match(/^[a-z]+(\d?)\.(.*)$/)!;
  if (layer === "") return ["output", kind === "w" ? "weight" : "bias"];
  return kind === "w" ? [`block${layer}`, "conv", "weight"] : [`block${layer}`, "norm", kind!];
}

/** A tree with leaves at the places of the given parameters. */
function treeOf<T>(parameters: ReadonlyMap<string, T>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, leaf] of parameters) {
    const path = pathOf(name);
    let part = tree;
    for (const step of path.slice(0, -1)) {
      part = (part[step] ??= {}) as Record<string, unknown>;
    }
    part[path.at(-1)!] = leaf;
  }
  return tree;
}

function drawParams(size: Conv4Size): Map<string, { aval: Aval; values: Float32Array }> {
  const random = mulberry32(12345);
  return new Map(
    referenceShapes(size).map(([name, shape]) => {
      const values = Float32Array.from({ length: sizeOf(shape) }, () => {
        const u = random();
        if (name.startsWith("conv")) return (2 * u - 1) * Math.sqrt(6 / (shape[1]! * 9));
        if (name.endsWith("gamma")) return 0.8 + 0.4 * u;
        if (name.endsWith("beta")) return -0.1 + 0.2 * u;
        return (2 * u - 1) * Math.sqrt(1 / (4 * size.filters));
      });
      const order = layout(name);
      const own = order.map((axis) => shape[axis]!);
      return [name, { aval: aval(own, "f32"), values: reorder(values, shape, order) }];
    }),
  );
}

function drawTasks({ way, shot, queries, tasks, extent = EXTENT }: Conv4Size) {
  const pixels = CHANNELS * extent * extent;
  const set = (perClass: number) => {
    const count = way * perClass;
    return {
      count,
      labels: Int32Array.from(
        { length: tasks * count },
        (_, i) => Math.floor(i % count / perClass),
      ),
      images: new Float32Array(tasks * count * pixels),
    };
  };
  const sets = [set(shot), set(queries)] as const;
  for (let task = 0; task < tasks; task++) {
    const random = mulberry32(1000 + task);
    for (const { count, images } of sets) {
      const drawn = Float32Array.from({ length: count * pixels }, random);
      const shape = [count, CHANNELS, extent, extent];
      images.set(reorder(drawn, shape, [0, 2, 3, 1]), task * drawn.length);
    }
  }
  return { support: sets[0], query: sets[1] };
}

/**
 * Makes a workload.
 *
 * @param which A common workload, or sizes.
 * @param options Exact (default) or first order.
 * @returns The function, its arguments and the comparison.
 */
export function conv4Workload(
  which: keyof typeof CONV4_SIZES | Conv4Size,
  { order = "exact" }: { readonly order?: MetaOrder } = {},
): Conv4Workload {
  const size = typeof which === "string" ? CONV4_SIZES[which] : which;
  const { extent = EXTENT } = size;
  const model = conv4({ ways: size.way, channels: size.filters, imageSize: extent });
  const loss = (params: Params, _: unknown, { images, labels }: LabelledImages): Tensor =>
    softmaxCrossEntropy(model.apply(params, {}, images, { training: true }).output, labels);
  const meta = metaGradient({ inner: loss, outer: loss }, {
    innerSteps: size.innerSteps,
    optimizer: sgd(),
    innerRate: INNER_RATE,
    order,
  });
  const params = drawParams(size);
  const drawn = drawTasks(size);
  const set = ({ count }: { count: number }) => ({
    images: aval([size.tasks, count, extent, extent, CHANNELS], "f32"),
    labels: aval([size.tasks, count], "i32"),
  });
  const data = { support: set(drawn.support), query: set(drawn.query) };
  const args = [
    treeOf(new Map([...params].map(([name, { aval }]) => [name, aval]))),
    data,
    aval([2], "u32"),
  ];
  const names = flatten<() => string>(
    treeOf(new Map([...params.keys()].map((name) => [name, () => name]))),
  ).leaves.map((name) => name());
  const values = [
    ...names.map((name) => params.get(name)!.values),
    drawn.query.images,
    drawn.query.labels,
    drawn.support.images,
    drawn.support.labels,
    new Uint32Array(2),
  ];
  const avals: Aval[] = [
    ...names.map((name) => params.get(name)!.aval),
    ...[data.query, data.support].flatMap(({ images, labels }) => [images, labels]),
    aval([2], "u32"),
  ];
  return {
    fn: (params, data, key) => {
      const { loss, grads } = meta(
        { params, shared: {}, rates: {} },
        { ...data, constants: {} },
        key,
      );
      return { loss, grads: grads.params };
    },
    args,
    values,
    arrays: values.map((value, k) => ndArray(avals[k]!, value)),
    names,
    size,
    compareTo: (reference, results) => compare(reference, names, results),
  };
}

function aval(shape: Shape, dtype: Aval["dtype"]): Aval {
  return { shape, dtype };
}

/** A gradient of this library in the reference's layout. */
export function referenceLayout(
  name: string,
  { shape, data }: { readonly shape: Shape; readonly data: ArrayLike<number> },
): { readonly values: Float64Array; readonly shape: Shape } {
  const order = layout(name);
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return {
    values: reorder(Float64Array.from(data), shape, inverse),
    shape: inverse.map((axis) => shape[axis]!),
  };
}

function compare(
  reference: Conv4Reference,
  names: readonly string[],
  results: readonly ArrayLike<number>[],
): Conv4Comparison {
  let error = 0;
  let norm = 0;
  let worst = { name: "", error: -1 };
  for (const { name, shape, l2, values } of reference.tensors) {
    const own = layout(name).map((axis) => shape[axis]!);
    const data = results[names.indexOf(name)]!;
    const found = referenceLayout(name, { shape: own, data }).values;
    let ownError = 0;
    let ownNorm = 0;
    values.forEach((value, k) => {
      ownError += (found[k]! - value) ** 2;
      ownNorm += value ** 2;
    });
    error += ownError;
    norm += ownNorm;
    const foundL2 = Math.hypot(...found);
    const relative = Math.max(Math.sqrt(ownError / ownNorm), Math.abs(foundL2 - l2) / l2);
    if (!(relative <= worst.error)) worst = { name, error: relative };
  }
  const loss = results[names.length]![0]!;
  return {
    loss: Math.abs(loss - reference.loss) / Math.abs(reference.loss),
    gradient: Math.sqrt(error / norm),
    worst,
  };
}
