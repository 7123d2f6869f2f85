import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import type { DecodedImage } from "./decoded_image.ts";

/** Weights of the source samples that make up one target sample. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * Triangle filter from `[start, start + length)` to `size` samples, widened when it shrinks. Beyond
 * the ends there is nothing: the weights that are left are made to sum to 1.
 */
function taps({ start, length, size }: {
  start: number;
  length: number;
  size: number;
}): Taps[] {
  const scale = length / size;
  const support = Math.max(1, scale);
  return Array.from({ length: size }, (_, target) => {
    const centre = start + (target + 0.5) * scale;
    const first = Math.max(start, Math.floor(centre - support + 0.5));
    const end = Math.min(start + length, Math.floor(centre + support + 0.5));
    const weights: number[] = [];
    for (let source = first; source < end; source++) {
      weights.push(Math.max(0, 1 - Math.abs((source + 0.5 - centre) / support)));
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Cuts a centred square out of an image and resizes it, smoothed against aliasing.
 *
 * The filter is the triangle (bilinear) of twice the pixel pitch of the coarser grid, as in Pillow, which
 * also rounds between columns and rows: its bytes differ from these by 1 at most.
 * Pixels outside of the square have no influence.
 *
 * @param image The image.
 * @param size Wanted number of rows and columns.
 * @param cut Share of the shorter side that the square has, 1 unless told; 0.875 is usual for the
 * evaluation of ImageNet (224 of 256). Rounded to whole pixels.
 * @returns An image `[size, size, channels]`; the image itself if it has that size.
 * @throws {RangeError} If `size` is not a whole number from 1, or `cut` not above 0 and at most 1.
 *
 * @example
 * ```ts
 * import { resizeImage } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const pixels = Uint8Array.of(0, 100, 200, 100);
 * const small = resizeImage({ width: 2, height: 2, channels: 1, pixels }, 1);
 * assertEquals([...small.pixels], [100]);
 * ```
 */
export function resizeImage(image: DecodedImage, size: number, cut: number = 1): DecodedImage {
  requireArguments("resizeImage", { image, size, cut }, {
    image: kinds.decodedImage,
    size: true,
    cut: true,
  });
  const { width, height, channels, pixels } = image;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(
      `Cannot resize an image: size ${size}, expected a whole number from 1. Correct size.`,
    );
  }
  if (!(cut > 0 && cut <= 1)) {
    throw new RangeError(
      `Cannot resize an image: cut ${cut}, expected a share above 0 and at most 1. Correct cut.`,
    );
  }
  const length = Math.max(1, Math.round(Math.min(width, height) * cut));
  if (width === size && height === size && length === size) return image;
  const start = { x: Math.floor((width - length) / 2), y: Math.floor((height - length) / 2) };
  const across = taps({ start: start.x, length, size });
  const down = taps({ start: start.y, length, size });
  const rows = new Float64Array(height * size * channels);
  for (let row = 0; row < height; row++) {
    across.forEach(({ first, weights }, column) => {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) {
          sum += weights[tap]! * pixels[(row * width + first + tap) * channels + channel]!;
        }
        rows[(row * size + column) * channels + channel] = sum;
      }
    });
  }
  const resized = new Uint8Array(size * size * channels);
  down.forEach(({ first, weights }, row) => {
    for (let at = 0; at < size * channels; at++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) {
        sum += weights[tap]! * rows[(first + tap) * size * channels + at]!;
      }
      resized[row * size * channels + at] = Math.floor(sum + 0.5);
    }
  });
  return { width: size, height: size, channels, pixels: resized };
}
