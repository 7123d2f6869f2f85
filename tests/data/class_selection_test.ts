import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  labelOf,
  resizeDataset,
  selectClasses,
  splitClasses,
  syntheticImages,
} from "../../src/data/mod.ts";

const { train } = syntheticImages({ seed: 3, trainCount: 60, testCount: 10 });

Deno.test("labelOf() finds a class by name, or lists those there are", () => {
  train.classNames.forEach((name, label) => assertEquals(labelOf(train, name), label));
  assertThrows(() => labelOf(train, "unicorn"), RangeError, train.classNames.join(", "));
});

Deno.test("selectClasses() takes all images of the classes and renames the labels", () => {
  const names = [train.classNames[7]!, train.classNames[2]!];
  const two = selectClasses(train, names);
  const expected = [...train.labels].flatMap((label, index) =>
    label === 7 || label === 2 ? [index] : []
  );
  assertEquals(two.count, expected.length);
  expected.forEach((index, position) => {
    assertEquals(two.classNames[two.labels[position]!], train.classNames[train.labels[index]!]);
    const image = two.images.subarray(position * 3072, (position + 1) * 3072);
    assertEquals(image, train.images.subarray(index * 3072, (index + 1) * 3072));
  });
  assertThrows(() => selectClasses(train, [names[0]!, names[0]!]), RangeError, "different names");
  assertThrows(() => selectClasses(train, []), RangeError, "found none");
});

Deno.test("splitClasses() gives disjoint classes by seed", () => {
  const names = Array.from({ length: 100 }, (_, label) => `c${label}`);
  const split = (seed: number) =>
    splitClasses(names, { parts: { train: 64, validation: 16, test: 20 }, seed });
  const first = split(0);
  assertEquals([first.train.length, first.validation.length, first.test.length], [64, 16, 20]);
  assertEquals(new Set([...first.train, ...first.validation, ...first.test]).size, 100);
  assertEquals(split(0), first);
  assert(JSON.stringify(split(1)) !== JSON.stringify(first));
  // The order of the names is kept in every part.
  const order = first.test.map((name) => names.indexOf(name));
  assertEquals(order, order.toSorted((a, b) => a - b));
  assertEquals(splitClasses(names, { parts: { few: 2 }, seed: 0 }).few.length, 2);
  assertThrows(
    () => splitClasses(names, { parts: { a: 99, b: 2 }, seed: 0 }),
    RangeError,
    "99 (a)",
  );
  assertThrows(() => splitClasses(names, { parts: { a: 0 }, seed: 0 }), RangeError, "from 1");
});

Deno.test("resizeDataset() resizes every image, and cuts", () => {
  const small = resizeDataset(train, { size: 16 });
  assertEquals([small.height, small.width, small.images.length], [16, 16, 60 * 768]);
  assertEquals(resizeDataset(train, { size: 32 }), train);
  // A cut of half the side keeps the pixels of the centre as they are.
  const cut = resizeDataset(train, { size: 16, cut: 0.5 });
  for (const [y, x] of [[0, 0], [7, 3], [15, 15]] as const) {
    const from = 59 * 3072 + ((y + 8) * 32 + x + 8) * 3;
    const to = 59 * 768 + (y * 16 + x) * 3;
    assertEquals(cut.images.subarray(to, to + 3), train.images.subarray(from, from + 3));
  }
  assertThrows(() => resizeDataset(train, { size: 16, cut: 0 }), RangeError, "cut 0");
  assertThrows(() => resizeDataset(train, { size: 16, cut: 1.5 }), RangeError, "cut 1.5");
});
