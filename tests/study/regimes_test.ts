/** Which images a regime gives to whom. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type ImageDataset, subsetDataset, syntheticImages } from "../../src/data/mod.ts";
import type { ImageTask } from "../../src/train/mod.ts";
import { studyModel } from "../../src/study/arms/image_learner.ts";
import {
  firstImages,
  type Regime,
  regimeImages,
  regimesSchema,
  requireMixed,
} from "../../src/study/arms/regimes.ts";
import { studySchema } from "../../src/study/arms/study_schema.ts";

const splits = syntheticImages({ seed: 2, trainCount: 200, testCount: 40 });
const names = splits.train.classNames;
const config = studySchema.parse({
  model: { backbone: { encoder: { widths: [2], embedding: 4 } }, hidden: 4 },
});

function images(regime: object, { validation = 40, splitSeed = 0 } = {}) {
  const parsed = regimesSchema.parse({ it: regime })["it"] as Regime;
  const seen: Omit<ImageTask, "head">[] = [];
  const result = regimeImages(splits, parsed, {
    ...{ validation, splitSeed },
    model: (source) => {
      seen.push(source);
      return studyModel(config, { mean: [0, 0, 0], standardDeviation: [1, 1, 1] });
    },
  });
  return { ...result, seen };
}

const perClass = (dataset: ImageDataset, rows: Int32Array) => {
  const counts = new Array(dataset.classNames.length).fill(0);
  for (const row of rows) counts[dataset.labels[row]!]++;
  return counts;
};

Deno.test("the same regime has one task, apart from validation, the same for equal split seeds", () => {
  const { source, target, test, transfer, seen } = images({});
  assertEquals([source === target, transfer, test], [true, false, splits.test]);
  assertEquals([source.train.length, source.validation.length], [160, 40]);
  assert(!source.train.some((row) => source.validation.includes(row)));
  assertEquals(source.unlabelled, undefined);
  // The pixels are normalized by what the source learns from.
  assertEquals(seen.map(({ train }) => train), [source.train]);
  assertEquals(images({}).source.train, source.train);
  assertNotEquals(images({}, { splitSeed: 1 }).source.train, source.train);
});

Deno.test("few labels are as many of every class, nested, and none of them is validation", () => {
  const few = images({ source: { labelsPerClass: 3 }, target: { labelsPerClass: 3 } });
  assertEquals(few.source, few.target);
  assertEquals(perClass(few.source.dataset, few.source.train), Array(10).fill(3));
  assertEquals(few.source.validation, images({}).source.validation);
  const many = images({ source: { labelsPerClass: 15 } }).source;
  assert(!many.train.some((row) => many.validation.includes(row)));
  const more = images({ source: { labelsPerClass: 7 } });
  assert([...few.source.train].every((row) => more.source.train.includes(row)));
  // Only the source is poor: two tasks of one head, of one validation.
  assertEquals(more.source === more.target, false);
  assertEquals([more.target.train.length, more.transfer], [160, false]);
  assert(more.source.head === more.target.head);
  assertEquals(more.source.validation, more.target.validation);
  assertThrows(
    () => images({ source: { labelsPerClass: 99 } }),
    RangeError,
    "expected at least 99",
  );
});

Deno.test("pretext images are the labelled ones, or all but validation", () => {
  const all = images({ source: { labelsPerClass: 3 }, pretextImages: "all" });
  assertEquals([all.source.train.length, all.source.unlabelled!.length], [30, 160]);
  assert(!all.source.unlabelled!.some((row) => all.source.validation.includes(row)));
  assertEquals(images({ source: { labelsPerClass: 3 } }).source.unlabelled, undefined);
});

Deno.test("transfer has other classes in the source than in the target, whose test images count", () => {
  const [first, second] = [names.slice(0, 6), names.slice(6)];
  const { source, target, test, transfer } = images({
    source: { classes: first },
    target: { classes: second, labelsPerClass: 2 },
  });
  assertEquals(transfer, true);
  assertEquals([source.dataset.classNames, target.dataset.classNames], [first, second]);
  assertEquals(test?.classNames, second);
  assertEquals(perClass(target.dataset, target.train), [2, 2, 2, 2]);
  assertEquals([source.dataset.count, target.dataset.count, test?.count], [120, 80, 16]);
  assert(source.head !== target.head);
  assertThrows(() => images({ source: { classes: ["unicorn", first[0]] } }), RangeError, "unicorn");
});

Deno.test("what a target holds out is not learned from by a source with the same classes and more", () => {
  const { source, target } = images({ target: { classes: [names[3], names[7]] } });
  const pixels = ({ dataset }: ImageTask, row: number) => {
    const size = dataset.images.length / dataset.count;
    return dataset.images.subarray(row * size, (row + 1) * size).join();
  };
  const learned = new Set([...source.train].map((row) => pixels(source, row)));
  assertEquals([...target.validation].filter((row) => learned.has(pixels(target, row))), []);
  assertEquals([...target.train].every((row) => learned.has(pixels(target, row))), true);
  assertEquals(target.validation.length, 8);
});

Deno.test("the first images of a set that lies class by class are of all classes", () => {
  const { train } = splits;
  const rows = (count: number, of = train) => [...firstImages(of, count).images];
  // Shuffled as it is, the first are the first.
  assertEquals(rows(30), [...train.images.subarray(0, 30 * 32 * 32 * 3)]);
  const order = Int32Array.from(train.labels.keys()).sort((a, b) =>
    train.labels[a]! - train.labels[b]!
  );
  const sorted = subsetDataset(train, order);
  assert(firstImages(sorted, 200) === sorted);
  for (const count of [30, 77]) {
    const some = firstImages(sorted, count);
    assertEquals(some.count, count);
    const whole = perClass(sorted, Int32Array.from(sorted.labels.keys()));
    perClass(some, Int32Array.from(some.labels.keys())).forEach((found, label) => {
      assert(Math.abs(found - whole[label]! * count / 200) <= 1, `${found} of class ${label}`);
    });
  }
  // What a stream holds can only be the first.
  requireMixed(sorted);
  requireMixed(subsetDataset(train, Int32Array.from({ length: 12 }, (_, row) => row)));
  for (const [count, classes] of [[5, 1], [60, 3]] as const) {
    const few = subsetDataset(sorted, Int32Array.from({ length: count }, (_, row) => row));
    assertThrows(() => requireMixed(few), Error, `are of ${classes} of its 10 classes`);
  }
});
