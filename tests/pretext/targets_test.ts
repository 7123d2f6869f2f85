/** What tasks show of an image, and what they ask for. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { Encode } from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import {
  add,
  concat,
  constant,
  mean,
  mul,
  ones,
  reshape,
  rotate90,
  split,
  valuesOf,
  where,
} from "../../src/tensor/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { rgbOf } from "../../src/pretext/augment/colour.ts";
import { labOf, rgbOfLab } from "../../src/pretext/augment/lab.ts";
import { colourBins, labOfColour } from "../../src/pretext/colour_bins.ts";
import { distantPermutations } from "../../src/pretext/distant_permutations.ts";
import { cutAllTiles } from "../../src/pretext/tiles.ts";
import { uniform as hostUniform } from "../cases/random.ts";
import {
  BATCH,
  EMBEDDING,
  encodeBy,
  images,
  lossOf,
  paramsFor,
  shown,
  SIZE,
  TASKS,
} from "./fixtures.ts";

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

Deno.test("100 of 9 permutations differ in 6 places at least, where the paper's differ in 2", () => {
  // By a search of its own in NumPy: 8.0268687 places on average; the paper's algorithm 1: 8.08 and 2.
  const chosen = distantPermutations(9, 100);
  const distances = chosen.flatMap((a, i) =>
    chosen.slice(i + 1).map((b) => a.filter((value, k) => value !== b[k]).length)
  );
  assertEquals(Math.min(...distances), 6);
  const average = distances.reduce((sum, x) => sum + x) / distances.length;
  assertAlmostEquals(average, 8.026868686868687, 1e-12);
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
  const slope = (rebalancing: number): number =>
    (run(rebalancing, 1e-4) - run(rebalancing, -1e-4)) / 2e-4;
  for (const rebalancing of [0, 0.5, 1]) {
    // The mean weight is 1.
    assertAlmostEquals(run(rebalancing, 0), Math.log(classes), 1e-9);
    // Without rebalancing a bias for red costs fifteen pixels and helps one; by inverse frequency
    // red weighs as much as grey (Zhang et al., arXiv 1603.08511, equation 4).
    const [red, grey] = [1 / 16, 15 / 16]
      .map((share) => share / (rebalancing * share + (1 - rebalancing) / classes));
    assertAlmostEquals(slope(rebalancing), 1 / classes - red! / (red! + grey!), 1e-7);
  }
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
