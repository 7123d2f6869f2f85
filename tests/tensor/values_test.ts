/** What is no shape, no width or no value of a type is refused, and the message says what was found. */
import { assertEquals, assertThrows } from "@std/assert";
import { hostArray } from "../../src/ir/host_array.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import { packImages } from "../../src/train/mod.ts";
import { syntheticImages } from "../../src/data/mod.ts";

const classes = t.constant([1], { dtype: "i32" });

const refused: readonly (readonly [what: string, run: () => unknown, message: string])[] = [
  ["ones() of half an axis", () => t.ones([2, 2.5]), "[2, 2.5]"],
  ["zeros() of less than nothing", () => t.zeros([-1]), "[-1]"],
  ["zeros() of NaN rows", () => t.zeros([NaN, 2]), "[NaN, 2]"],
  ["range() to 2.5", () => t.range(2.5), "[2.5]"],
  ["range() to -2", () => t.range(-2), "[-2]"],
  ["eye() of 2.5", () => t.eye(2.5), "[2.5, 2.5]"],
  ["oneHot() of -1 classes", () => t.oneHot(classes, -1), "[1, -1]"],
  ["oneHot() of 2.5 classes", () => t.oneHot(classes, 2.5), "[1, 2.5]"],
  ["broadcastTo() half an axis", () => t.broadcastTo(t.constant([1]), [2.5]), "[2.5]"],
  ["uniform() of half an axis", () => uniform(randomKey(0), [2.5]), "[2.5]"],
  ["pad() by three widths", () => t.pad(t.ones([1]), [[1, 1, 5] as never]), "[1,1,5]"],
  ["pad() by half a width", () => t.pad(t.ones([1]), [[0.5, 1]]), "[0.5,1]"],
  ["split() into -1 parts", () => t.split(t.range(3), { parts: -1 }), "-1 equal parts"],
  ["split() into 1.5 parts", () => t.split(t.range(3), { parts: 1.5 }), "1.5 equal parts"],
  ["split() into NaN parts", () => t.split(t.range(3), { parts: NaN }), "NaN equal parts"],
  ["split() into 2^40 parts", () => t.split(t.range(3), { parts: 2 ** 40 }), "equal parts"],
  ["constant() of a fraction", () => t.constant([1.5], { dtype: "i32" }), "found 1.5"],
  ["constant() of 2 as a truth", () => t.constant([2], { dtype: "bool" }), "expected 0 or 1"],
  ["constant() beyond f32", () => t.constant([1, 1e39]), "1e+39 at position 1"],
  ["full() of NaN labels", () => t.full([2], { value: NaN, dtype: "i32" }), "found NaN"],
  ["hostArray() of a fraction", () => hostArray([0.5], [1], "i32"), "found 0.5"],
  ["hostArray() of a label of 2^32 + 5", () => hostArray([2 ** 32 + 5], [1], "i32"), "4294967301"],
  ["hostArray() of -1 as u32", () => hostArray([-1], [1], "u32"), "found -1"],
  ["hostArray() of half an axis", () => hostArray([1, 2], [2.5]), "f32[2.5]"],
  ["hostArray() beyond f32", () => hostArray([-1e39]), "found -1e+39"],
];

for (const [what, run, message] of refused) {
  Deno.test(`${what} is refused`, () => {
    assertThrows(run, Error, message);
  });
}

Deno.test("infinities and NaN are values of f32, and the last integers of their types", () => {
  const all = [Infinity, -Infinity, NaN, 3.4028234663852886e38];
  assertEquals(t.valuesOf(t.constant(all)), all);
  assertEquals(Array.from(hostArray(all).data), all);
  assertEquals(t.valuesOf(t.full([1], { value: -Infinity })), [-Infinity]);
  assertEquals(t.valuesOf(t.constant([2 ** 31 - 1, -(2 ** 31)], { dtype: "i32" })).length, 2);
  assertEquals(t.valuesOf(t.constant([2 ** 32 - 1], { dtype: "u32" })), [2 ** 32 - 1]);
});

Deno.test("packImages() refuses labels that name no class", () => {
  const { train } = syntheticImages({ seed: 0, trainCount: 3, testCount: 1 });
  for (const label of [10, -1, 2 ** 31 - 1]) {
    const labels = Int32Array.of(0, 1, label);
    assertThrows(
      () => packImages({ ...train, labels }),
      RangeError,
      `image 2 has the label ${label}, expected one of its 10 classes`,
    );
  }
});
