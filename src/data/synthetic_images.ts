import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { Pauses } from "../ir/pauses.ts";
import { HostRandom } from "./host_random.ts";
import type { ImageDataset, ImageSplits } from "./image_dataset.ts";
import { SYNTHETIC_CLASS_NAMES, SYNTHETIC_SHAPES } from "./synthetic_shapes.ts";

/** Options of {@linkcode syntheticImages}. */
export interface SyntheticImagesOptions {
  /** Seed of all images. */
  readonly seed: number;
  /** Number of training images. */
  readonly trainCount: number;
  /** Number of test images. */
  readonly testCount: number;
}

/** A colour as red, green and blue in `[0, 1]`. */
type Colour = readonly [number, number, number];

const SIZE = 32;
const CHANNELS = 3;
/** Offsets of the four samples inside of a pixel, which smooth the edges. */
const SAMPLES = [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]] as const;

/** A colour of random hue from HSV ranges. */
function randomColour(
  random: HostRandom,
  { saturation, value }: {
    saturation: readonly [number, number];
    value: readonly [number, number];
  },
): Colour {
  const hue = random.uniform(0, 6);
  const chroma = random.uniform(...saturation);
  const brightness = random.uniform(...value);
  const channel = (offset: number): number => {
    const turn = (offset + hue) % 6;
    return brightness * (1 - chroma * Math.max(0, Math.min(1, turn, 4 - turn)));
  };
  return [channel(5), channel(3), channel(1)];
}

/** City-block distance of two colours. */
function distance(a: Colour, b: Colour): number {
  return Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) + Math.abs(a[2] - b[2]);
}

/** Of five random colours the one that stands out most from all of `others`. */
function contrastingColour(random: HostRandom, others: readonly Colour[]): Colour {
  let best: Colour = [0, 0, 0];
  let bestDistance = -1;
  for (let trial = 0; trial < 5; trial++) {
    const colour = randomColour(random, { saturation: [0.1, 0.9], value: [0.1, 1] });
    const nearest = Math.min(...others.map((other) => distance(colour, other)));
    if (nearest > bestDistance) [best, bestDistance] = [colour, nearest];
  }
  return best;
}

/** Paints one image of class `label` into `out` `[32, 32, 3]`. */
function paint(out: Uint8Array, { label, random }: { label: number; random: HostRandom }): void {
  const shape = SYNTHETIC_SHAPES[label]!;
  // The scene: a sky that gets lighter upwards, a striped ground, a horizon between.
  const sky = randomColour(random, { saturation: [0, 0.6], value: [0.3, 1] });
  const ground = randomColour(random, { saturation: [0.1, 0.7], value: [0.15, 0.8] });
  const horizon = random.uniform(-0.65, 0.1);
  const skySlope = random.uniform(0.02, 0.25);
  const groundPeriod = random.uniform(3, 9);
  const groundContrast = random.uniform(0, 0.2);
  const groundSlant = random.uniform(-1, 1);
  // The object: place, size, tilt (by the half-angle formula, so no transcendental function), mirror.
  const scale = random.uniform(0.5, 0.8);
  const aspect = random.uniform(0.8, 1.2);
  const centreX = random.uniform(-1, 1) * (1 - scale);
  const centreY = random.uniform(-1, 1) * (1 - scale);
  const halfTangent = random.uniform(-0.1, 0.1);
  const cosine = (1 - halfTangent * halfTangent) / (1 + halfTangent * halfTangent);
  const sine = (2 * halfTangent) / (1 + halfTangent * halfTangent);
  const mirror = random.integer(2) === 0 ? 1 : -1;
  const first = contrastingColour(random, [sky, ground]);
  const second = contrastingColour(random, [sky, ground, first]);
  const shading = random.uniform(0.05, 0.3);
  // The nuisances: a blob that means nothing, gain and noise.
  const blob = randomColour(random, { saturation: [0.1, 0.9], value: [0.1, 1] });
  const blobX = random.uniform(-1, 1);
  const blobY = random.uniform(-1, 1);
  const blobSquared = random.uniform(0.01, 0.06);
  const gain = random.uniform(0.75, 1.1);
  const noise = random.uniform(0.02, 0.2);

  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (const [right, down] of SAMPLES) {
        const x = (column + right) / (SIZE / 2) - 1;
        const y = 1 - (row + down) / (SIZE / 2);
        const u = (mirror * ((x - centreX) * cosine + (y - centreY) * sine)) / (scale * aspect);
        const v = ((y - centreY) * cosine - (x - centreX) * sine) / scale;
        const side = Math.abs(u) < 1.1 && Math.abs(v) < 1.1 ? shape(u, v) : 0;
        let colour: Colour;
        let light: number;
        if (side !== 0) {
          colour = side === 1 ? first : second;
          light = 1 + shading * (v - 0.5);
        } else if ((x - blobX) * (x - blobX) + (y - blobY) * (y - blobY) < blobSquared) {
          colour = blob;
          light = 1;
        } else if (y > horizon) {
          colour = sky;
          light = 1 + skySlope * (y - 0.5);
        } else {
          const wave = (x * groundSlant + y) * groundPeriod;
          colour = ground;
          light = 1 + (wave - Math.floor(wave) < 0.5 ? groundContrast : -groundContrast);
          // The object's shadow lies on the ground below it.
          if (v < -0.85 && v > -1.15 && Math.abs(u) < 0.9) light *= 0.6;
        }
        red += colour[0] * light;
        green += colour[1] * light;
        blue += colour[2] * light;
      }
      const at = (row * SIZE + column) * CHANNELS;
      out[at] = toByte((red / 4) * gain + noise * bell(random));
      out[at + 1] = toByte((green / 4) * gain + noise * bell(random));
      out[at + 2] = toByte((blue / 4) * gain + noise * bell(random));
    }
  }
}

/** Bell-shaped noise of mean 0 in `(-1, 1)`: the sum of the four bytes of one draw. */
function bell(random: HostRandom): number {
  const word = random.uint32();
  return ((word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24)) / 510 - 1;
}

/** A brightness in `[0, 1]` as a byte, clipped. */
function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.floor(value * 255 + 0.5)));
}

/** One part of the data set; `part` keeps the streams of the two parts apart. */
function* render(
  { seed, count, part }: { seed: number; count: number; part: number },
): Generator<void, ImageDataset> {
  const size = SIZE * SIZE * CHANNELS;
  const images = new Uint8Array(count * size);
  const labels = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    const label = index % SYNTHETIC_CLASS_NAMES.length;
    labels[index] = label;
    const random = new HostRandom([seed, 0x5ce7e, part, index]);
    paint(images.subarray(index * size, (index + 1) * size), { label, random });
    yield;
  }
  return {
    name: "synthetic-objects",
    images,
    labels,
    count,
    height: SIZE,
    width: SIZE,
    channels: CHANNELS,
    classNames: SYNTHETIC_CLASS_NAMES,
    source: "synthetic",
    provenance: `procedural stand-in of ten object classes, seed ${seed}: ${count} ${
      part === 0 ? "training" : "test"
    } images, no real photographs`,
    synthetic: true,
  };
}

/**
 * Paints a data set that needs no file: ten classes of upright objects on a landscape, 32x32 RGB.
 *
 * A class is a silhouette or, for the two balloons, a texture. Colours, place, size, tilt, mirror
 * image, background, a meaningless blob, brightness and noise are drawn without regard to the class,
 * so a linear classifier on pixels fares badly and a small convolutional network well. Sky, ground,
 * shading and shadow tell what is up, so the angle of a rotated image can be predicted. An image
 * depends only on the seed, its part and its position; labels go round `0..9`.
 *
 * @param options Seed and number of images of the two parts.
 * @returns Training and test images, with `synthetic` set.
 * @throws {RangeError} If a count is not a whole number from 0, or the seed is not a safe integer >= 0.
 *
 * @example
 * ```ts
 * import { syntheticImages } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 30, testCount: 10 });
 * assertEquals(train.images.length, 30 * 32 * 32 * 3);
 * assertEquals(train.classNames[train.labels[13]!], "cup");
 * assert(train.synthetic);
 * ```
 */
export function syntheticImages(options: SyntheticImagesOptions): ImageSplits {
  requireOptions("syntheticImages", options, {
    seed: is.natural,
    trainCount: true,
    testCount: true,
  });
  const steps = paintSplits(options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * {@linkcode syntheticImages} with pauses, for a program that listens meanwhile.
 *
 * @param options Seed and number of images of the two parts.
 * @param signal Ends it early.
 * @returns Training and test images.
 */
export async function syntheticImagesInTurns(
  options: SyntheticImagesOptions,
  signal?: AbortSignal,
): Promise<ImageSplits> {
  return await new Pauses(signal).work(paintSplits(options));
}

/** Yields after every image. */
function* paintSplits(options: SyntheticImagesOptions): Generator<void, ImageSplits> {
  const { seed, trainCount, testCount } = options;
  for (const [name, count] of Object.entries({ trainCount, testCount })) {
    if (!Number.isInteger(count) || count < 0) {
      throw new RangeError(
        `Cannot make synthetic images: ${name} ${count}, expected a whole number from 0. Correct ${name}.`,
      );
    }
  }
  return {
    train: yield* render({ seed, count: trainCount, part: 0 }),
    test: yield* render({ seed, count: testCount, part: 1 }),
  };
}
