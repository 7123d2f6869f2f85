/** Detection: what is composed, what is asked, and what is found. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Params } from "../../src/nn/mod.ts";
import { chooseApart, outlineBoxes, overlap } from "../../src/pretext/boxes.ts";
import { boxOverlap, detection } from "../../src/pretext/mod.ts";
import { composeImages } from "../../src/pretext/composites.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { constant, mul, ones, reshape, valuesOf, zeros } from "../../src/tensor/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";

const SIZE = 16;
const COUNT = 6;
const labels = constant([0, 1, 2, 0, 1, 2], { dtype: "i32" });

/** Rows of a tensor of three axes. */
function rowsOf(x: Tensor): number[][][] {
  const [n, m, k] = x.shape as [number, number, number];
  const values = valuesOf(x);
  return Array.from(
    { length: n },
    (_, i) =>
      Array.from({ length: m }, (_, j) => values.slice((i * m + j) * k, (i * m + j + 1) * k)),
  );
}

Deno.test("composeImages() lays objects where it says, of the classes it says", () => {
  // Every image has one colour of its own: a pixel tells whose it is.
  const shades = Array.from({ length: COUNT }, (_, k) => 0.05 + 0.02 * k);
  const images = mul(
    reshape(constant(shades), [COUNT, 1, 1, 1]),
    ones([COUNT, SIZE, SIZE, 3]),
  );
  let [two, one] = [0, 0];
  for (let seed = 0; seed < 4; seed++) {
    const options = { objects: 2, smallest: 4, largest: 7 };
    const made = composeImages(images, labels, randomKey(seed), options);
    const pixels = valuesOf(made.images);
    const [boxes, present] = [rowsOf(made.boxes), valuesOf(made.present)];
    for (let image = 0; image < COUNT; image++) {
      const ground = 0.25 + 0.5 * shades[image]!;
      const there = [0, 1].filter((k) => present[2 * image + k] === 1);
      if (there.length === 2) two++;
      else one++;
      assertEquals(there[0], 0);
      const edges = there.map((k) => boxes[image]![k]!.map((edge) => edge * SIZE));
      for (const [left, top, right, bottom] of edges as [number, number, number, number][]) {
        for (const edge of [left, top, right, bottom]) {
          assertAlmostEquals(edge, Math.round(edge), 1e-9);
          assert(edge >= 0 && edge <= SIZE);
        }
        for (const extent of [right - left, bottom - top]) assert(extent > 3.9 && extent < 7.1);
      }
      for (let y = 0; y < SIZE; y++) {
        for (let x = 0; x < SIZE; x++) {
          const inside = edges.findIndex(([left, top, right, bottom]) =>
            x + 0.5 > left! && x + 0.5 < right! && y + 0.5 > top! && y + 0.5 < bottom!
          );
          // Object k of an image is the image k + 1 places before.
          const source = (image - there[Math.max(inside, 0)]! - 1 + COUNT) % COUNT;
          const expected = inside < 0 ? ground : shades[source]!;
          assertAlmostEquals(pixels[((image * SIZE + y) * SIZE + x) * 3]!, expected, 1e-9);
          if (inside < 0) continue;
          assertEquals(valuesOf(made.classes)[2 * image + there[inside]!], source % 3);
        }
      }
    }
  }
  assert(two > 2 && one > 2, `${two} images of two objects, ${one} of one`);
});

Deno.test("an object is a whole image, shrunk", () => {
  // Values rise from left to right and from top to bottom.
  const ramp = Array.from(
    { length: SIZE * SIZE },
    (_, k) => (Math.floor(k / SIZE) + 0.1 * (k % SIZE)) / 20,
  );
  const image = constant(ramp, { shape: [1, SIZE, SIZE, 1] });
  const images = mul(image, ones([2, SIZE, SIZE, 1]));
  const options = { objects: 1, smallest: 8, largest: 8 };
  const made = composeImages(images, zeros([2], "i32"), randomKey(1), options);
  const [left, top] = rowsOf(made.boxes)[0]![0]!.map((edge) => Math.round(edge * SIZE));
  const pixels = valuesOf(made.images);
  for (const [y, x] of [[0, 0], [3, 5], [7, 7]] as const) {
    // Pixel y of 8 covers 2y and 2y + 1 of 16: their middle.
    const expected = (2 * y + 0.5 + 0.1 * (2 * x + 0.5)) / 20;
    assertAlmostEquals(pixels[(top! + y) * SIZE + left! + x]!, expected, 1e-6);
  }
});

const task = detection({ classes: 3, imageSize: SIZE, cells: 4, hidden: 4 });
const images = uniform(randomKey(4), [COUNT, SIZE, SIZE, 3]);
const blank = mapTree<Params>((p: Tensor) => mul(p, 0), task.initHead(randomKey(0), 2));

/** A head that says the same of every image: these numbers. */
function saying(numbers: readonly number[]): Params {
  return { ...blank, output: { ...(blank["output"] as Params), bias: constant(numbers) } };
}

function lossOf(head: Params, seed = 7) {
  const given = { encode: () => ones([COUNT, 2]), images, labels, key: randomKey(seed) };
  return task.loss({ ...given, head });
}

Deno.test("the loss of a head that says nothing is that of the paper's formula", () => {
  const { loss, metrics } = lossOf(blank);
  const { boxes, present } = task.compose(images, labels, randomKey(7));
  let expected = 0;
  rowsOf(boxes).flat().forEach(([left, top, right, bottom], k) => {
    if (valuesOf(present)[k] === 0) return;
    const centre = [(left! + right!) * 2, (top! + bottom!) * 2];
    const off = centre.map((at) => at - Math.floor(at));
    const places = off.reduce((sum, value) => sum + value * value, 0);
    // Roots of width and height, squared.
    expected += 5 * (places + (right! - left!) + (bottom! - top!)) + 1;
  });
  assertAlmostEquals(valuesOf(loss)[0]!, expected / COUNT, 1e-9);
  assertEquals(valuesOf(metrics["overlap"]!), [0]);
});

Deno.test("the loss and what is found agree with a plain computation for any head", () => {
  const outputs = 16 * (5 * 2 + 3);
  const numbers = Array.from({ length: outputs }, (_, k) => 0.5 + 0.5 * Math.sin(3 * k + 1));
  const head = saying(numbers);
  const { loss, metrics } = lossOf(head);
  const made = task.compose(images, labels, randomKey(7));
  const [truths, present] = [rowsOf(made.boxes), valuesOf(made.present)];
  const classes = valuesOf(made.classes);
  const cellBox = (cell: number, b: number) => {
    const [x, y, w, h, c] = numbers.slice(cell * 10 + b * 5, cell * 10 + b * 5 + 5);
    const [cx, cy] = [(cell % 4 + x!) / 4, (Math.floor(cell / 4) + y!) / 4];
    const box = [cx - w! * w! / 2, cy - h! * h! / 2, cx + w! * w! / 2, cy + h! * h! / 2] as const;
    return { x: x!, y: y!, w: w!, h: h!, c: c!, box };
  };
  const nameOf = (cell: number): number[] => numbers.slice(160 + cell * 3, 163 + cell * 3);
  let [total, reached, right, objects] = [0, 0, 0, 0];
  for (let image = 0; image < COUNT; image++) {
    const wanted = new Map<string, number>();
    [0, 1].filter((k) => present[2 * image + k] === 1).forEach((k) => {
      const box = truths[image]![k]! as unknown as [number, number, number, number];
      const at = [(box[0] + box[2]) * 2, (box[1] + box[3]) * 2];
      const cell = Math.floor(at[1]!) * 4 + Math.floor(at[0]!);
      const both = [0, 1].map((b) => ({ b, ...cellBox(cell, b) }))
        .map((one) => ({ ...one, shared: boxOverlap(one.box, box) }));
      const one = both[0]!.shared >= both[1]!.shared ? both[0]! : both[1]!;
      wanted.set(`${cell} ${one.b}`, one.shared);
      total += 5 * ((one.x - at[0]! % 1) ** 2 + (one.y - at[1]! % 1) ** 2);
      total += 5 * (one.w - Math.sqrt(box[2] - box[0])) ** 2;
      total += 5 * (one.h - Math.sqrt(box[3] - box[1])) ** 2;
      const names = nameOf(cell);
      const own = classes[2 * image + k]!;
      names.forEach((value, name) => total += (value - (name === own ? 1 : 0)) ** 2);
      const best = both[0]!.c >= both[1]!.c ? both[0]! : both[1]!;
      objects++;
      reached += best.shared;
      if (best.shared >= 0.5 && names.indexOf(Math.max(...names)) === own) right++;
    });
    for (let cell = 0; cell < 16; cell++) {
      for (const b of [0, 1]) {
        const shared = wanted.get(`${cell} ${b}`);
        const { c } = cellBox(cell, b);
        total += shared === undefined ? 0.5 * c * c : (c - shared) ** 2;
      }
    }
  }
  assertAlmostEquals(valuesOf(loss)[0]!, total / COUNT, 1e-9);
  assertAlmostEquals(valuesOf(metrics["overlap"]!)[0]!, reached / objects, 1e-9);
  assertAlmostEquals(valuesOf(metrics["found"]!)[0]!, right / objects, 1e-9);

  // And the boxes are those that a judge gets, cut to the image, with scores for every class.
  const { boxes, scores } = task.detect(head, ones([1, 2]));
  const [flat, named] = [rowsOf(boxes)[0]!, rowsOf(scores)[0]!];
  for (const [cell, b] of [[0, 0], [5, 1], [15, 1]] as const) {
    const { box, c } = cellBox(cell, b);
    flat[2 * cell + b]!.forEach((edge, k) =>
      assertAlmostEquals(edge, Math.min(1, Math.max(0, box[k]!)), 1e-9)
    );
    named[2 * cell + b]!.forEach((score, k) =>
      assertAlmostEquals(score, c * nameOf(cell)[k]!, 1e-9)
    );
  }
});

Deno.test("overlap() of tensors is that of the host", () => {
  const boxes = uniform(randomKey(3), [20, 2]);
  const halves = valuesOf(boxes);
  const make = (k: number): [number, number, number, number] => {
    const [x, y] = [halves[2 * k]!, halves[2 * k + 1]!];
    return [x, y, x + 0.5, y + 0.3 + 0.2 * x];
  };
  const list = Array.from({ length: 20 }, (_, k) => make(k));
  const [a, b] = [constant(list), constant(list.toReversed())];
  valuesOf(overlap(a, b)).forEach((value, k) =>
    assertAlmostEquals(value, boxOverlap(list[k]!, list[19 - k]!), 1e-9)
  );
});

Deno.test("chooseApart() takes the surest boxes that are apart, and outlines are one pixel wide", () => {
  const boxes = constant([[[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.48], [0.5, 0.5, 1, 1], [0, 0, 0, 0]]]);
  const places = chooseApart(boxes, constant([[0.8, 0.9, 0.1, 0.2]]), 3);
  assertEquals(valuesOf(places), [1, 3, 2]);
  const drawn = outlineBoxes(zeros([1, 8, 8, 1]), {
    boxes: constant([[[0.25, 0.125, 0.75, 0.625], [0, 0, 1, 1]]]),
    classes: constant([[0, 1]], { dtype: "i32" }),
    shown: constant([[1, 0]], { dtype: "bool" }),
    count: 12,
  });
  const rows = Array.from(
    { length: 8 },
    (_, y) =>
      valuesOf(drawn).slice(8 * y, 8 * y + 8).map((value) => value === 1 ? "#" : ".").join(""),
  );
  assertEquals(rows, [
    "........",
    "..####..",
    "..#..#..",
    "..#..#..",
    "..####..",
    "........",
    "........",
    "........",
  ]);
});

Deno.test("detection draws the boxes that are there, and those that it found", () => {
  const { input, target, prediction } = lossOf(blank).pictures();
  const [before, right] = [valuesOf(input), valuesOf(target)];
  const { boxes, present } = task.compose(images, labels, randomKey(7));
  let changed = 0;
  before.forEach((value, k) => changed += value === right[k] ? 0 : 1);
  const edges = rowsOf(boxes).flat().filter((_, k) => valuesOf(present)[k] === 1)
    .map(([left, top, right, bottom]) => [right! - left!, bottom! - top!].map((e) => e * SIZE));
  const outline = edges.reduce((sum, [w, h]) => sum + Math.round(2 * (w! + h!) - 4), 0);
  assert(changed > 2 * outline && changed <= 3 * outline, `${changed} of ${3 * outline}`);
  // A head without boxes of any area draws none.
  assertEquals(valuesOf(prediction), before);
  const other = lossOf(saying(new Array(16 * 13).fill(0.6))).pictures();
  assertNotEquals(valuesOf(other.prediction), before);
});

Deno.test("detection refuses grids and batches that cannot be", () => {
  assertThrows(
    () => detection({ classes: 2, smallest: 4 }),
    RangeError,
    "objects of at least a cell (8 pixels)",
  );
  assertThrows(() => detection({ classes: 2, largest: 40 }), RangeError, "at most the image");
  const small = detection({ classes: 3, imageSize: 8, cells: 2, hidden: 4 });
  const encode = (): Tensor => ones([COUNT, 2]);
  const head = small.initHead(randomKey(0), 2);
  assertThrows(
    () => small.loss({ encode, head, images, labels, key: randomKey(1) }),
    TypeError,
    "imageSize: 16",
  );
  assertThrows(
    () => composeImages(images, labels, randomKey(0), { objects: 6, smallest: 4, largest: 4 }),
    RangeError,
    "more images than objects",
  );
});
