import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { HostRandom, type ImageDataset, syntheticImages } from "../../src/data/mod.ts";
import { sha256 } from "./fixtures.ts";

/** Rows of features with a class each. */
interface Examples {
  rows: Float32Array;
  labels: Uint8Array;
}

/** Ridge regression on one-hot targets, solved in the dual; returns the accuracy on `test`. */
function ridgeAccuracy(train: Examples, test: Examples, classes: number): number {
  const count = train.labels.length;
  const size = train.rows.length / count;
  // Standardise every feature by the training rows.
  for (let column = 0; column < size; column++) {
    let sum = 0;
    let squares = 0;
    for (let at = column; at < train.rows.length; at += size) {
      sum += train.rows[at]!;
      squares += train.rows[at]! ** 2;
    }
    const mean = sum / count;
    const scale = 1 / Math.sqrt(squares / count - mean * mean + 1e-9);
    for (const { rows } of [train, test]) {
      for (let at = column; at < rows.length; at += size) rows[at] = (rows[at]! - mean) * scale;
    }
  }
  // Cholesky factor of K + I / 10, K the mean product of two rows.
  const factor = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let at = i * size, other = j * size, end = at + size; at < end; at++, other++) {
        sum += train.rows[at]! * train.rows[other]!;
      }
      let value = sum / size + (i === j ? 0.1 : 0);
      for (let k = 0; k < j; k++) value -= factor[i * count + k]! * factor[j * count + k]!;
      factor[i * count + j] = i === j ? Math.sqrt(value) : value / factor[j * count + j]!;
    }
  }
  const weights = new Float64Array(classes * size);
  for (let label = 0; label < classes; label++) {
    const dual = Float64Array.from(train.labels, (it) => (it === label ? 1 : 0) - 1 / classes);
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < i; k++) dual[i]! -= factor[i * count + k]! * dual[k]!;
      dual[i]! /= factor[i * count + i]!;
    }
    for (let i = count - 1; i >= 0; i--) {
      for (let k = i + 1; k < count; k++) dual[i]! -= factor[k * count + i]! * dual[k]!;
      dual[i]! /= factor[i * count + i]!;
      for (let at = 0; at < size; at++) {
        weights[label * size + at]! += dual[i]! * train.rows[i * size + at]!;
      }
    }
  }
  let correct = 0;
  for (const [index, truth] of test.labels.entries()) {
    let best = -Infinity;
    let guess = -1;
    for (let label = 0; label < classes; label++) {
      let score = 0;
      for (let at = 0; at < size; at++) {
        score += weights[label * size + at]! * test.rows[index * size + at]!;
      }
      if (score > best) [best, guess] = [score, label];
    }
    if (guess === truth) correct++;
  }
  return correct / test.labels.length;
}

const PATCH = 6;
const PATCH_SIZE = PATCH * PATCH * 3;

/** Copies a patch without its mean into `out`; returns its norm. */
function readPatch(
  images: Uint8Array,
  { start, out }: { start: number; out: Float32Array },
): number {
  let sum = 0;
  for (let row = 0, at = 0; row < PATCH; row++) {
    for (let column = 0; column < PATCH * 3; column++) {
      sum += out[at++] = images[start + row * 96 + column]!;
    }
  }
  let squares = 0;
  for (let at = 0; at < PATCH_SIZE; at++) squares += (out[at]! -= sum / PATCH_SIZE) ** 2;
  return Math.sqrt(squares);
}

/** Random patches of training images, of length 1: the filters of a one-layer network. */
function patchFilters(dataset: ImageDataset, count: number): Float32Array {
  const random = new HostRandom([1]);
  const filters = new Float32Array(count * PATCH_SIZE);
  for (let filter = 0; filter < count;) {
    const start = random.integer(dataset.count) * 3072 + random.integer(27) * 96 +
      random.integer(27) * 3;
    const out = filters.subarray(filter * PATCH_SIZE, (filter + 1) * PATCH_SIZE);
    const norm = readPatch(dataset.images, { start, out });
    if (norm < 20 * Math.sqrt(PATCH_SIZE)) continue;
    out.forEach((value, at) => out[at] = value / norm);
    filter++;
  }
  return filters;
}

/**
 * Convolution with given patches, rectified absolute value, sums over the four quadrants: features
 * that need no training (Coates, Ng and Lee 2011, in small).
 */
function patchFeatures(images: Uint8Array, filters: Float32Array): Float32Array {
  const count = images.length / 3072;
  const width = filters.length / PATCH_SIZE;
  const features = new Float32Array(count * width * 4);
  const patch = new Float32Array(PATCH_SIZE);
  for (let image = 0; image < count; image++) {
    for (let y = 0; y <= 26; y += 2) {
      for (let x = 0; x <= 26; x += 2) {
        const norm = readPatch(images, { start: image * 3072 + y * 96 + x * 3, out: patch }) + 100;
        const quadrant = (y > 13 ? 2 : 0) + (x > 13 ? 1 : 0);
        for (let filter = 0; filter < width; filter++) {
          let sum = 0;
          for (let at = 0; at < PATCH_SIZE; at++) {
            sum += patch[at]! * filters[filter * PATCH_SIZE + at]!;
          }
          const response = Math.max(0, Math.abs(sum / norm) - 0.2);
          features[(image * 4 + quadrant) * width + filter]! += response;
        }
      }
    }
  }
  return features;
}

/** Turns every class by 0..3 quarter turns in turn; that number is the label. */
function turned({ images, count }: ImageDataset): { images: Uint8Array; labels: Uint8Array } {
  const out = new Uint8Array(images.length);
  const labels = Uint8Array.from(
    { length: count },
    (_, index) => (Math.floor(index / 10) + index) % 4,
  );
  for (let index = 0; index < count; index++) {
    for (let row = 0; row < 32; row++) {
      for (let column = 0; column < 32; column++) {
        const [r, c] = [[row, column], [column, 31 - row], [31 - row, 31 - column], [
          31 - column,
          row,
        ]][labels[index]!]!;
        const from = index * 3072 + (r! * 32 + c!) * 3;
        out.set(images.subarray(from, from + 3), index * 3072 + (row * 32 + column) * 3);
      }
    }
  }
  return { images: out, labels };
}

Deno.test("syntheticImages() are the same bytes on every machine", () => {
  const { train, test } = syntheticImages({ seed: 1, trainCount: 50, testCount: 50 });
  assertEquals(sha256(train.images).slice(0, 16), "466e4cdc15118204");
  assertEquals(sha256(test.images).slice(0, 16), "6a2ade931163081b");
});

Deno.test("syntheticImages() depend on seed, part and position only, and are balanced", () => {
  const few = syntheticImages({ seed: 5, trainCount: 20, testCount: 20 });
  const many = syntheticImages({ seed: 5, trainCount: 100, testCount: 0 });
  assertEquals(many.train.images.slice(0, few.train.images.length), few.train.images);
  assertNotEquals(few.test.images, few.train.images);
  assertNotEquals(
    syntheticImages({ seed: 6, trainCount: 20, testCount: 0 }).train.images,
    few.train.images,
  );
  for (let label = 0; label < 10; label++) {
    assertEquals(many.train.labels.filter((it) => it === label).length, 10);
  }
  assertEquals([few.train.synthetic, few.train.source], [true, "synthetic"]);
  assertEquals(few.train.classNames.length, 10);
});

Deno.test("syntheticImages() defeat a linear classifier on pixels, not one on local features", () => {
  const { train, test } = syntheticImages({ seed: 0, trainCount: 700, testCount: 400 });
  const labels = [train.labels, test.labels] as Uint8Array[];
  const pixels = [train, test].map(({ images }, part) => ({
    rows: Float32Array.from(images),
    labels: labels[part]!,
  }));
  const linear = ridgeAccuracy(pixels[0]!, pixels[1]!, 10);
  assert(linear < 0.22, `accuracy of a linear classifier on pixels: ${linear}`);
  const filters = patchFilters(train, 40);
  const features = [train, test].map(({ images }, part) => ({
    rows: patchFeatures(images, filters),
    labels: labels[part]!,
  }));
  const local = ridgeAccuracy(features[0]!, features[1]!, 10);
  assert(local > 0.33, `accuracy of a linear classifier on local features: ${local}`);
});

Deno.test("syntheticImages() show what is up", () => {
  const { train, test } = syntheticImages({ seed: 0, trainCount: 700, testCount: 400 });
  const filters = patchFilters(train, 40);
  const [learn, check] = [train, test].map((dataset) => {
    const { images, labels } = turned(dataset);
    return { rows: patchFeatures(images, filters), labels };
  });
  const accuracy = ridgeAccuracy(learn!, check!, 4);
  assert(accuracy > 0.5, `accuracy of predicting the quarter turns: ${accuracy}`);
});

Deno.test("syntheticImages() throws on counts and seeds that are not whole", () => {
  const options = { seed: 0, trainCount: 1, testCount: 1 };
  assertThrows(
    () => syntheticImages({ ...options, trainCount: 1.5 }),
    RangeError,
    "trainCount 1.5",
  );
  assertThrows(() => syntheticImages({ ...options, testCount: -1 }), RangeError, "testCount -1");
  assertThrows(() => syntheticImages({ ...options, seed: -1 }), RangeError, "found -1");
});
