/** Masked autoencoding: what is seen, what counts, and how hidden patches are shown. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { sizeOf } from "../../src/ir/aval.ts";
import { nodesBetween } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { linear, type Params, sequential, visionTransformer } from "../../src/nn/mod.ts";
import { transformerTrunk } from "../../src/nn/transformer_block.ts";
import { scatterAddP, type ScatterAddParams } from "../../src/ops/gather.ts";
import { HIDDEN_PATCHES, maskedAutoencoding, maskedPatches } from "../../src/pretext/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import { add, constant, mean, mul, tile, valuesOf } from "../../src/tensor/mod.ts";
import { grad, hvp } from "../../src/transform/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { backbone, BATCH, EMBEDDING, encodeBy, images, SIZE, transformer } from "./fixtures.ts";

const PATCH = 2;
const PATCHES = (SIZE / PATCH) ** 2;
const sizes = { imageSize: SIZE, patch: PATCH };
const decoder = { features: 4, depth: 1, heads: 2 };
const params = transformer.init(randomKey(5)).params;

/** The patches that the task `maskedPatches` shows, `[BATCH][visible]`. */
function shownPatches(seed: number, ratio = 0.75): number[][] {
  const task = maskedPatches({ ...sizes, ...decoder, ratio });
  let indices: number[] = [];
  task.loss({
    encode: (x, key, options) => {
      indices = valuesOf(options!.visible!.indices);
      return encodeBy(params)(x, key, options);
    },
    head: task.initHead(randomKey(0), EMBEDDING),
    images,
    key: randomKey(seed),
  });
  const count = indices.length / BATCH;
  return Array.from({ length: BATCH }, (_, k) => indices.slice(k * count, (k + 1) * count));
}

/** Element `at` of patch `patch` of image `image`. */
function pixel(values: readonly number[], [image, patch, at]: readonly [number, number, number]) {
  const side = SIZE / PATCH;
  const [top, left] = [Math.floor(patch / side) * PATCH, patch % side * PATCH];
  const [y, x, c] = [Math.floor(at / (3 * PATCH)), Math.floor(at / 3) % PATCH, at % 3];
  return values[((image * SIZE + top + y) * SIZE + left + x) * 3 + c]!;
}

Deno.test("every image shows a quarter of its patches, each patch as often as any other", () => {
  const counts = new Array<number>(PATCHES).fill(0);
  const keys = 24;
  for (let seed = 0; seed < keys; seed++) {
    const shown = shownPatches(seed);
    assertEquals(new Set(shown.map((list) => list.join())).size, BATCH);
    for (const list of shown) {
      assertEquals(new Set(list).size, PATCHES / 4);
      list.forEach((patch) => counts[patch]!++);
    }
  }
  const expected = keys * BATCH / 4;
  const deviation = Math.sqrt(expected * 3 / 4);
  counts.forEach((count) => assert(Math.abs(count - expected) < 4.5 * deviation, `${counts}`));
});

Deno.test("a vision transformer's tokens of visible patches know nothing of the others", () => {
  const indices = constant(shownPatches(3), { dtype: "i32" });
  const given = { training: true, visible: { indices, patches: PATCHES } };
  const run = (x: Tensor): number[] => valuesOf(transformer.apply(params, {}, x, given).output);
  const before = run(images);
  assertEquals(before.length, BATCH * PATCHES / 4 * EMBEDDING);
  const changed = valuesOf(images);
  const visible = valuesOf(indices);
  for (let k = 0; k < changed.length; k++) {
    const [row, column] = [Math.floor(k / 3 / SIZE) % SIZE, Math.floor(k / 3) % SIZE];
    const patch = Math.floor(row / PATCH) * (SIZE / PATCH) + Math.floor(column / PATCH);
    const image = Math.floor(k / (3 * SIZE * SIZE));
    const own = visible.slice(image * PATCHES / 4, (image + 1) * PATCHES / 4);
    if (!own.includes(patch)) changed[k] = 7;
  }
  assertEquals(run(constant(changed, { shape: images.shape })), before);
  assert(run(mul(images, 0.5)).some((value, k) => Math.abs(value - before[k]!) > 1e-3));
});

Deno.test("a token's gradient is looked for in its own image: work grows with the batch, not its square", () => {
  const task = maskedPatches({ ...sizes, ...decoder });
  const head = task.initHead(randomKey(0), EMBEDDING);
  const work = (count: number): number => {
    const loss = (head: Params): Tensor =>
      task.loss({
        ...{ encode: encodeBy(params), head, key: randomKey(1) },
        images: tile(images, [count, 1, 1, 1]),
      }).loss;
    // Every row of a sum by index looks at all rows of its batch.
    return nodesBetween(flatten<Tensor>(grad(loss)(head)).leaves).reduce(
      (sum, node) =>
        node.primitive === scatterAddP
          ? sum + sizeOf(node.inputs[0]!.shape) * (node.params as ScatterAddParams).rows
          : sum,
      0,
    );
  };
  assert(work(1) > 0);
  assertEquals(work(3), 3 * work(1));
});

Deno.test("all patches in any order have the embedding of the image", () => {
  const order = Array.from({ length: PATCHES }, (_, k) => (5 * k + 3) % PATCHES);
  const indices = tile(constant([order], { dtype: "i32" }), [BATCH, 1]);
  const given = { training: true, visible: { indices, patches: PATCHES } };
  const tokens = transformer.apply(params, {}, images, given).output;
  const whole = transformer.apply(params, {}, images, { training: true }).output;
  valuesOf(mean(tokens, { axes: 1 })).forEach((value, k) =>
    assertAlmostEquals(value, valuesOf(whole)[k]!, 1e-12)
  );
});

for (const normalize of [true, false]) {
  Deno.test(`maskedPatches is the paper's loss, written out (${normalize ? "" : "not "}normalised)`, () => {
    const task = maskedPatches({ ...sizes, ...decoder, normalize });
    const head = task.initHead(randomKey(8), EMBEDDING);
    let seen: { tokens: number[]; indices: number[] } | undefined;
    const { loss } = task.loss({
      encode: (x, key, options) => {
        const tokens = encodeBy(params)(x, key, options);
        seen = { tokens: valuesOf(tokens), indices: valuesOf(options!.visible!.indices) };
        return tokens;
      },
      head,
      images,
      key: randomKey(9),
    });
    // Every place holds the mask token, but for those of visible patches: no order, no sorting.
    const visible = PATCHES / 4;
    const join = linear({ inputs: EMBEDDING, outputs: decoder.features });
    const given = constant(seen!.tokens, { shape: [BATCH * visible, EMBEDDING] });
    const joined = valuesOf(
      join.apply(head["join"] as Params, {}, given, { training: true }).output,
    );
    const token = valuesOf(head["token"] as Tensor);
    const places = Array.from({ length: BATCH * PATCHES }, () => [...token]);
    seen!.indices.forEach((patch, k) => {
      const image = Math.floor(k / visible);
      places[image * PATCHES + patch] = joined.slice(
        k * decoder.features,
        (k + 1) * decoder.features,
      );
    });
    const full = constant(places.flat(), { shape: [BATCH, PATCHES, decoder.features] });
    const outputs = PATCH * PATCH * 3;
    const trunk = sequential({
      ...transformerTrunk(decoder.depth, { features: decoder.features, heads: decoder.heads }),
      output: linear({ inputs: decoder.features, outputs }),
    });
    const { output } = trunk.apply(head, {}, add(full, head["places"] as Tensor), {
      training: true,
    });
    const predicted = valuesOf(output);
    const values = valuesOf(images);
    let [total, count] = [0, 0];
    for (let image = 0; image < BATCH; image++) {
      const shown = seen!.indices.slice(image * visible, (image + 1) * visible);
      for (let patch = 0; patch < PATCHES; patch++) {
        if (shown.includes(patch)) continue;
        const target = Array.from(
          { length: outputs },
          (_, at) => pixel(values, [image, patch, at]),
        );
        const middle = target.reduce((a, b) => a + b) / outputs;
        const variance = target.reduce((sum, x) => sum + (x - middle) ** 2, 0) / outputs;
        target.forEach((x, at) => {
          const wanted = normalize ? (x - middle) / Math.sqrt(variance + 1e-6) : x;
          total += (predicted[(image * PATCHES + patch) * outputs + at]! - wanted) ** 2;
          count++;
        });
      }
    }
    assertEquals(count, BATCH * (PATCHES - visible) * outputs);
    assertAlmostEquals(valuesOf(loss)[0]!, total / count, 1e-9);
  });
}

Deno.test("maskedPatches tells what backbone it needs", () => {
  const task = maskedPatches({ ...sizes, ...decoder });
  const head = task.initHead(randomKey(0), EMBEDDING);
  const given = { head, images, key: randomKey(1) };
  const conv = encodeBy(backbone.init(randomKey(0)).params);
  assertThrows(() => task.loss({ ...given, encode: conv }), TypeError, "backbone 'vit'");
  const other = visionTransformer({ imageSize: SIZE, patch: 4, features: 6, depth: 1, heads: 2 });
  const { params } = other.init(randomKey(0));
  assertThrows(
    () =>
      task.loss({
        ...given,
        encode: (x, _, options) =>
          other.apply(params, {}, x, { training: true, ...options }).output,
      }),
    RangeError,
    "16 patches by a vision transformer with 4 patches",
  );
  assertThrows(() => maskedPatches({ patch: 5 }), RangeError, "divides the image");
  assertThrows(() => maskedPatches({ ratio: 0 }), RangeError, "one visible patch");
});

Deno.test("hidden patches are grey, a learned token, or black and marked by a channel", () => {
  const encode = encodeBy(backbone.init(randomKey(4)).params);
  const losses = HIDDEN_PATCHES.map((shown) => {
    const task = maskedAutoencoding({ imageSize: SIZE, widths: [4], shown });
    const head = task.initHead(randomKey(6), EMBEDDING);
    let seen: number[] = [];
    const loss = (own: Params): Tensor =>
      task.loss({
        encode: (x, key) => {
          seen = valuesOf(x);
          return encode(x, key);
        },
        head: own,
        images,
        key: randomKey(7),
      }).loss;
    const value = valuesOf(loss(head))[0]!;
    const original = valuesOf(images);
    const hidden = shown === "channel" ? 0 : 0.5;
    const changed = seen.filter((x, k) => x !== original[k]);
    assertEquals(changed, new Array(images.size * 3 / 4).fill(hidden), shown);
    const own = shown === "token" ? "token" : "join";
    if (shown !== "grey") {
      for (const derivative of [grad(loss)(head), hvp(loss)(head, head)]) {
        const values = valuesOf(derivative[own] as Tensor);
        assert(values.every((x) => Number.isFinite(x) && x !== 0), `${shown}: ${values}`);
      }
    }
    return value;
  });
  assertEquals(losses[0], losses[1], "the token starts grey");
  assert(losses[2] !== losses[0]);
});
