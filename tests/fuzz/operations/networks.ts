/** Blocks of networks, as layers are composed in them. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import { Builder } from "../builder.ts";
import { type Operation, ref } from "./operation.ts";

const ACTIVATIONS = ["relu", "tanh", "gelu", "silu", "sigmoid", "leakyRelu", "softplus", "elu"];

function activation(b: Builder, x: number): number {
  return b.call(b.draw.pick(ACTIVATIONS), [ref(x)]);
}

/** Normal along axes, times a scale and plus an offset for each channel. */
function normalized(b: Builder, x: number, axes: readonly number[]): number {
  const channels = b.aval(x).shape.at(-1)!;
  const normal = b.call("standardize", [ref(x), axes, b.draw.pick([0.1, 0.01])], "normal");
  const scaled = b.call("mul", [ref(normal), ref(b.provide([channels]))]);
  return b.draw.chance(0.8) ? b.call("add", [ref(scaled), ref(b.provide([channels]))]) : scaled;
}

/** Normal in groups of channels of each image. */
function groupNormalized(b: Builder, x: number): number {
  const { shape } = b.aval(x);
  const [n, height, width, channels] = shape as [number, number, number, number];
  const groups = b.draw.pick([1, 2, 3, 4].filter((count) => channels % count === 0));
  const apart = b.reshaped(x, [n, height * width, groups, channels / groups]);
  const normal = b.call("standardize", [ref(apart), [1, 3], 0.1], "normal");
  return b.call("mul", [ref(b.reshaped(normal, shape)), ref(b.provide([channels]))]);
}

/** Images that are there, or new ones. */
function images(b: Builder): number {
  return b.float(({ shape }) => shape.length === 4 && sizeOf(shape) > 0) ?? b.provide([
    b.draw.integer(1, 2),
    b.draw.integer(3, 5),
    b.draw.integer(3, 5),
    b.draw.pick([1, 3, 4]),
  ]);
}

/** A call of a program whose operands, images and filters of equal shapes, are told apart by their numbers alone. */
function calledConvolutions(b: Builder): number | undefined {
  const x = images(b);
  const { shape } = b.aval(x);
  const channels = shape[3]!;
  const outputs = b.draw.pick([channels, b.draw.integer(1, 5)]);
  if (channels > 9 || sizeOf(shape.slice(0, 3)) * outputs > b.limits.size) return undefined;
  const filters = [3, 3, channels, outputs];
  const given = [x, b.provide(shape), b.provide(filters), b.provide(filters)];
  const inner = new Builder(b.draw, b.limits, b);
  const [one, other, ...weights] = given.map((line) => ref(inner.argument(b, line)));
  const convolved = [one!, other!].map((of, k) => {
    const small = ref(inner.call("mul", [weights[k]!, 0.1]));
    const weight = b.draw.chance(0.5) ? small : weights[k]!;
    return ref(inner.call("conv2d", [of, weight, { padding: 1 }]));
  });
  const output = inner.call(b.draw.pick(["add", "sub"]), convolved);
  const own = b.define({ wrapper: "checkpoint", body: inner.body([output]) });
  const result = b.call(own, given.map(ref));
  if (outputs !== channels || b.draw.chance(0.5)) return result;
  const scaled = b.call("mul", [ref(result), 0.1]);
  return b.call(own, [scaled, ...given.slice(1)].map(ref));
}

/** Convolution, normalization, activation, a sum with what was there, pooling: any of them left out. */
function imageBlock(b: Builder): number | undefined {
  const x = images(b);
  const { shape } = b.aval(x);
  const channels = shape[3]!;
  if (channels > 17) return undefined;
  const outputs = b.draw.chance(0.5) ? channels : b.draw.integer(1, 8);
  if (sizeOf(shape.slice(0, 3)) * outputs > b.limits.size) return undefined;
  const filters = ref(b.provide([3, 3, channels, outputs], "f32", "small"));
  let y = b.call("conv2d", [ref(x), filters, { padding: 1 }]);
  if (b.draw.chance(0.3)) {
    // The next step's filters, of the same images.
    const { shape } = b.aval(filters.line);
    const step = b.call("mul", [ref(b.provide(shape)), 0.1]);
    const next = b.call(b.draw.pick(["sub", "add"]), [filters, ref(step)]);
    y = b.call("add", [ref(y), ref(b.call("conv2d", [ref(x), ref(next), { padding: 1 }]))]);
  }
  if (b.draw.chance(0.5)) y = b.call("add", [ref(y), ref(b.provide([outputs]))]);
  const kind = b.draw.pick(["none", "images", "groups", "channels"]);
  if (kind === "groups") y = groupNormalized(b, y);
  else if (kind !== "none") y = normalized(b, y, kind === "images" ? [0, 1, 2] : [3]);
  y = activation(b, y);
  if (outputs === channels && b.draw.chance(0.5)) y = b.call("add", [ref(y), ref(x)]);
  if (Math.min(shape[1]!, shape[2]!) < 2 || b.draw.chance(0.4)) return y;
  return b.call(b.draw.pick(["maxPool2d", "avgPool2d"]), [ref(y)]);
}

/** Linear maps with activations between them, and a loss of the last one's results. */
function rowBlock(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 1 && sizeOf(shape) > 0 && shape[0]! < 20);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const rows = shape[0]!;
  let y = shape.length === 2 && b.draw.chance(0.7)
    ? x
    : b.reshaped(x, [rows, sizeOf(shape) / rows]);
  let features = b.aval(y).shape[1]!;
  if (features > 100) return undefined;
  for (let layers = b.draw.integer(1, 3); layers > 0; layers--) {
    const next = b.draw.integer(2, 9);
    const weight = ref(b.provide([features, next], "f32", "small"));
    const product = b.call("matmul", [ref(y), weight]);
    const sum = b.call("add", [ref(product), ref(b.provide([next]))]);
    y = layers === 1 ? sum : activation(b, b.draw.chance(0.3) ? normalized(b, sum, [1]) : sum);
    features = next;
  }
  if (b.draw.chance(0.3)) return y;
  if (b.draw.chance(0.4)) {
    return b.call("meanSquaredError", [ref(y), ref(b.provide([rows, features]))]);
  }
  const labels = b.call("clip", [ref(b.provide([rows], "i32", "index")), {
    low: 0,
    high: features - 1,
  }]);
  return b.call("mean", [ref(b.call("softmaxCrossEntropy", [ref(y), ref(labels)]))]);
}

/** Blocks of networks. */
export const networks: readonly Operation[] = [
  { name: "block of images", weight: 1.5, make: imageBlock },
  { name: "called convolutions", weight: 0.7, make: calledConvolutions },
  { name: "block of rows", weight: 1.5, make: rowBlock },
];
