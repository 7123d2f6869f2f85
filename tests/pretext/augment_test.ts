import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  type Augment,
  colorJitter,
  type ColorJitterOptions,
  gaussianBlur,
  horizontalFlip,
  normalizeImages,
  randomCrop,
  randomGrayscale,
  randomResizedCrop,
  rotateQuarterTurns,
  simclrAugment,
  supervisedAugment,
} from "../../src/pretext/mod.ts";
import { luma, rgbOf, turnHue } from "../../src/pretext/augment/colour.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { choosePatches } from "../../src/pretext/patches.ts";
import {
  concat,
  constant,
  full,
  mean,
  ones,
  rotate90,
  slice,
  stack,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { vmap } from "../../src/transform/mod.ts";
import { fromIndex } from "../tensor/fixtures.ts";

const AUGMENTS: Record<string, Augment> = {
  randomResizedCrop,
  horizontalFlip,
  colorJitter,
  colorJitterInDrawnOrder: (x, key) => colorJitter(x, key, { order: "drawn" }),
  randomGrayscale,
  gaussianBlur,
  randomCrop,
  simclrAugment: simclrAugment({ blur: 0.5 }),
  supervisedAugment: supervisedAugment(),
};

for (const [name, augment] of Object.entries(AUGMENTS)) {
  Deno.test(`${name} is a function of the key, with a draw of its own for every image`, () => {
    const one = uniform(randomKey(1), [1, 6, 8, 3]);
    const images = concat(new Array(12).fill(one));
    const run = (seed: number): number[] => valuesOf(augment(images, randomKey(seed)));
    const [values, again, other] = [run(1), run(1), run(2)];
    assertEquals(augment(images, randomKey(1)).shape, images.shape);
    assertEquals(values, again);
    assertNotEquals(values, other);
    assert(values.every((value) => value >= 0 && value <= 1));
    const size = one.size;
    const rows = Array.from(
      { length: 12 },
      (_, k) => values.slice(k * size, (k + 1) * size).join(),
    );
    assert(new Set(rows).size > 1, "all images were changed alike");
  });

  Deno.test(`${name} of mapped keys is the augmentation key by key`, () => {
    const images = uniform(randomKey(2), [2, 6, 8, 3]);
    const keys = [3, 4].map(randomKey);
    const mapped = valuesOf(vmap((key: Tensor) => augment(images, key))(stack(keys)));
    const alone = keys.flatMap((key) => valuesOf(augment(images, key)));
    mapped.forEach((value, k) => assertAlmostEquals(value, alone[k]!, 1e-12));
  });
}

/** Images whose two channels hold the row's and the column's place, in fractions of the image. */
function ramps(n: number, height: number, width: number): Tensor {
  const shape = [n, height, width, 2];
  const values = fromIndex(
    shape,
    (_, y, x, c) => c === 0 ? (y! + 0.5) / height : (x! + 0.5) / width,
  );
  return constant(values, { shape });
}

Deno.test("randomResizedCrop() shows windows of the wanted areas, ratios and places", () => {
  const [n, size] = [200, 16];
  const cropped = valuesOf(randomResizedCrop(ramps(n, size, size), randomKey(5)));
  const at = (k: number, y: number, x: number, c: number): number =>
    cropped[((k * size + y) * size + x) * 2 + c]!;
  const middle = size / 2;
  const areas: number[] = [];
  for (let k = 0; k < n; k++) {
    // Inside, where nothing is clamped, neighbours differ by the extent divided by the size.
    const height = (at(k, middle, 0, 0) - at(k, middle - 1, 0, 0)) * size;
    const width = (at(k, 0, middle, 1) - at(k, 0, middle - 1, 1)) * size;
    const ratio = width / height;
    const cut = Math.max(width, height) > 1 - 1e-9;
    assert(cut || (ratio > 0.75 - 1e-9 && ratio < 4 / 3 + 1e-9), `ratio ${ratio}`);
    assert(width * height > 0.08 * (cut ? 0.75 : 1) - 1e-9 && width * height < 1 + 1e-9);
    const top = at(k, middle, 0, 0) - (middle + 0.5) / size * height;
    const left = at(k, 0, middle, 1) - (middle + 0.5) / size * width;
    for (const [start, extent] of [[top, height], [left, width]] as const) {
      assert(start > -1e-9 && start + extent < 1 + 1e-9, `window from ${start} of ${extent}`);
    }
    areas.push(width * height);
  }
  const average = areas.reduce((a, b) => a + b) / n;
  // Uniform in [0.08, 1], a little less where sides were cut.
  assert(average > 0.44 && average < 0.56, `mean area ${average}`);
  assert(Math.min(...areas) < 0.13 && Math.max(...areas) > 0.85);
});

Deno.test("randomResizedCrop() of the whole image is the image", () => {
  const images = uniform(randomKey(1), [2, 4, 6, 1]);
  const whole = valuesOf(
    randomResizedCrop(images, randomKey(2), { scale: [1, 1], ratio: [1.5, 1.5] }),
  );
  whole.forEach((value, k) => assertAlmostEquals(value, valuesOf(images)[k]!, 1e-12));
  assertThrows(
    () => randomResizedCrop(images, randomKey(0), { scale: [0.5, 2] }),
    RangeError,
    "scale",
  );
});

Deno.test("randomCrop() shifts by every number of pixels alike and fills with zeros", () => {
  const [n, size, padding] = [900, 5, 1];
  const shifted = valuesOf(randomCrop(ramps(n, size, size), randomKey(6), { padding }));
  const counts = new Map<string, number>();
  for (let k = 0; k < n; k++) {
    const at = (y: number, x: number, c: number): number =>
      shifted[((k * size + y) * size + x) * 2 + c]!;
    const shift = [Math.round(at(2, 2, 0) * size - 2.5), Math.round(at(2, 2, 1) * size - 2.5)];
    counts.set(shift.join(), (counts.get(shift.join()) ?? 0) + 1);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const [from, along] = [y + shift[0]!, x + shift[1]!];
        const inside = from >= 0 && from < size && along >= 0 && along < size;
        assertAlmostEquals(at(y, x, 0), inside ? (from + 0.5) / size : 0, 1e-12);
        assertAlmostEquals(at(y, x, 1), inside ? (along + 0.5) / size : 0, 1e-12);
      }
    }
  }
  assertEquals(counts.size, 9);
  const chi = [...counts.values()].reduce((total, count) => total + (count - 100) ** 2 / 100, 0);
  assert(chi < 26.1, `chi-square ${chi} with 8 degrees of freedom`);
});

Deno.test("horizontalFlip() and randomGrayscale() change the wanted share of the images", () => {
  const n = 1000;
  const image = constant([[[0.9, 0.1, 0.1], [0.2, 0.2, 0.8]]], { shape: [1, 1, 2, 3] });
  const images = concat(new Array(n).fill(image));
  const share = (augment: Augment): number => {
    const values = valuesOf(augment(images, randomKey(7)));
    const original = valuesOf(image);
    let changed = 0;
    for (let k = 0; k < n; k++) {
      if (values.slice(k * 6, k * 6 + 6).some((value, at) => value !== original[at])) changed++;
    }
    return changed / n;
  };
  assert(Math.abs(share(horizontalFlip) - 0.5) < 0.065);
  assert(Math.abs(share(randomGrayscale) - 0.2) < 0.055);
  assert(Math.abs(share(colorJitter) - 0.8) < 0.055);
  assertEquals(share((x, key) => horizontalFlip(x, key, { probability: 0 })), 0);
  assertEquals(share((x, key) => colorJitter(x, key, { probability: 0 })), 0);
});

Deno.test("colorJitter() changes each property alone, by at most the wanted amount", () => {
  const n = 60;
  const image = uniform(randomKey(8), [1, 3, 3, 3], { low: 0.4, high: 0.6 });
  const images = concat(new Array(n).fill(image));
  const none = { brightness: 0, contrast: 0, saturation: 0, hue: 0, probability: 1 };
  const run = (options: object): number[] =>
    valuesOf(colorJitter(images, randomKey(9), { ...none, ...options }));
  const original = valuesOf(image);
  const size = image.size;
  const grey = valuesOf(luma(rgbOf("test", image)));
  const centre = grey.reduce((a, b) => a + b) / grey.length;
  const kinds = {
    brightness: () => 0,
    contrast: () => centre,
    saturation: (at: number) => grey[Math.floor(at / 3)]!,
  };
  for (const [kind, origin] of Object.entries(kinds)) {
    const values = run({ [kind]: 0.3 });
    const factors = Array.from({ length: n }, (_, k) => {
      const factor = (values[k * size]! - origin(0)) / (original[0]! - origin(0));
      for (let at = 0; at < size; at++) {
        const expected = origin(at) + factor * (original[at]! - origin(at));
        assertAlmostEquals(values[k * size + at]!, expected, 1e-9, kind);
      }
      return factor;
    });
    assert(factors.every((factor) => factor > 0.7 - 1e-9 && factor < 1.3 + 1e-9));
    assert(Math.min(...factors) < 0.8 && Math.max(...factors) > 1.2, kind);
  }
  assertEquals(run({}), valuesOf(images));
  assertThrows(() => run({ hue: 0.6 }), RangeError, "0 to 0.5");
  assertThrows(() => run({ contrast: -1 }), RangeError, "contrast -1");
});

Deno.test("colorJitter() in drawn order gives every image one of the orders, all of them in turn", () => {
  const images = uniform(randomKey(1), [40, 2, 2, 3]);
  const none = { brightness: 0, contrast: 0, saturation: 0, hue: 0, probability: 1 };
  const run = (x: Tensor, options: ColorJitterOptions): Tensor =>
    colorJitter(x, randomKey(9), { ...none, ...options });
  const [brightness, contrast] = [{ brightness: 0.4 }, { contrast: 0.4 }];
  const orders = [
    run(run(images, brightness), contrast),
    run(run(images, contrast), brightness),
  ].map(valuesOf);
  const drawn = valuesOf(run(images, { ...brightness, ...contrast, order: "drawn" }));
  const counts = [0, 0];
  for (let k = 0; k < 40; k++) {
    const own = (values: readonly number[]): string => values.slice(12 * k, 12 * k + 12).join();
    const found = orders.map(own).indexOf(own(drawn));
    assert(found >= 0, `image ${k} has neither order`);
    counts[found]!++;
  }
  assert(Math.min(...counts) >= 10, `orders ${counts}`);
  assertEquals(
    valuesOf(run(images, { ...brightness, order: "drawn" })),
    valuesOf(run(images, brightness)),
  );
});

Deno.test("turnHue() turns on the colour circle and keeps value and saturation", () => {
  const primaries = constant([[1, 0, 0], [0, 1, 0], [0, 0, 1]], { shape: [1, 1, 3, 3] });
  const turn = (x: Tensor, by: number): number[] =>
    valuesOf(concat(turnHue(rgbOf("test", x), full([1, 1, 1, 1], { value: by })), { axis: 3 }));
  const near = (found: number[], expected: number[]): void =>
    found.forEach((value, k) => assertAlmostEquals(value, expected[k]!, 1e-12));
  near(turn(primaries, 1 / 3), [0, 1, 0, 0, 0, 1, 1, 0, 0]);
  near(turn(primaries, -1 / 3), [0, 0, 1, 1, 0, 0, 0, 1, 0]);
  near(turn(primaries, 1 / 6), [1, 1, 0, 0, 1, 1, 1, 0, 1]);
  const colours = uniform(randomKey(10), [1, 4, 5, 3]);
  near(turn(colours, 0), valuesOf(colours));
  near(turn(colours, 1), valuesOf(colours));
  const turned = turn(colours, 0.137);
  const original = valuesOf(colours);
  for (let k = 0; k < 60; k += 3) {
    const [now, before] = [turned, original].map((list) => list.slice(k, k + 3));
    assertAlmostEquals(Math.max(...now!), Math.max(...before!), 1e-12);
    assertAlmostEquals(Math.min(...now!), Math.min(...before!), 1e-12);
  }
  near(turn(full([1, 1, 1, 3], { value: 0.3 }), 0.4), [0.3, 0.3, 0.3]);
});

Deno.test("gaussianBlur() spreads a point as a Gaussian of the drawn width", () => {
  const [n, size] = [50, 9];
  const point = fromIndex([n, size, size, 1], (_, y, x) => y === 4 && x === 4 ? 1 : 0);
  const images = constant(point, { shape: [n, size, size, 1] });
  const options = { probability: 1, radius: 2, deviation: [0.5, 2] } as const;
  const values = valuesOf(gaussianBlur(images, randomKey(11), options));
  const widths: number[] = [];
  for (let k = 0; k < n; k++) {
    const at = (y: number, x: number): number => values[(k * size + y) * size + x]!;
    const variance = -0.5 / Math.log(at(4, 5) / at(4, 4));
    assertAlmostEquals(Math.log(at(4, 6) / at(4, 4)), -2 / variance, 1e-9);
    assertAlmostEquals(at(3, 5), at(3, 4) * at(4, 5) / at(4, 4), 1e-12);
    assertEquals(at(4, 7), 0);
    let total = 0;
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) total += at(y, x);
    assertAlmostEquals(total, 1, 1e-12);
    widths.push(Math.sqrt(variance));
  }
  assert(Math.min(...widths) > 0.5 - 1e-9 && Math.max(...widths) < 2 + 1e-9);
  assert(Math.min(...widths) < 0.8 && Math.max(...widths) > 1.7);
});

Deno.test("rotateQuarterTurns() is rotate90() image by image", () => {
  const images = uniform(randomKey(12), [4, 5, 5, 2]);
  const turns = constant([3, 1, 0, 2], { dtype: "i32" });
  const expected = [3, 1, 0, 2].flatMap((turn, k) => valuesOf(rotate90(slice(images, [k]), turn)));
  assertEquals(valuesOf(rotateQuarterTurns(images, turns)), expected);
  assertThrows(
    () => rotateQuarterTurns(ones([2, 5, 4, 1]), turns),
    TypeError,
    "expected square images and i32[2] turns",
  );
});

Deno.test("normalizeImages() gives every channel mean 0 and spread 1", () => {
  const images = uniform(randomKey(13), [3, 4, 4, 2]);
  const channel = (k: number): number[] => valuesOf(images).filter((_, at) => at % 2 === k);
  const means = [0, 1].map((k) => channel(k).reduce((a, b) => a + b) / 48);
  const deviations = [0, 1].map((k) =>
    Math.sqrt(channel(k).reduce((total, v) => total + (v - means[k]!) ** 2, 0) / 48)
  );
  const normalized = normalizeImages(images, { mean: means, deviation: deviations });
  for (const value of valuesOf(mean(normalized, { axes: [0, 1, 2] }))) {
    assertAlmostEquals(value, 0, 1e-12);
  }
  assertThrows(
    () => normalizeImages(images, { mean: [0], deviation: [1] }),
    RangeError,
    "Cannot normalize 2 channels",
  );
});

Deno.test("choosePatches() chooses exactly as many as told, all equally often", () => {
  const [rows, patches, chosen] = [400, 9, 4];
  const mask = valuesOf(choosePatches(randomKey(14), { images: rows, patches, chosen }));
  const counts = new Array<number>(patches).fill(0);
  for (let k = 0; k < rows; k++) {
    const row = mask.slice(k * patches, (k + 1) * patches);
    assertEquals(row.reduce((a, b) => a + b), chosen);
    row.forEach((is, patch) => counts[patch] = counts[patch]! + is);
  }
  const expected = rows * chosen / patches;
  const chi = counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0);
  assert(chi < 26.1, `chi-square ${chi} with at most 8 degrees of freedom`);
});

Deno.test("augmentation throws on what is no batch of images", () => {
  const key = randomKey(0);
  assertThrows(() => horizontalFlip(ones([4, 4, 3]), key), TypeError, "Cannot flip f32[4, 4, 3]");
  assertThrows(() => colorJitter(ones([1, 4, 4, 1]), key), TypeError, "width, 3]");
  assertThrows(() => gaussianBlur(ones([1, 4, 4, 1]), key, { probability: 2 }), RangeError);
});
