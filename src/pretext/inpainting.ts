import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { decoder } from "../nn/mod.ts";
import { randomIntegers, splitKey } from "../random/mod.ts";
import {
  add,
  convert,
  full,
  less,
  lessEqual,
  logicalAnd,
  mul,
  range,
  reshape,
  slice,
  square,
  sub,
  sum,
  where,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { explained } from "./explained.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode inpainting}. */
export interface InpaintingOptions {
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
  /** Height and width of the hole, in pixels; half of the image unless told, as in the paper. */
  readonly hole?: number;
  /** Where the hole is: in the middle (`"centre"`, unless told), or anywhere (`"drawn"`). */
  readonly place?: "centre" | "drawn";
  /** Channels of the decoder before each doubling; `[64, 32]` unless told. */
  readonly widths?: readonly number[];
}

/**
 * Inpainting: a square of every image is hidden behind the mean of the rest, and a convolutional
 * decoder fills it in from the embedding.
 *
 * Source: Pathak et al., arXiv 1604.07379, section 3: the mean squared error in the hole (equation 1),
 * without the adversarial loss.
 *
 * @param options Size of images and hole, its place, the decoder.
 * @returns The task; metric `explained`, the fraction of the squared distance from the mean of the
 *   visible pixels that is filled in: 0 for a solver that paints their mean colour.
 * @throws {RangeError} If the hole is no whole number below the size of the image.
 *
 * @example
 * ```ts
 * import { inpainting, mean, randomKey, uniform } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = inpainting({ imageSize: 8, widths: [4] });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = uniform(randomKey(2), [2, 8, 8, 3]);
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function inpainting(options: InpaintingOptions = {}): PretextTask {
  requireOptions("inpainting", options, {
    imageSize: is.optionalNumber,
    imageChannels: is.optionalNumber,
    hole: is.optionalNumber,
    place: true,
    widths: true,
  });
  const { imageSize = 32, imageChannels = 3, place = "centre", widths = [64, 32] } = options;
  const { hole = Math.floor(imageSize / 2) } = options;
  if (!(Number.isInteger(hole) && hole >= 1 && hole < imageSize)) {
    throw new RangeError(
      `Cannot hide a square of ${hole} pixels in images of ${imageSize} x ${imageSize}: expected a ` +
        `whole number from 1 to ${imageSize - 1}.`,
    );
  }
  const headFor = (inputs: number) =>
    decoder({ inputs, imageSize, outputs: imageChannels, widths });
  return {
    name: "inpainting",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const { n, height, width } = extentsOf("hide a part of", images, imageChannels);
      if (height !== imageSize || width !== imageSize) {
        throw new TypeError(
          `Cannot hide a part of images of ${height} x ${width}: the task was made for ` +
            `${imageSize} x ${imageSize}. Pass { imageSize: ${height} } to it.`,
        );
      }
      const [placeKey, encodeKey] = splitKey(key, 2);
      const start = place === "drawn"
        ? randomIntegers(placeKey!, [n, 2], { high: imageSize - hole + 1 })
        : full([n, 2], { value: Math.floor((imageSize - hole) / 2), dtype: "i32" });
      const hidden = squares(start, { size: imageSize, hole });
      const visible = sub(1, convert(hidden, "f32"));
      const mean = mul(
        sum(mul(images, visible), { axes: [1, 2], keepAxes: true }),
        1 / (imageSize * imageSize - hole * hole),
      );
      const input = where(hidden, mean, images);
      const embeddings = encode(input, encodeKey!);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const target = sub(images, mean);
      const average = (squared: Tensor): Tensor =>
        mul(sum(where(hidden, squared, 0)), 1 / (n * hole * hole * imageChannels));
      const loss = average(square(sub(output, target)));
      return {
        loss,
        metrics: { explained: explained(loss, average(square(target))) },
        pictures: () => {
          const prediction = where(hidden, add(output, mean), images);
          return { input, target: images, prediction };
        },
      };
    },
  };
}

/** Whether pixels lie in squares that start at `start` `i32[n, 2]`: `bool[n, size, size, 1]`. */
function squares(
  start: Tensor,
  { size, hole }: { readonly size: number; readonly hole: number },
): Tensor {
  const n = start.shape[0]!;
  const inside = (axis: 0 | 1): Tensor => {
    const first = reshape(slice(start, [null, axis]), [n, 1]);
    const at = reshape(range(size), [1, size]);
    const within = logicalAnd(lessEqual(first, at), less(at, add(first, hole)));
    return reshape(within, axis === 0 ? [n, size, 1, 1] : [n, 1, size, 1]);
  };
  return logicalAnd(inside(0), inside(1));
}
