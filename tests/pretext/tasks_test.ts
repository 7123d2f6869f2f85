import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { encoder, type Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { Encode, PretextInputs, PretextTask } from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import {
  add,
  concat,
  constant,
  dot,
  flip,
  mean,
  mul,
  ones,
  reshape,
  rotate90,
  split,
  stack,
  sub,
  valuesOf,
  where,
} from "../../src/tensor/mod.ts";
import { grad, hvp, vmap } from "../../src/transform/mod.ts";
import { flatten, mapTree, unflatten } from "../../src/tree/tree.ts";
import { rgbOf } from "../../src/pretext/augment/colour.ts";
import { labOf, rgbOfLab } from "../../src/pretext/augment/lab.ts";
import { colourBins, labOfColour } from "../../src/pretext/colour_bins.ts";
import { distantPermutations } from "../../src/pretext/distant_permutations.ts";
import { cutAllTiles } from "../../src/pretext/tiles.ts";
import { viewMetrics } from "../../src/pretext/two_views.ts";
import { uniform as hostUniform } from "../cases/random.ts";

const EMBEDDING = 6;
const SIZE = 8;
const BATCH = 4;

/** One row for each task of the folder. */
const TASKS: Record<string, PretextTask> = {
  barlowTwinsTask: pretext.barlowTwinsTask({ projection: 5 }),
  classification: pretext.classification({ classes: 3, hidden: 8 }),
  colorization: pretext.colorization({ imageSize: SIZE, mapSize: 4, bin: 40, widths: [4] }),
  contrastive: pretext.contrastive({ projection: 5, temperature: 0.5 }),
  exemplar: pretext.exemplar({ projection: 5 }),
  inpainting: pretext.inpainting({ imageSize: SIZE, widths: [4] }),
  jigsaw: pretext.jigsaw({ gap: 1, hidden: 8 }),
  maskedAutoencoding: pretext.maskedAutoencoding({ imageSize: SIZE, widths: [4] }),
  relativePosition: pretext.relativePosition({ gap: 0, hidden: 8 }),
  rotation: pretext.rotation({ hidden: 8 }),
  simSiam: pretext.simSiam({ projection: 6, bottleneck: 3 }),
  supervisedContrastiveTask: pretext.supervisedContrastiveTask({ projection: 5, temperature: 0.5 }),
  vicRegTask: pretext.vicRegTask({ projection: 5 }),
};

const backbone = encoder({
  widths: [3],
  embedding: EMBEDDING,
  imageSize: SIZE,
  normalization: "batch-own",
});
const images = uniform(randomKey(1), [BATCH, SIZE, SIZE, 3]);
const labels = constant([2, 0, 1, 0], { dtype: "i32" });

interface Both {
  readonly backbone: Params;
  readonly head: Params;
}

function paramsFor(task: PretextTask, seed = 2): Both {
  return {
    backbone: backbone.init(randomKey(seed)).params,
    head: task.initHead(randomKey(seed + 100), EMBEDDING),
  };
}

function encodeBy(params: Params): Encode {
  return (x, key) => backbone.apply(params, {}, x, { training: true, key }).output;
}

function lossOf(task: PretextTask, params: Both, given: Partial<PretextInputs> = {}): Tensor {
  const inputs = { head: params.head, encode: encodeBy(params.backbone), images, labels };
  return task.loss({ key: randomKey(3), ...inputs, ...given }).loss;
}

/** What the backbone is shown. */
function shown(task: PretextTask, given: Partial<PretextInputs> = {}): number[][] {
  const seen: number[][] = [];
  const encode: Encode = (x) => {
    seen.push(valuesOf(x));
    return mean(x, { axes: [1, 2] });
  };
  const head = task.initHead(randomKey(0), 3);
  task.loss({ encode, head, images, labels, key: randomKey(3), ...given });
  return seen;
}

Deno.test("every task of src/pretext has a row", () => {
  const task = (fn: unknown): boolean =>
    [{}, { classes: 2 }].some((options) => {
      try {
        const made = (fn as (options: object) => unknown)(options);
        return typeof made === "object" && made !== null && "initHead" in made;
      } catch {
        return false;
      }
    });
  const names = Object.entries(pretext).filter(([, fn]) => task(fn)).map(([name]) => name);
  assertEquals(names.sort(), Object.keys(TASKS).sort());
});

for (const [name, task] of Object.entries(TASKS)) {
  Deno.test(`${name} has a finite loss and reaches every parameter, at both orders`, () => {
    const params = paramsFor(task);
    const { loss, metrics } = task.loss({
      encode: encodeBy(params.backbone),
      head: params.head,
      images,
      labels,
      key: randomKey(3),
    });
    assert(valuesOf(loss).every((value) => Number.isFinite(value) && value > 0));
    for (const metric of Object.values(metrics)) {
      assertEquals(metric.shape, []);
      assert(valuesOf(metric).every(Number.isFinite));
    }
    const fn = (both: Both): Tensor => lossOf(task, both);
    const gradient = flatten<Tensor>(grad(fn)(params));
    const second = flatten<Tensor>(hvp(fn)(params, params));
    // A bias in front of a batch normalization has no effect.
    const exempt = ["backbone.embedding.bias"];
    gradient.leaves.forEach((leaf, k) => {
      const path = gradient.paths[k]!;
      const [first, curvature] = [valuesOf(leaf), valuesOf(second.leaves[k]!)];
      assert([...first, ...curvature].every(Number.isFinite), `${path} is not finite`);
      if (exempt.includes(path)) return;
      assert(first.some((value) => Math.abs(value) > 1e-9), `${path} has no gradient`);
      assert(curvature.some((value) => Math.abs(value) > 1e-9), `${path} has no curvature`);
    });
  });

  Deno.test(`${name} gives the same for the same key and something else for another`, () => {
    const params = paramsFor(task);
    const value = (seed: number): number =>
      valuesOf(lossOf(task, params, { key: randomKey(seed) }))[0]!;
    assertEquals(value(5), value(5));
    assertNotEquals(value(5), value(6));
  });

  Deno.test(`${name} encodes once, with images in [0, 1]`, () => {
    const seen = shown(task);
    assertEquals(seen.length, 1);
    assert(seen[0]!.every((value) => value >= 0 && value <= 1));
  });

  // Through one side of SimSiam no gradient goes, so that what is followed is no derivative of the
  // loss; at the edges of enlarged patches equal pixels meet in the backbone's pooling, a kink.
  if (!["simSiam", "relativePosition"].includes(name)) {
    Deno.test(`a small step along the gradient of ${name} lowers its loss`, () => {
      const params = paramsFor(task);
      const fn = (both: Both): Tensor => lossOf(task, both);
      const gradient = grad(fn)(params);
      const { leaves } = flatten<Tensor>(gradient);
      const squared = leaves.reduce((total, leaf) => total + valuesOf(dot(leaf, leaf))[0]!, 0);
      const rate = 1e-7;
      const moved = mapTree<Both>((p: Tensor, g: Tensor) => sub(p, mul(g, rate)), params, gradient);
      const [before, after] = [params, moved].map((point) => valuesOf(fn(point))[0]!);
      assertAlmostEquals((before! - after!) / (rate * squared), 1, 1e-2);
    });
  }

  Deno.test(`${name} of tasks with own weights is the task one by one`, () => {
    const seeds = [11, 12];
    const all = seeds.map((seed) => paramsFor(task, seed));
    const lists = all.map((params) => flatten<Tensor>(params));
    const together = unflatten<Both>(
      lists[0]!.structure,
      lists[0]!.leaves.map((_, k) => stack(lists.map(({ leaves }) => leaves[k]!))),
    );
    const keys = seeds.map(randomKey);
    const run = (params: Both, key: Tensor): Tensor => lossOf(task, params, { key });
    const mapped = valuesOf(vmap(run)(together, stack(keys)));
    all.forEach((params, k) =>
      assertAlmostEquals(mapped[k]!, valuesOf(run(params, keys[k]!))[0]!, 1e-10)
    );
  });
}

Deno.test("rotation shows nothing of its target besides the turned image", () => {
  // An image that looks the same after every quarter turn must be shown the same for every target.
  const turned = (k: number): Tensor =>
    pretext.rotateQuarterTurns(images, constant([k, k, k, k], { dtype: "i32" }));
  const symmetric = mul([0, 1, 2, 3].map(turned).reduce(add), 0.25);
  const views = [3, 4, 5].map((seed) =>
    shown(TASKS["rotation"]!, { images: symmetric, key: randomKey(seed) })[0]!
  );
  for (const view of views) {
    view.forEach((value, k) => assertAlmostEquals(value, views[0]![k]!, 1e-12));
  }
  const plain = [3, 4].map((seed) => shown(TASKS["rotation"]!, { key: randomKey(seed) })[0]);
  assertNotEquals(plain[0], plain[1]);
});

Deno.test("rotation can show all four turns of every image, as its paper does", () => {
  const [seen] = shown(pretext.rotation({ hidden: 4, turns: "all" }));
  const expected = [0, 1, 2, 3].flatMap((turns) => valuesOf(rotate90(images, turns)));
  assertEquals(seen, expected);
});

Deno.test("jigsaw shows nothing of its target besides the exchanged tiles", () => {
  const tile = uniform(randomKey(9), [BATCH, SIZE / 2, SIZE / 2, 3]);
  const row = concat([tile, tile], { axis: 1 });
  const repeated = concat([row, row], { axis: 2 });
  const task = pretext.jigsaw({ gap: 0, grayscale: 0, hidden: 4 });
  const view = (seed: number, given: Tensor): number[] =>
    shown(task, { images: given, key: randomKey(seed) })[0]!;
  assertEquals(view(3, repeated), view(4, repeated));
  assertNotEquals(view(3, images), view(4, images));
});

Deno.test("jigsaw exchanges whole tiles, without their mean and contrast", () => {
  // Tiles with a pattern each, brightness and contrast of their own.
  const patterns = [[0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0], [1, 0, 0, 0]];
  const pixel = (y: number, x: number): number => {
    const quarter = (y >= 2 ? 2 : 0) + (x >= 2 ? 1 : 0);
    return 0.1 * quarter + (0.1 + 0.1 * quarter) * patterns[quarter]![(y % 2) * 2 + x % 2]!;
  };
  const image = constant(
    [Array.from({ length: 4 }, (_, y) => Array.from({ length: 4 }, (_, x) => [pixel(y, x)]))],
  );
  const task = pretext.jigsaw({ gap: 0, grayscale: 0, hidden: 4 });
  const orders = new Set<string>();
  for (let seed = 0; seed < 12; seed++) {
    const [seen] = shown(task, {
      images: concat([image, image, image], { axis: 3 }),
      key: randomKey(seed),
    });
    const at = (y: number, x: number): number => seen![(y * 4 + x) * 3]!;
    const tiles = [[0, 0], [0, 2], [2, 0], [2, 2]].map((
      [y, x],
    ) => [at(y!, x!), at(y!, x! + 1), at(y! + 1, x!), at(y! + 1, x! + 1)]);
    const found = tiles.map((tile) => {
      const mean = tile.reduce((a, b) => a + b) / 4;
      assertAlmostEquals(mean, 0.5, 1e-9);
      return patterns.findIndex((pattern) =>
        pattern.every((value, k) => (value === 1) === (tile[k]! > 0.5))
      );
    });
    assertEquals([...found].sort(), [0, 1, 2, 3]);
    orders.add(found.join());
  }
  assert(orders.size > 5, `${orders.size} orders in 12 draws`);
});

Deno.test("distantPermutations() differ in every place as long as that is possible", () => {
  const four = distantPermutations(4, 24);
  assertEquals(new Set(four.map(String)).size, 24);
  const distance = (a: readonly number[], b: readonly number[]): number =>
    a.filter((value, k) => value !== b[k]).length;
  const first = distantPermutations(4, 4);
  first.forEach((a, i) => first.slice(i + 1).forEach((b) => assertEquals(distance(a, b), 4)));
  const nine = distantPermutations(6, 20);
  nine.forEach((a, i) => nine.slice(i + 1).forEach((b) => assert(distance(a, b) >= 4)));
});

Deno.test("cutAllTiles() cuts every cell at random places within it", () => {
  // An image of coordinates: a tile's pixels tell where it was.
  const size = 9;
  const image = constant(
    [Array.from({ length: size }, (_, y) => Array.from({ length: size }, (_, x) => [y, x]))],
  );
  const starts = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const tiles = cutAllTiles(image, randomKey(seed), { grid: 3, gap: 1 });
    assertEquals(tiles.shape, [1, 9, 2, 2, 2]);
    const values = valuesOf(tiles);
    for (let tile = 0; tile < 9; tile++) {
      const at = (y: number, x: number, c: number): number =>
        Math.round(values[((tile * 2 + y) * 2 + x) * 2 + c]! * 1e6) / 1e6;
      const [top, left] = [at(0, 0, 0), at(0, 0, 1)];
      const [y, x] = [top - 3 * Math.floor(tile / 3), left - 3 * (tile % 3)];
      assert([0, 1].includes(y) && [0, 1].includes(x), `tile ${tile} starts at ${top}, ${left}`);
      assertEquals([at(1, 1, 0), at(1, 1, 1)], [top + 1, left + 1]);
      starts.add(`${y}${x}`);
    }
  }
  assertEquals(starts.size, 4);
});

Deno.test("relativePosition shows the middle and the patch whose place it asks for", () => {
  // Every cell has a stripe of its own; the head sees a pair of them.
  const task = pretext.relativePosition({ gap: 1, hidden: 4 });
  const seen: Tensor[] = [];
  const encode: Encode = (x) => {
    seen.push(x);
    return mean(x, { axes: [1, 2] });
  };
  const batch = uniform(randomKey(5), [3, 12, 12, 3]);
  task.loss({ encode, head: task.initHead(randomKey(0), 3), images: batch, key: randomKey(1) });
  assertEquals(seen[0]!.shape, [6, 12, 12, 3]);
  // Grey, and without a mean of its own.
  const pixels = valuesOf(seen[0]!);
  for (let k = 0; k < pixels.length; k += 3) {
    assertAlmostEquals(pixels[k]!, pixels[k + 1]!, 1e-9);
    assertAlmostEquals(pixels[k]!, pixels[k + 2]!, 1e-9);
  }
});

Deno.test("classification shows the same images for all labels", () => {
  const other = constant([0, 1, 2, 2], { dtype: "i32" });
  const task = TASKS["classification"]!;
  assertEquals(shown(task), shown(task, { labels: other }));
  const params = paramsFor(task);
  assertNotEquals(
    valuesOf(lossOf(task, params)),
    valuesOf(lossOf(task, params, { labels: other })),
  );
  const { backbone: own, head } = params;
  assertThrows(
    () => task.loss({ encode: encodeBy(own), head, images, key: randomKey(3) }),
    TypeError,
    "found no labels",
  );
});

/** Which values of the images the backbone is not shown, where it sees grey instead. */
function hiddenBy(seen: readonly number[], whole: Tensor): number[] {
  const before = valuesOf(whole);
  return seen.map((value, k) => value === before[k] ? 0 : 1);
}

for (const name of ["maskedAutoencoding", "inpainting"]) {
  Deno.test(`${name} hides what it asks for, and asks for what it hides`, () => {
    const task = TASKS[name]!;
    const [seen] = shown(task);
    const hidden = hiddenBy(seen!, images);
    const count = hidden.reduce((total, is) => total + is, 0);
    const share = name === "inpainting" ? 1 / 4 : 3 / 4;
    assertEquals(count, images.size * share);
    const mask = constant(hidden, { shape: images.shape, dtype: "bool" });
    const inside = where(mask, mul(images, images), images);
    const elsewhere = where(mask, images, mul(images, images));
    assertEquals(shown(task, { images: inside })[0], seen);
    const params = paramsFor(task);
    const fixed: Encode = () => ones([BATCH, EMBEDDING]);
    const value = (given: Tensor): number =>
      valuesOf(lossOf(task, params, { images: given, encode: fixed }))[0]!;
    assertNotEquals(value(inside), value(images));
    // What is visible is no part of the target, but for the mean colour of the hole's surroundings.
    if (name === "maskedAutoencoding") assertEquals(value(elsewhere), value(images));
  });
}

Deno.test("a decoder that paints the trivial solution explains nothing", () => {
  // Zeros after the last convolution: every patch or hole has its trivial colour.
  for (const name of ["maskedAutoencoding", "inpainting"]) {
    const task = TASKS[name]!;
    const zero = mapTree<Params>((p: Tensor) => mul(p, 0), task.initHead(randomKey(0), EMBEDDING));
    const { loss, metrics } = task.loss({
      encode: () => ones([BATCH, EMBEDDING]),
      head: zero,
      images,
      key: randomKey(3),
    });
    assertAlmostEquals(valuesOf(metrics["explained"]!)[0]!, 0, 1e-6);
    if (name === "maskedAutoencoding") assertAlmostEquals(valuesOf(loss)[0]!, 1, 1e-4);
  }
});

Deno.test("inpainting can hide a square anywhere", () => {
  const task = pretext.inpainting({ imageSize: SIZE, hole: 3, place: "drawn", widths: [4] });
  const corners = new Set<string>();
  for (let seed = 0; seed < 8; seed++) {
    const [seen] = shown(task, { key: randomKey(seed) });
    const hidden = hiddenBy(seen!, images);
    for (let image = 0; image < BATCH; image++) {
      const at = (y: number, x: number): number => hidden[((image * SIZE + y) * SIZE + x) * 3]!;
      const places = Array.from({ length: SIZE * SIZE }, (_, k) => k)
        .filter((k) => at(Math.floor(k / SIZE), k % SIZE) === 1);
      assertEquals(places.length, 9);
      const [first, last] = [places[0]!, places.at(-1)!];
      assertEquals(last - first, 2 * SIZE + 2);
      corners.add(`${first}`);
    }
  }
  assert(corners.size > 10, `${corners.size} places in 32 draws`);
});

Deno.test("colorization shows lightness and asks for colours", () => {
  const task = TASKS["colorization"]!;
  const [seen] = shown(task);
  const pixels = valuesOf(images);
  for (let k = 0; k < pixels.length; k += 3) {
    const [lightness] = labOfColour([pixels[k]!, pixels[k + 1]!, pixels[k + 2]!]);
    for (const c of [0, 1, 2]) assertAlmostEquals(seen![k + c]!, lightness / 100, 1e-9);
  }
  const params = paramsFor(task);
  const grey = constant(seen!, { shape: images.shape });
  const fixed: Encode = () => ones([BATCH, EMBEDDING]);
  assertNotEquals(
    valuesOf(lossOf(task, params, { images: grey, encode: fixed })),
    valuesOf(lossOf(task, params, { encode: fixed })),
  );
});

Deno.test("labOf() and rgbOfLab() agree with published colours and undo each other", () => {
  // sRGB primaries in CIE Lab, D65 (Lindbloom's calculator).
  const known: [number[], number[]][] = [
    [[1, 0, 0], [53.2408, 80.0925, 67.2032]],
    [[0, 1, 0], [87.7347, -86.1827, 83.1793]],
    [[0, 0, 1], [32.297, 79.1875, -107.8602]],
    [[1, 1, 1], [100, 0, 0]],
    [[0.5, 0.5, 0.5], [53.389, 0, 0]],
    [[0, 0, 0], [0, 0, 0]],
  ];
  const four = reshape(constant(known.map(([colour]) => colour!)), [known.length, 1, 1, 3]);
  const { lightness, ab } = labOf(rgbOf("test", four));
  const [l, chroma] = [valuesOf(lightness), valuesOf(ab)];
  known.forEach(([, lab], k) => {
    assertAlmostEquals(l[k]!, lab![0]!, 0.02);
    assertAlmostEquals(chroma[2 * k]!, lab![1]!, 0.02);
    assertAlmostEquals(chroma[2 * k + 1]!, lab![2]!, 0.02);
    assertAlmostEquals(labOfColour(known[k]![0] as [number, number, number])[0], l[k]!, 1e-9);
  });
  const [a, b] = split(ab, { parts: 2, axis: 3 });
  const back = valuesOf(rgbOfLab(lightness, a!, b!));
  valuesOf(four).forEach((value, k) => assertAlmostEquals(back[k]!, value, 1e-4));
});

Deno.test("colorization's target is the nearest class, its weights favour rare colours", () => {
  const options = { imageSize: 4, mapSize: 4, bin: 40, encoding: "nearest", widths: [4] } as const;
  // One pixel of sixteen is red, all others grey; the head predicts every class alike.
  const red = Array.from({ length: 16 }, (_, k) => k === 5 ? [1, 0, 0] : [0.5, 0.5, 0.5]);
  const picture = reshape(constant(red), [1, 4, 4, 3]);
  const run = (rebalancing: number, tilt: number): number => {
    const task = pretext.colorization({ ...options, rebalancing });
    const head = mapTree<Params>((p: Tensor) => mul(p, 0), task.initHead(randomKey(0), 2));
    const bins = colourBins(40);
    // A bias for the class of red.
    const isRed = bins.map(([a, b]) => a === 80 && b === 80 ? tilt : 0);
    const output = { ...(head["output"] as Params), bias: constant(isRed) };
    const { loss } = task.loss({
      encode: () => ones([1, 2]),
      head: { ...head, output },
      images: picture,
      key: randomKey(0),
    });
    return valuesOf(loss)[0]!;
  };
  const classes = colourBins(40).length;
  assertAlmostEquals(run(0, 0), Math.log(classes), 1e-9);
  assertAlmostEquals(run(0.5, 0), Math.log(classes), 1e-3);
  // Without rebalancing a bias for red costs fifteen pixels and helps one; by inverse frequency
  // red weighs as much as grey.
  const slope = (rebalancing: number): number =>
    (run(rebalancing, 1e-4) - run(rebalancing, 0)) / 1e-4;
  assertAlmostEquals(slope(0), 1 / classes - 1 / 16, 1e-3);
  assertAlmostEquals(slope(1), 1 / classes - 1 / 2, 2e-2);
});

Deno.test("colourBins() are the classes that colours of sRGB fall into", () => {
  const bins = colourBins(10);
  assertEquals(bins.length, 261);
  const names = new Set(bins.map(String));
  assertEquals(names.size, 261);
  const next = hostUniform(1);
  for (let k = 0; k < 500; k++) {
    const [, a, b] = labOfColour([next(), next(), next()]);
    const near = [a, b].map((value) => Math.round(value / 10) * 10 + 0);
    assert(names.has(String(near)), `${near} is missing`);
  }
});

Deno.test("contrastive cannot tell partners where all images are alike", () => {
  const one = uniform(randomKey(4), [1, SIZE, SIZE, 3]);
  const same = concat([one, one, one, one]);
  const task = pretext.contrastive({ augment: (x) => x, projection: 4 });
  const encode: Encode = (x) => mean(x, { axes: [1, 2] });
  const { loss, metrics } = task.loss({
    encode,
    head: task.initHead(randomKey(2), 3),
    images: same,
    key: randomKey(3),
  });
  assertAlmostEquals(valuesOf(loss)[0]!, Math.log(2 * BATCH - 1), 1e-9);
  assertAlmostEquals(valuesOf(metrics["alignment"]!)[0]!, 1, 1e-9);
});

/** A backbone without parameters that keeps all pixels of images of 4 x 4. */
const pixels: Encode = (x) => reshape(x, [x.shape[0]!, 48]);

/** A stand-in for what augmentations do: the same images with a little noise. */
const noisy = (x: Tensor, key: Tensor): Tensor => add(x, mul(uniform(key, x.shape), 0.05));

const siamese: Record<string, PretextTask> = {
  contrastive: pretext.contrastive({ projection: 6, hidden: 8, augment: noisy }),
  barlowTwins: pretext.barlowTwinsTask({ projection: 6, augment: noisy }),
  simSiam: pretext.simSiam({ projection: 6, augment: noisy }),
  vicReg: pretext.vicRegTask({ projection: 6, augment: noisy }),
};

for (const [name, task] of Object.entries(siamese)) {
  Deno.test(`${name} aligns views without collapsing when its head learns`, () => {
    const batch = uniform(randomKey(8), [8, 4, 4, 3]);
    let head = task.initHead(randomKey(1), 48);
    const fn = (own: Params, key: Tensor): Tensor =>
      task.loss({ encode: pixels, head: own, images: batch, key }).loss;
    const at = (own: Params): number => valuesOf(fn(own, randomKey(99)))[0]!;
    const before = at(head);
    for (let step = 0; step < 20; step++) {
      const gradient = grad(fn)(head, randomKey(step));
      head = mapTree<Params>(
        (p: Tensor, g: Tensor) => {
          const next = sub(p, mul(g, 0.05));
          return constant(valuesOf(next), { shape: next.shape });
        },
        head,
        gradient,
      );
    }
    const { metrics } = task.loss({ encode: pixels, head, images: batch, key: randomKey(99) });
    assert(at(head) < before, `${at(head)} after, ${before} before`);
    assert(valuesOf(metrics["spread"]!)[0]! > 0.3, "the views collapsed");
  });
}

Deno.test("simSiam sends no gradient through the projections that are predicted", () => {
  const task = pretext.simSiam({ projection: 6, augment: noisy });
  const head = task.initHead(randomKey(1), 48);
  const batch = uniform(randomKey(8), [4, 4, 4, 3]);
  const fn = (own: Params): Tensor =>
    task.loss({ encode: pixels, head: own, images: batch, key: randomKey(2) }).loss;
  const slope = grad(fn)(head);
  const step = mapTree<Params>((g: Tensor) => mul(g, 1e-6), slope);
  const moved = (part: string): Params => ({
    ...head,
    [part]: mapTree<Params>((p: Tensor, d: Tensor) => sub(p, d), head[part], step[part]),
  });
  const decrease = (part: string): number =>
    (valuesOf(fn(head))[0]! - valuesOf(fn(moved(part)))[0]!) / 1e-6;
  const squared = (part: string): number =>
    flatten<Tensor>(slope[part]).leaves
      .reduce((total, leaf) => total + valuesOf(dot(leaf, leaf))[0]!, 0);
  // The predictor's gradient is the derivative; the projector's is only the part through one view.
  assertAlmostEquals(decrease("predictor") / squared("predictor"), 1, 1e-3);
  assert(Math.abs(decrease("projector") / squared("projector") - 1) > 0.05);
});

Deno.test("spread is 1 for vectors all over the sphere, and 0 for one point", () => {
  const axes = [[1, 0], [-1, 0], [0, 1], [0, -1]];
  const spread = (vectors: readonly (readonly number[])[]): number =>
    valuesOf(viewMetrics(constant(vectors)).spread)[0]!;
  assertAlmostEquals(spread([...axes, ...axes]), 1, 1e-9);
  assertAlmostEquals(spread([[3, 4], [6, 8]]), 0, 1e-5);
});

Deno.test("supervisedContrastive pulls views of a class together, not of an image alone", () => {
  const task = pretext.supervisedContrastiveTask({ projection: 4, augment: (x) => x });
  const head = task.initHead(randomKey(0), 3);
  const encode: Encode = (x) => mean(x, { axes: [1, 2] });
  const run = (values: readonly number[]): number => {
    const labels = constant(values, { dtype: "i32" });
    return valuesOf(task.loss({ encode, head, images, labels, key: randomKey(3) }).loss)[0]!;
  };
  assertNotEquals(run([0, 1, 2, 3]), run([0, 0, 1, 1]));
  assertThrows(
    () => task.loss({ encode, head, images, key: randomKey(3) }),
    TypeError,
    "supervised-contrastive: found no labels",
  );
});

Deno.test("contrastive pairs the two views of an image, each drawn on its own", () => {
  const [seen] = shown(pretext.contrastive({ augment: (x) => x }));
  assertEquals(seen!.slice(0, images.size), seen!.slice(images.size));
  const [drawn] = shown(TASKS["contrastive"]!);
  assertNotEquals(drawn!.slice(0, images.size), drawn!.slice(images.size));
});

Deno.test("a head can solve rotation when the embedding tells the turn", () => {
  // Bright top edge, dark elsewhere: the means of the four edges give the turn.
  const edge = constant(
    [Array.from({ length: SIZE }, (_, y) => Array.from({ length: SIZE }, () => [y === 0 ? 1 : 0]))],
  );
  const batch = concat(new Array(12).fill(edge));
  const task = pretext.rotation({ hidden: 8 });
  const encode: Encode = (x) => {
    const rows = mean(x, { axes: [2, 3] });
    const columns = mean(x, { axes: [1, 3] });
    return concat([rows, columns, flip(rows, 1)], { axis: 1 });
  };
  let head = task.initHead(randomKey(1), 3 * SIZE);
  const fn = (own: Params, key: Tensor): Tensor =>
    task.loss({ encode, head: own, images: batch, key }).loss;
  for (let step = 0; step < 30; step++) {
    const gradient = grad(fn)(head, randomKey(step));
    head = mapTree<Params>(
      (p: Tensor, g: Tensor) => {
        const next = sub(p, mul(g, 0.5));
        return constant(valuesOf(next), { shape: next.shape });
      },
      head,
      gradient,
    );
  }
  const { metrics } = task.loss({ encode, head, images: batch, key: randomKey(77) });
  assertEquals(valuesOf(metrics["accuracy"]!), [1]);
});

Deno.test("tasks throw on images they cannot use", () => {
  const encode: Encode = (x) => mean(x, { axes: [1, 2] });
  const run = (task: PretextTask, shape: readonly number[]): void => {
    const head = task.initHead(randomKey(0), 3);
    task.loss({ encode, head, images: uniform(randomKey(0), shape), key: randomKey(0) });
  };
  assertThrows(() => run(pretext.rotation(), [2, 4, 6, 3]), TypeError, "square images");
  assertThrows(() => run(pretext.jigsaw(), [2, 8, 10, 3]), RangeError, "with a gap of 4");
  assertThrows(() => run(pretext.colorization(), [2, 8, 8, 3]), TypeError, "imageSize: 8");
  assertThrows(() => pretext.colorization({ mapSize: 5 }), RangeError, "divides the image");
  assertThrows(() => run(pretext.maskedAutoencoding(), [2, 8, 8, 3]), TypeError, "imageSize: 8");
  assertThrows(() => pretext.maskedAutoencoding({ patch: 5 }), RangeError, "divides the image");
  assertThrows(() => pretext.maskedAutoencoding({ ratio: 1 }), RangeError, "one visible");
  assertThrows(() => pretext.inpainting({ hole: 32 }), RangeError, "from 1 to 31");
  assertThrows(() => run(pretext.exemplar(), [1, 8, 8, 3]), RangeError, "two images or more");
});
