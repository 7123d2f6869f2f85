import { requireOptions } from "../../ir/options.ts";
import { splitKey } from "../../random/mod.ts";
import type { Augment } from "./augment.ts";
import { colorJitter, type ColorJitterOptions } from "./color_jitter.ts";
import { gaussianBlur } from "./gaussian_blur.ts";
import { horizontalFlip } from "./horizontal_flip.ts";
import { randomCrop } from "./random_crop.ts";
import { randomGrayscale } from "./random_grayscale.ts";
import { randomResizedCrop, type RandomResizedCropOptions } from "./random_resized_crop.ts";

/** Options of {@linkcode simclrAugment}. */
export interface SimclrAugmentOptions extends RandomResizedCropOptions {
  /** Colour changes. */
  readonly color?: ColorJitterOptions;
  /** Probability of losing all colour; 0.2 unless told. */
  readonly grayscale?: number;
  /** Probability of a blur; 0 unless told, as for CIFAR in the paper. */
  readonly blur?: number;
}

/**
 * The augmentation of SimCLR: crop and enlarge, mirror, change colours, take the colour, blur.
 *
 * Source: Chen et al., arXiv 2002.05709, appendix A; without blur at 32 x 32, appendix B.9.
 *
 * @param options Strength of the parts.
 * @returns An augmentation of images `[n, height, width, 3]` with values in `[0, 1]`.
 *
 * @example
 * ```ts
 * import { full, randomKey, simclrAugment } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const images = full([2, 8, 8, 3], { value: 0.5 });
 * assertEquals(simclrAugment()(images, randomKey(0)).shape, [2, 8, 8, 3]);
 * ```
 */
export function simclrAugment(options: SimclrAugmentOptions = {}): Augment {
  requireOptions("simclrAugment", options, {
    scale: true,
    ratio: true,
    color: true,
    grayscale: true,
    blur: true,
  });
  const { color, grayscale = 0.2, blur = 0, ...crop } = options;
  return (images, key) => {
    const [cropKey, flipKey, colorKey, greyKey, blurKey] = splitKey(key, 5);
    const cropped = randomResizedCrop(images, cropKey!, crop);
    const flipped = horizontalFlip(cropped, flipKey!);
    const coloured = colorJitter(flipped, colorKey!, color);
    const greyed = randomGrayscale(coloured, greyKey!, { probability: grayscale });
    return blur > 0 ? gaussianBlur(greyed, blurKey!, { probability: blur }) : greyed;
  };
}

/**
 * The usual augmentation of supervised training on CIFAR: shift by up to 4 pixels, mirror.
 *
 * Source: He et al., arXiv 1512.03385, section 4.2.
 *
 * @param options Largest shift, in pixels; 4 unless told.
 * @returns An augmentation of images `[n, height, width, channels]`.
 *
 * @example
 * ```ts
 * import { randomKey, supervisedAugment, zeros } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(supervisedAugment()(zeros([2, 8, 8, 3]), randomKey(0)).shape, [2, 8, 8, 3]);
 * ```
 */
export function supervisedAugment(options: { readonly padding?: number } = {}): Augment {
  requireOptions("supervisedAugment", options, { padding: true });
  const { padding = 4 } = options;
  return (images, key) => {
    const [cropKey, flipKey] = splitKey(key, 2);
    return horizontalFlip(randomCrop(images, cropKey!, { padding }), flipKey!);
  };
}
