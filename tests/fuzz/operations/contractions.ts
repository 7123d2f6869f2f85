/** Products of matrices, convolutions, pooling and losses. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import { resolvePadding } from "../../../src/tensor/windows.ts";
import type { Builder } from "../builder.ts";
import { bounded, type Operation, options, positive, ref } from "./operation.ts";
import { factors } from "./structure.ts";

/** A line for a shape made of an `f32` line by reshaping it, or a new one. */
function shaped(b: Builder, rank: number): number | undefined {
  const found = b.float(({ shape }) => shape.length === rank);
  if (found !== undefined && b.draw.chance(0.7)) return found;
  const x = b.float();
  if (x === undefined || b.draw.chance(0.2)) return b.provide(b.shape(rank, 256));
  return b.reshaped(x, factors(b, sizeOf(b.aval(x).shape), rank));
}

function matmul(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const rank = shape.length;
  if (b.draw.chance(0.1)) {
    return b.call("dot", [ref(x), ref(b.provide(shape))]);
  }
  const inner = shape.at(-1)!;
  const columns = b.extent();
  const batch = shape.slice(0, -2).map((extent) => b.draw.chance(0.3) ? 1 : extent);
  const right = b.draw.pick<number[]>([
    [inner, columns],
    [inner],
    rank > 2 ? [...batch, inner, columns] : [inner, columns],
    rank > 1 && rank < 5 ? [b.draw.integer(1, 3), ...batch, inner, columns] : [inner, columns],
  ]);
  if (b.draw.chance(0.8)) {
    const small = ref(b.provide(right, "f32", "small"));
    return tooLarge(b, [...shape.slice(0, -1), columns, right.length > rank ? right[0]! : 1])
      ? undefined
      : b.call("matmul", [ref(x), small]);
  }
  // The given line on the right.
  const left = rank === 1 ? [inner] : [columns, shape.at(-2)!];
  return b.call("matmul", [ref(b.provide(left, "f32", "small")), ref(x)]);
}

function tooLarge(b: Builder, shape: readonly number[]): boolean {
  return sizeOf(shape) > b.limits.size;
}

function einsum(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && shape.length < 5);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const names = [..."abcd"].slice(0, shape.length);
  if (b.draw.chance(0.2)) {
    const out = b.draw.shuffled(b.draw.some(names, 0.7));
    return b.call("einsum", [`${names.join("")}->${out.join("")}`, [ref(x)]]);
  }
  const other = b.draw.shuffled([...b.draw.some(names, 0.6), ...b.draw.some(["x", "y"])]);
  const extents = other.map((name) => shape[names.indexOf(name)] ?? b.draw.integer(1, 3));
  const out = b.draw.shuffled(b.draw.some([...new Set([...names, ...other])], 0.6));
  const whole = [...shape, ...extents.filter((_, k) => !names.includes(other[k]!))];
  if (tooLarge(b, whole) || out.length > 5) return undefined;
  const y = ref(b.provide(extents, "f32", "small"));
  return b.draw.chance(0.5)
    ? b.call("einsum", [`${names.join("")},${other.join("")}->${out.join("")}`, [ref(x), y]])
    : b.call("einsum", [`${other.join("")}, ${names.join("")} -> ${out.join("")}`, [y, ref(x)]]);
}

/** A long or wide image, of few channels: kernels divide it into strips, one after the other and side by side. */
function longImage(b: Builder): number {
  const long = b.draw.chance(0.5) ? b.draw.integer(9, 30) : b.draw.integer(65, 100);
  const room = Math.floor(b.limits.size / 2 / long);
  const short = b.draw.integer(1, Math.min(3, room));
  const channels = b.draw.integer(1, Math.min(3, Math.floor(room / short)));
  return b.provide([1, ...b.draw.shuffled([long, short]), channels]);
}

function conv2d(b: Builder): number | undefined {
  const x = b.draw.chance(0.3) ? longImage(b) : shaped(b, 4);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const [, height, width, channels] = shape;
  // Those of 3x3 without steps have kernels of their own.
  const usual = b.draw.chance(0.5);
  const kernel = usual ? [3, 3] as const : [b.draw.integer(1, 3), b.draw.integer(1, 3)] as const;
  const stride = usual ? 1 : b.draw.pick([1, 1, 2, 3]);
  const uneven = [stride, b.draw.integer(1, 2)] as const;
  const steps = usual || b.draw.chance(0.7) ? stride : uneven;
  const both = typeof steps === "number" ? [steps, steps] as const : steps;
  const dilation = usual || b.draw.chance(0.7) ? 1 : 2;
  const reach = [0, 1].map((k) => dilation * (kernel[k]! - 1) + 1) as [number, number];
  const fits = (padding: Parameters<typeof resolvePadding>[0]): boolean => {
    const input = [height!, width!] as const;
    const border = resolvePadding(padding, { input, kernel: reach, stride: both });
    return input.every((extent, k) => extent + border[k]! + border[k + 2]! >= reach[k]!);
  };
  const wanted = b.draw.pick(["same", "valid", 1, [1, 0, 2, 1]] as const);
  const padding = fits(wanted) ? wanted : "same";
  if (height! * width! === 0 || tooLarge(b, [...shape, 2])) return undefined;
  const most = b.limits.size / sizeOf(shape.slice(0, 3));
  const out = b.draw.pick([1, 2, 3, 4, 5, 8].filter((count) => count <= Math.max(1, most)));
  const divisors = [1, 2, 3, 4, 6, 8].filter((d) => channels! % d === 0 && out % d === 0);
  const groups = b.draw.chance(usual ? 0.9 : 0.5) ? 1 : b.draw.pick(divisors);
  const w = b.provide([...kernel, channels! / groups, out], "f32", "small");
  return b.call("conv2d", [ref(x), ref(w), {
    ...(dilation === 1 ? {} : { dilation }),
    ...(groups === 1 ? {} : { groups }),
    ...(steps === 1 ? {} : { stride: steps }),
    ...(padding === "valid" ? {} : { padding }),
  }]);
}

function convTranspose2d(b: Builder): number | undefined {
  const x = shaped(b, 4);
  if (x === undefined) return undefined;
  const [n, height, width, channels] = b.aval(x).shape as [number, number, number, number];
  const kernel = [b.draw.integer(1, 3), b.draw.integer(1, 3)] as const;
  const stride = b.draw.integer(1, 3);
  const padding = b.draw.integer(0, 1);
  const outputPadding = b.draw.integer(0, stride - 1);
  const out = b.draw.pick([1, 2, 3, 4]);
  const extents = [height, width].map((extent, k) =>
    (extent - 1) * stride - 2 * padding + kernel[k]! + outputPadding
  );
  const fits = Math.min(...extents) >= 1 && height * width > 0;
  if (!fits || tooLarge(b, [n, ...extents, Math.max(out, channels)])) return undefined;
  const w = b.provide([...kernel, out, channels], "f32", "small");
  return b.call("convTranspose2d", [ref(x), ref(w), {
    ...options(b, { padding }),
    stride,
    outputPadding,
  }]);
}

function pool(b: Builder): number | undefined {
  const x = shaped(b, 4);
  if (x === undefined) return undefined;
  const [, height, width] = b.aval(x).shape;
  const window = Math.min(b.draw.integer(1, 3), height!, width!);
  if (window === 0) return undefined;
  if (window === 2 && b.draw.chance(0.4)) {
    return b.call(b.draw.pick(["maxPool2d", "avgPool2d"]), [ref(x)]);
  }
  const given = { window, ...options(b, { stride: b.draw.integer(1, 3) }) };
  if (window === 1 || b.draw.chance(0.5)) {
    return b.call(b.draw.pick(["maxPool2d", "avgPool2d"]), [ref(x), given]);
  }
  const padding = b.draw.pick([1, "same", [0, 1, 1, 0]]);
  if (b.draw.chance(0.5)) return b.call("maxPool2d", [ref(x), { ...given, padding }]);
  return b.call("avgPool2d", [ref(x), {
    ...given,
    padding,
    ...options(b, { countPadding: true }),
  }]);
}

function loss(b: Builder): number | undefined {
  if (b.draw.chance(0.4)) {
    const x = b.float(({ shape }) => sizeOf(shape) > 0);
    if (x === undefined) return undefined;
    const call = b.draw.pick(["meanSquaredError", "binaryCrossEntropy"]);
    return b.call(call, [ref(bounded(b, x, 10)), ref(b.provide(b.aval(x).shape))]);
  }
  const found = shaped(b, 2);
  if (found === undefined || sizeOf(b.aval(found).shape) === 0) return undefined;
  const x = bounded(b, found, 10);
  const [rows, classes] = b.aval(x).shape;
  if (b.draw.chance(0.2)) {
    const support = ref(b.provide([rows! + 1, classes!]));
    const members = ref(b.provide([rows! + 1], "i32", "index"));
    const count = b.draw.integer(1, 4);
    return b.call("prototypeLogits", [ref(x), { support, labels: members, classes: count }]);
  }
  if (b.draw.chance(0.5)) {
    if (rows! < 2) return undefined;
    const other = ref(b.provide([rows!, classes!]));
    switch (b.draw.pick(["ntXent", "barlowTwins", "vicReg", "supervisedContrastive"])) {
      case "ntXent":
        if (rows! % 2 === 1 || rows! < 4) return undefined;
        return b.call("ntXent", [ref(positive(b, x)), options(b, { temperature: 0.5 })]);
      case "barlowTwins":
        return b.call("barlowTwins", [ref(x), other, options(b, { redundancy: 0.25 })]);
      case "vicReg":
        return b.call("vicReg", [ref(x), other, options(b, { invariance: 2, covariance: 3 })]);
      default: {
        const labels = ref(b.provide([rows!], "i32", "index"));
        return b.call("supervisedContrastive", [ref(positive(b, x)), labels, {
          temperature: 0.5,
        }]);
      }
    }
  }
  const labels = b.call("clip", [ref(b.provide([rows!], "i32", "index")), {
    low: 0,
    high: classes! - 1,
  }]);
  const call = b.draw.pick(["accuracy", "hits", "labelLogProbabilities", "softmaxCrossEntropy"]);
  if (call !== "softmaxCrossEntropy") return b.call(call, [ref(x), ref(labels)]);
  const smoothing = options(b, { labelSmoothing: 0.125 });
  return b.call("softmaxCrossEntropy", [ref(x), ref(labels), smoothing]);
}

/** Products of matrices, convolutions, pooling and losses. */
export const contractions: readonly Operation[] = [
  { name: "matmul", weight: 3, make: matmul },
  { name: "einsum", weight: 2, make: einsum },
  { name: "conv2d", weight: 4, make: conv2d },
  { name: "convTranspose2d", weight: 1, make: convTranspose2d },
  { name: "pool", weight: 1.5, make: pool },
  { name: "loss", weight: 1.5, make: loss },
];
