/** Networks against PyTorch: numbers computed once with torch 2.13, in float32. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  decoder,
  groupNorm,
  type Layer,
  normalizationLayer,
  NORMALIZATIONS,
  type Params,
  resNet,
  resNetFeatures,
  selfAttention,
  visionTransformer,
} from "../../src/nn/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import {
  constant,
  convTranspose2d,
  cos,
  mul,
  sin,
  square,
  sum,
  transpose,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { grad, trace } from "../../src/transform/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { drawn } from "../again.ts";

function ramp(shape: readonly number[], value: (k: number) => number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return constant(Array.from({ length: size }, (_, k) => value(k)), { shape });
}

function assertStartsWith(values: readonly number[], expected: readonly number[]): void {
  expected.forEach((value, k) => assertAlmostEquals(values[k]!, value, 2e-6));
}

Deno.test("convTranspose2d() is PyTorch's conv_transpose2d", () => {
  // [n, channels, height, width] and [in, out, height, width] there.
  const x = transpose(ramp([1, 2, 3, 3], (k) => k / 7 - 1), [0, 2, 3, 1]);
  const w = transpose(ramp([2, 3, 3, 3], (k) => k / 11 - 2), [2, 3, 1, 0]);
  const y = convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1 });
  assertEquals(y.shape, [1, 6, 6, 3]);
  const values = valuesOf(y);
  assertStartsWith(values, [1.8701298, 1.2857144, 0.7012987, 3.5974026, 2.6623378, 1.727273]);
  assertAlmostEquals(valuesOf(sum(y))[0]!, 345.8181763, 1e-3);
  assertAlmostEquals(valuesOf(sum(square(y)))[0]!, 1471.6223145, 1e-3);
});

Deno.test("convTranspose2d() refuses what does not fit", () => {
  const [x, w] = [normal(randomKey(0), [1, 2, 2, 3]), normal(randomKey(1), [2, 2, 4, 3])];
  assertThrows(
    () => convTranspose2d(x, normal(randomKey(1), [2, 2, 3, 4])),
    TypeError,
    "inChannels",
  );
  assertThrows(() => convTranspose2d(x, w, { stride: 2, outputPadding: 2 }), RangeError, "below");
  assertThrows(() => convTranspose2d(x, w, { padding: 2 }), RangeError, "found [-1,-1] pixels");
  assertThrows(() => convTranspose2d(x, w, { stride: 1.5 }), RangeError, "whole numbers");
});

Deno.test("groupNorm() is PyTorch's GroupNorm", () => {
  const x = transpose(sin(ramp([2, 4, 2, 2], (k) => k * 1.7)), [0, 2, 3, 1]);
  const layer = groupNorm({ features: 4, groups: 2 });
  const { params, state } = layer.init(randomKey(0));
  const y = layer.apply(params, state, x, { training: true }).output;
  assertStartsWith(valuesOf(y), [0.03978588, 0.77092606, 1.15397727, 1.3552804, 1.50715327]);
  const weights = transpose(ramp([2, 4, 2, 2], (k) => k), [0, 2, 3, 1]);
  assertAlmostEquals(valuesOf(sum(mul(square(y), weights)))[0]!, 496.9766845, 1e-3);
  assertThrows(() => groupNorm({ features: 4, groups: 3 }), RangeError, "divides the channels");
});

/** Elements of all parameters, without computing any. */
function countParameters(model: Layer): number {
  let count = 0;
  trace(() => {
    for (const leaf of flatten<Tensor>(model.init(randomKey(0)).params).leaves) count += leaf.size;
    return constant([0]);
  }, []);
  return count;
}

Deno.test("resNet() has as many parameters as torchvision's, with the stem for small images", () => {
  // torchvision: 11,689,512 and 25,557,032 with 1000 classes; the stem 3x3 saves 64 * 3 * 40.
  assertEquals(countParameters(resNet({ depth: 18 })), 11_689_512 - 513_000 - 64 * 3 * 40);
  assertEquals(countParameters(resNet({ depth: 50 })), 25_557_032 - 2_049_000 - 64 * 3 * 40);
  assertEquals(resNetFeatures({ depth: 18 }), 512);
});

for (const depth of drawn([18, 50] as const)) {
  Deno.test(`resNet() of depth ${depth} trains every parameter`, () => {
    for (const normalization of depth === 18 ? NORMALIZATIONS : ["group"] as const) {
      const model = resNet({ depth, width: 2, normalization });
      const { params, state } = model.init(randomKey(1));
      const images = normal(randomKey(2), [3, 16, 16, 3]);
      const loss = (own: Params): Tensor =>
        sum(sin(model.apply(own, state, images, { training: true }).output));
      const { leaves, paths } = flatten<Tensor>(grad(loss)(params));
      const silent = paths.filter((_, k) => valuesOf(leaves[k]!).every((value) => value === 0));
      assertEquals(silent, [], normalization);
      const evaluated = model.apply(params, state, images, { training: false });
      assertEquals(evaluated.output.shape, [3, resNetFeatures({ depth, width: 2 })]);
      assert(valuesOf(evaluated.output).every(Number.isFinite));
    }
  });
}

Deno.test("selfAttention() is PyTorch's MultiheadAttention", () => {
  const layer = selfAttention({ features: 4, heads: 2 });
  const params = {
    input: {
      weight: transpose(sin(ramp([12, 4], (k) => 0.37 * k))),
      bias: cos(ramp([12], (k) => 0.9 * k)),
    },
    output: { weight: transpose(sin(ramp([4, 4], (k) => 0.53 * k))), bias: ramp([4], (k) => k) },
  };
  const x = cos(ramp([2, 3, 4], (k) => 1.3 * k));
  const y = valuesOf(layer.apply(params, {}, x, { training: true }).output);
  assertStartsWith(y, [-1.05530345, 1.59896445, 2.42997456, 1.95213485, -1.38435912, 2.10460758]);
  assertStartsWith(y.slice(-4), [-2.14751554, 2.25289679, 2.83947086, 0.870682]);
  assertThrows(() => selfAttention({ features: 4, heads: 3 }), RangeError, "divides the features");
});

Deno.test("visionTransformer() trains every parameter and has DeiT-Tiny's number of them", () => {
  // timm's deit_tiny_patch16_224 has 5,717,416 with a class token, its position, and 1000 classes.
  const tiny = visionTransformer({ imageSize: 224, patch: 16 });
  assertEquals(countParameters(tiny), 5_717_416 - 2 * 192 - 193_000);
  const model = visionTransformer({ imageSize: 8, features: 6, depth: 2, heads: 2 });
  const { params, state } = model.init(randomKey(1));
  const images = normal(randomKey(2), [2, 8, 8, 3]);
  const loss = (own: Params): Tensor =>
    sum(sin(model.apply(own, state, images, { training: true }).output));
  const { leaves, paths } = flatten<Tensor>(grad(loss)(params));
  const silent = paths.filter((_, k) => valuesOf(leaves[k]!).every((value) => value === 0));
  assertEquals(silent, []);
  assertThrows(() => visionTransformer({ patch: 5 }), RangeError, "divides the image");
});

Deno.test("normalizationLayer() and decoder() refuse what they cannot build", () => {
  const name = "instance" as (typeof NORMALIZATIONS)[number];
  assertThrows(() => normalizationLayer(name, 4), RangeError, "expected batch, batch-own");
  assertThrows(() => decoder({ inputs: 4, imageSize: 6, outputs: 3 }), RangeError, "2^2 divides");
});
