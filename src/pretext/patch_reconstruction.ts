import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  convert,
  div,
  expandDims,
  mean,
  mul,
  reshape,
  square,
  standardize,
  sub,
  sum,
  transpose,
  where,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { explained } from "./explained.ts";
import { spreadPatches } from "./patches.ts";
import type { PretextLoss } from "./pretext_task.ts";

/** Options that all masked autoencoders share. */
export interface MaskOptions {
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
  /** Side of a patch, in pixels; 4 unless told. */
  readonly patch?: number;
  /** Fraction of the patches that is hidden; 0.75 unless told, as in the paper. */
  readonly ratio?: number;
  /** Whether every patch of the target has mean 0 and variance 1; true unless told. */
  readonly normalize?: boolean;
}

/** What the backbone sees of a hidden patch, where nothing else is said. */
export const GREY = 0.5;

/** Which patches there are, and how many of them are hidden. */
export interface Masking extends Required<MaskOptions> {
  /** Patches of a row. */
  readonly side: number;
  /** Patches of an image. */
  readonly patches: number;
  /** Hidden patches of an image. */
  readonly hidden: number;
}

/**
 * Completes and checks options.
 *
 * @param options What is told.
 * @returns All of them, with the numbers of patches.
 * @throws {RangeError} If the patch does not divide the image, or no or every patch is hidden.
 */
export function maskingOf(options: MaskOptions): Masking {
  const { imageSize = 32, imageChannels = 3, patch = 4, ratio = 0.75 } = options;
  const side = imageSize / patch;
  const patches = side * side;
  const hidden = Math.round(ratio * patches);
  if (!Number.isInteger(side) || !(hidden >= 1 && hidden < patches)) {
    throw new RangeError(
      `Cannot mask a share of ${ratio} of patches of ${patch} x ${patch} in images of ` +
        `${imageSize} x ${imageSize}: expected a patch that divides the image, and at least one ` +
        `hidden and one visible patch.`,
    );
  }
  const { normalize = true } = options;
  return { imageSize, imageChannels, patch, ratio, normalize, side, patches, hidden };
}

/**
 * Throws unless images are those that a task was made for.
 *
 * @param images The images.
 * @param masking Their size.
 * @returns Number of the images.
 */
export function requireSize(images: Tensor, { imageSize, imageChannels }: Masking): number {
  const { n, height, width } = extentsOf("mask", images, imageChannels);
  if (height !== imageSize || width !== imageSize) {
    throw new TypeError(
      `Cannot mask images of ${height} x ${width}: the task was made for ${imageSize} x ` +
        `${imageSize}. Pass { imageSize: ${height} } to it.`,
    );
  }
  return n;
}

/**
 * The loss of a reconstruction: the mean squared error over hidden patches.
 *
 * Source: He et al., arXiv 2111.06377, section 3, "Reconstruction target". The deviation of a patch is
 * that of its `p` values; the authors' program divides by `p - 1`, so that its targets are shorter by
 * `sqrt((p - 1) / p)`: by 1% for a patch of 4 x 4 in colour.
 *
 * @param given Images, what is hidden of them (`bool[n, patches]`), what the backbone was shown, and the
 *   prediction, patches `[n, patches, patch * patch * channels]`.
 * @param masking Sizes, and whether targets are normalised.
 * @returns The loss; metric `explained`: 0 for a solver that knows the mean colour of each patch.
 */
export function reconstructionLoss(
  { images, mask, shown, prediction }: {
    readonly images: Tensor;
    readonly mask: Tensor;
    readonly shown: Tensor;
    readonly prediction: Tensor;
  },
  { patch, side, hidden, normalize }: Masking,
): PretextLoss {
  const pixels = patchesOf(images, patch);
  const own = standardize(pixels, [2], 1e-6);
  const target = normalize ? own.normal : pixels;
  const trivial = normalize ? target : sub(pixels, mean(pixels, { axes: 2, keepAxes: true }));
  const weights = expandDims(convert(mask, "f32"), 2);
  const [n, , size] = pixels.shape as [number, number, number];
  const average = (squares: Tensor): Tensor =>
    mul(sum(mul(squares, weights)), 1 / (n * hidden * size));
  const loss = average(square(sub(prediction, target)));
  return {
    loss,
    metrics: { explained: explained(loss, average(square(trivial))) },
    pictures: () => {
      // Brightness and contrast of a normalised patch are no part of what is predicted.
      const painted = normalize
        ? add(div(prediction, expandDims(own.scale, 2)), expandDims(own.mean, 2))
        : prediction;
      const whole = imagesOf(painted, images.shape, patch);
      const away = spreadPatches(mask, { rows: side, columns: side, side: patch });
      return { input: shown, target: images, prediction: where(away, whole, images) };
    },
  };
}

/** The patches of images, row by row: `[n, patches, patch * patch * channels]`. */
export function patchesOf(images: Tensor, patch: number): Tensor {
  const [n, height, width, channels] = images.shape as [number, number, number, number];
  const [rows, columns] = [height / patch, width / patch];
  const cut = reshape(images, [n, rows, patch, columns, patch, channels]);
  return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [
    n,
    rows * columns,
    patch * patch * channels,
  ]);
}

/** Images of a shape from their patches: the inverse of {@linkcode patchesOf}. */
function imagesOf(patches: Tensor, shape: readonly number[], patch: number): Tensor {
  const [n, height, width, channels] = shape as [number, number, number, number];
  const [rows, columns] = [height / patch, width / patch];
  const cut = reshape(patches, [n, rows, columns, patch, patch, channels]);
  return reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), shape);
}
