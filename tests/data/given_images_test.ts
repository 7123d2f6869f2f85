import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { imageDataset, type ImageDatasetOptions } from "../../mod.ts";

/** Two images of 2 x 3 pixels in every form, and the bytes that they are. */
const rows = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]];
const bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const labels = [0, 1];

Deno.test("imageDataset() takes images in every form", () => {
  const grey = [2, 3, 1];
  const forms: [string, ImageDatasetOptions["images"], number[]][] = [
    ["nested numbers", rows, grey],
    ["nested with channels", rows.map((image) => image.map((row) => row.map((x) => [x]))), grey],
    ["bytes in a row", { data: Uint8Array.from(bytes), shape: [2, 2, 3, 1] }, grey],
    ["bytes without channels", { data: bytes, shape: [2, 2, 3] }, grey],
    ["floats", { data: Float32Array.from(bytes, (x) => x / 255), shape: [2, 2, 3] }, grey],
    [
      "decoded images",
      [0, 6].map((at) => ({ width: 3, height: 2, channels: 1, pixels: bytes.slice(at, at + 6) })),
      grey,
    ],
    ["RGB", { data: bytes, shape: [2, 2, 1, 3] }, [2, 1, 3]],
  ];
  for (const [what, images, extents] of forms) {
    const set = imageDataset({ images, labels });
    assertEquals([set.count, set.height, set.width, set.channels], [2, ...extents], what);
    assertEquals([...set.images], bytes, what);
    assertEquals([set.source, set.synthetic], ["arrays", false]);
  }
});

Deno.test("imageDataset() leaves the opacity of a canvas out", () => {
  const data = Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 128);
  const set = imageDataset({ images: [{ width: 2, height: 1, data }], labels: [0] });
  assertEquals([[...set.images], set.channels], [[1, 2, 3, 4, 5, 6], 3]);
});

Deno.test("imageDataset() takes zeros and ones for what they are said to be", () => {
  const mask = [[[0, 1], [1, 0]], [[1, 1], [0, 0]]];
  const flat = mask.flat(2);
  const shape = [2, 2, 2];
  const pixels = (images: ImageDatasetOptions["images"], white?: 1 | 255) => [
    ...imageDataset({ images, labels, ...(white && { white }) }).images,
  ];
  const [dark, light] = [flat, flat.map((x) => 255 * x)];
  const canvas = [0, 4].map((at) => ({ width: 2, height: 2, data: flat.slice(at, at + 4) }));
  for (const images of [mask, { data: flat, shape }, canvas]) {
    assertEquals(pixels(images, 1), light);
    assertEquals(pixels(images, 255), dark);
    assertThrows(
      () => pixels(images),
      RangeError,
      "Add { white: 1 } if ones are white, as in a mask",
    );
  }
  // A storage says what is meant, unless it is told otherwise.
  for (
    const [data, meant] of [[Uint8Array.from(flat), dark], [
      Float32Array.from(flat),
      light,
    ]] as const
  ) {
    assertEquals(pixels({ data, shape }), meant);
    assertEquals(pixels({ data, shape }, 1), light);
    assertEquals(pixels({ data, shape }, 255), dark);
  }
  assertEquals(pixels([[[0.5, 0.2]], [[0, 1]]], 1), [128, 51, 0, 255]);
  assertEquals(pixels({ data: Float32Array.of(127.6, 255), shape: [2, 1, 1] }, 255), [128, 255]);
  assertThrows(() => pixels([[[2]], [[1]]], 1), RangeError, "expected 0 to 1. 'white' is 1.");
  assertThrows(() => pixels([[["1" as never]], [[1]]], 1), RangeError, "the text '1'");
});

Deno.test("imageDataset() lets one picture of few bytes be dark among others, and takes floats with opacity", () => {
  const one = (data: ArrayLike<number>) => ({ width: 1, height: 1, data });
  const dark = imageDataset({ images: [one([0, 1, 0]), one([9, 9, 9])], labels });
  assertEquals([...dark.images], [0, 1, 0, 9, 9, 9]);
  // A canvas with hardly any light in it is bytes, whatever is left of it without its opacity.
  const night = Uint8ClampedArray.of(0, 1, 0, 255);
  assertEquals([...imageDataset({ images: [one(night)], labels: [0] }).images], [0, 1, 0]);
  const floats = Float32Array.of(0, 1, 0.5, 0.3);
  assertEquals([...imageDataset({ images: [one(floats)], labels: [0] }).images], [0, 255, 128]);
});

Deno.test("imageDataset() copies: what is changed later is not in the set", () => {
  const data = Uint8Array.from(bytes);
  const set = imageDataset({ images: { data, shape: [2, 2, 3] }, labels });
  data[0] = 99;
  assertEquals(set.images[0], 1);
});

Deno.test("imageDataset() numbers classes by name, or names them by number", () => {
  const names = (options: Partial<ImageDatasetOptions>): unknown[] => {
    const set = imageDataset({ images: rows, labels, ...options });
    return [[...set.labels], set.classNames];
  };
  assertEquals(names({ labels: ["b", "a"] }), [[1, 0], ["a", "b"]]);
  assertEquals(names({ labels: ["b", "a"], classNames: ["b", "c", "a"] }), [[0, 2], [
    "b",
    "c",
    "a",
  ]]);
  assertEquals(names({ labels: Uint8Array.of(2, 0) }), [[2, 0], ["0", "1", "2"]]);
  assertEquals(names({ classNames: ["cat", "dog", "owl"] }), [[0, 1], ["cat", "dog", "owl"]]);
});

/** What must not be accepted, and what the message must say. */
const refused: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ["no shape", { images: Uint8Array.from(bytes) }, "A typed array needs its shape"],
  ["ragged images", { images: [[[1, 2]], [[1], [2]]] }, "expected equal ones"],
  ["pixels of 300", { images: [[[300]], [[1]]] }, "found the pixel 300 at position 0"],
  ["fractions in plain arrays", { images: [[[0.5]], [[1]]] }, "are taken in a Float32Array"],
  [
    "floats beyond 1",
    { images: { data: Float32Array.of(1.5, 0), shape: [2, 1, 1] } },
    "found the pixel 1.5 at position 0, expected 0 to 1",
  ],
  ["NaN", { images: { data: Float32Array.of(NaN, 0), shape: [2, 1, 1] } }, "found the pixel NaN"],
  ["two channels", { images: { data: bytes, shape: [2, 1, 3, 2] } }, "found images of 2 channels"],
  [
    "channels in front",
    { images: { data: new Uint8Array(24), shape: [2, 3, 2, 2] } },
    "Are the channels the second axis?",
  ],
  [
    "numbers that do not fit",
    { images: { data: bytes, shape: [2, 2, 2] } },
    "12 numbers for images",
  ],
  ["a flat list", { images: bytes }, "found images of shape [12]"],
  [
    "images of two sizes",
    { images: [{ width: 1, height: 1, data: [1] }, { width: 2, height: 1, data: [1, 2] }] },
    "image 1 is 1 x 2 x 1, the first one 1 x 1 x 1",
  ],
  ["an image without numbers", { images: [{ width: 1, height: 1 }] }, "has no numbers"],
  ["a label too few", { labels: [0] }, "found 1 labels for 2 images"],
  ["a label without class", { labels: [0, 2], classNames: ["a", "b"] }, "image 1 has the label 2"],
  ["a name without class", { labels: ["a", "x"], classNames: ["a", "b"] }, "expected one of a, b"],
  ["a class twice", { classNames: ["a", "a"] }, "found a class twice"],
  ["half a label", { labels: [0, 0.5] }, "image 1 has the label 0.5"],
  ["no labels", { labels: undefined }, "found undefined for 'labels'"],
  ["an unknown option", { classes: 2 }, "found the option 'classes'"],
];

for (const [what, options, message] of refused) {
  Deno.test(`imageDataset() refuses ${what}`, () => {
    const error = assertThrows(
      () => imageDataset({ images: rows, labels, ...options } as unknown as ImageDatasetOptions),
      Error,
    );
    assertStringIncludes(error.message, message);
  });
}
