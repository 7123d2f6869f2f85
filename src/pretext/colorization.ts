import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { accuracy } from "../loss/mod.ts";
import { decoder } from "../nn/mod.ts";
import {
  add,
  argMax,
  avgPool2d,
  broadcastTo,
  clip,
  constant,
  div,
  logSoftmax,
  matmul,
  maximum,
  mean,
  mul,
  neg,
  oneHot,
  reshape,
  resizeImages,
  softmax,
  split,
  square,
  stopGradient,
  sub,
  sum,
  transpose,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { rgbOf } from "./augment/colour.ts";
import { labOf, rgbOfLab } from "./augment/lab.ts";
import { colourBins } from "./colour_bins.ts";
import { explained } from "./explained.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode colorization}. */
export interface ColorizationOptions {
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Height and width of the map of classes; a quarter of the image unless told, as in the paper. */
  readonly mapSize?: number;
  /** Side of a class in the plane of a and b; 10 unless told, as in the paper: 261 classes, of the 313 of its list. */
  readonly bin?: number;
  /**
   * Target of a pixel: a Gaussian of deviation half a bin around its colour (`"soft"`, unless told),
   * or the nearest class alone.
   */
  readonly encoding?: "soft" | "nearest";
  /**
   * How much rare colours are favoured: 0 weighs pixels alike, 1 by the inverse of the frequency of
   * their class; 0.5 unless told, as in the paper.
   */
  readonly rebalancing?: number;
  /** Temperature of the annealed mean; 0.38 unless told, as in the paper. */
  readonly temperature?: number;
  /** Channels of the decoder before each doubling; `[64]` unless told. */
  readonly widths?: readonly number[];
}

/**
 * Colorization: the backbone sees the lightness of an image, and a convolutional decoder tells, for
 * every pixel of a map, the class of its colour.
 *
 * Source: Zhang et al., arXiv 1603.08511, section 2: classes are cells of a grid over the plane of a
 * and b (CIE Lab) that hold a colour of sRGB; soft encoding, cross-entropy (equation 2) weighted by
 * the rarity of colours (equation 4), annealed mean (equation 5). The soft target is a Gaussian over
 * all classes in place of the five nearest, and frequencies are those of the batch, where the paper
 * takes those of ImageNet.
 *
 * @param options Sizes of images and map, classes, encoding, rebalancing, decoder.
 * @returns The task, for images `[n, imageSize, imageSize, 3]`; metrics `accuracy` (nearest class)
 *   and `explained`, the fraction of the squared distance from the image's own mean colour that the
 *   annealed mean explains: 0 for a solver that knows the mean colour of every image.
 * @throws {RangeError} If the map does not divide the image, or the rebalancing is not in `[0, 1]`.
 *
 * @example
 * ```ts
 * import { colorization, mean, randomKey, uniform } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = colorization({ imageSize: 8, mapSize: 4, bin: 40, widths: [4] });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = uniform(randomKey(2), [2, 8, 8, 3]);
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function colorization(options: ColorizationOptions = {}): PretextTask {
  requireOptions("colorization", options, {
    imageSize: is.optionalNumber,
    mapSize: is.optionalNumber,
    bin: is.optionalNumber,
    encoding: true,
    rebalancing: is.optionalNumber,
    temperature: is.optionalNumber,
    widths: true,
  });
  const { imageSize = 32, bin = 10, encoding = "soft", rebalancing = 0.5 } = options;
  const { mapSize = imageSize / 4, temperature = 0.38, widths = [64] } = options;
  const window = imageSize / mapSize;
  if (!Number.isInteger(window) || !Number.isInteger(mapSize) || mapSize < 1) {
    throw new RangeError(
      `Cannot predict colours on a map of ${mapSize} x ${mapSize} for images of ${imageSize} x ` +
        `${imageSize}: expected a size that divides the image.`,
    );
  }
  if (!(rebalancing >= 0 && rebalancing <= 1) || !(bin >= 5) || !(temperature > 0)) {
    throw new RangeError(
      `Cannot predict colours with rebalancing ${rebalancing}, bins of ${bin} and temperature ` +
        `${temperature}: expected 0 to 1, at least 5, and above 0.`,
    );
  }
  const bins = colourBins(bin);
  const centres = constant(bins);
  const headFor = (inputs: number) =>
    decoder({ inputs, imageSize: mapSize, outputs: bins.length, widths });
  return {
    name: "colorization",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const rgb = rgbOf("predict the colours of", images);
      const { n, height, width } = extentsOf("predict the colours of", images, 3);
      if (height !== imageSize || width !== imageSize) {
        throw new TypeError(
          `Cannot predict the colours of images of ${height} x ${width}: the task was made for ` +
            `${imageSize} x ${imageSize}. Pass { imageSize: ${height} } to it.`,
        );
      }
      const { lightness, ab } = labOf(rgb);
      const input = broadcastTo(mul(lightness, 0.01), images.shape);
      const embeddings = encode(input, key);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const pixels = n * mapSize * mapSize;
      const colours = reshape(avgPool2d(ab, { window }), [pixels, 2]);
      const logits = reshape(output, [pixels, bins.length]);
      const closeness = mul(squaredDistances(colours, centres), -2 / (bin * bin));
      const nearest = argMax(closeness, { axes: 1 });
      const target = encoding === "soft" ? softmax(closeness) : oneHot(nearest, bins.length);
      const rarity = rarityOf(target, nearest, rebalancing);
      const entropy = neg(sum(mul(target, logSoftmax(logits)), { axes: 1 }));
      // The annealed mean: probabilities sharpened by the temperature.
      const predicted = matmul(softmax(mul(logits, 1 / temperature)), centres);
      const perImage = reshape(colours, [n, mapSize * mapSize, 2]);
      const spread = sub(perImage, mean(perImage, { axes: 1, keepAxes: true }));
      return {
        loss: mean(mul(rarity, entropy)),
        metrics: {
          accuracy: accuracy(logits, nearest),
          explained: explained(mean(square(sub(predicted, colours))), mean(square(spread))),
        },
        pictures: () => {
          const painted = (colours: Tensor): Tensor => {
            const map = reshape(colours, [n, mapSize, mapSize, 2]);
            const whole = resizeImages(map, { height: imageSize, width: imageSize });
            const [a, b] = split(whole, { parts: 2, axis: 3 });
            return clip(rgbOfLab(lightness, a!, b!), { low: 0, high: 1 });
          };
          return { input, target: painted(colours), prediction: painted(predicted) };
        },
      };
    },
  };
}

/** Squared distances `[pixels, bins]` of colours `[pixels, 2]` from centres `[bins, 2]`. */
function squaredDistances(colours: Tensor, centres: Tensor): Tensor {
  const own = sum(square(colours), { axes: 1, keepAxes: true });
  const others = sum(square(centres), { axes: 1 });
  return add(sub(own, mul(matmul(colours, transpose(centres)), 2)), others);
}

/**
 * Equation 4 of the paper: the weight of every pixel, from the rarity of its nearest class. The
 * weight of a class is 1 over a mixture of its frequency and the uniform distribution, and the mean
 * weight over the classes' frequencies is 1.
 */
function rarityOf(target: Tensor, nearest: Tensor, rebalancing: number): Tensor {
  const classes = target.shape[1]!;
  const frequency = mean(target, { axes: 0 });
  // 0 keeps the uniform weight, 1 the inverse frequency.
  const mixture = add(mul(frequency, rebalancing), (1 - rebalancing) / classes);
  // A class that no pixel has weighs nothing, however rare.
  const weight = div(1, maximum(mixture, 1e-6));
  const scaled = div(weight, sum(mul(weight, frequency)));
  return stopGradient(matmul(oneHot(nearest, classes), scaled));
}
