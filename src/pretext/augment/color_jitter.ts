import { requireCall, requireOptions } from "../../ir/options.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { uniform } from "../../random/mod.ts";
import {
  add,
  clip,
  concat,
  equal,
  floor,
  less,
  logicalOr,
  mean,
  mul,
  sub,
  where,
} from "../../tensor/mod.ts";
import { permutations } from "../permutations.ts";
import { extentsOf, perImage, requireProbability } from "./augment.ts";
import { luma, type Rgb, rgbOf, turnHue } from "./colour.ts";

/** Options of {@linkcode colorJitter}: how far each property may be changed. */
export interface ColorJitterOptions {
  /** Factor of all values, from `1 - b` to `1 + b`; 0.4 unless told. */
  readonly brightness?: number;
  /** Factor of the distance from the mean luma; 0.4 unless told. */
  readonly contrast?: number;
  /** Factor of the distance from the pixel's luma; 0.4 unless told. */
  readonly saturation?: number;
  /** Turn of the hue to both sides, in parts of a full turn, up to 0.5; 0.1 unless told. */
  readonly hue?: number;
  /** Probability that an image is changed at all; 0.8 unless told. */
  readonly probability?: number;
  /**
   * Order of the changes: brightness, contrast, saturation, hue for all images (`"fixed"`, unless
   * told, as in the paper's listing), or an order drawn for every image, at four times the work.
   */
  readonly order?: "fixed" | "drawn";
}

/**
 * Changes brightness, contrast, saturation and hue of every image by random amounts.
 *
 * The defaults are those of SimCLR at strength 0.5, which it uses for CIFAR-10.
 *
 * Source: Chen et al., arXiv 2002.05709, appendices A and B.9.
 *
 * @param images Images `[n, height, width, 3]`, values in `[0, 1]`.
 * @param key The key, `u32[2]`.
 * @param options How far each property may be changed, and the probability of a change.
 * @returns Images of the same shape, values in `[0, 1]`.
 * @throws {RangeError} If an amount is negative, or the hue is above 0.5.
 *
 * @example
 * ```ts
 * import { colorJitter, full, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assert } from "@std/assert";
 *
 * const images = full([2, 2, 2, 3], { value: 0.5 });
 * const changed = valuesOf(colorJitter(images, randomKey(0)));
 * assert(changed.every((value) => value >= 0 && value <= 1));
 * ```
 */
export function colorJitter(
  images: Tensor,
  key: Tensor,
  options: ColorJitterOptions = {},
): Tensor {
  requireCall("colorJitter", arguments, 2, 3);
  requireOptions("colorJitter", options, {
    brightness: true,
    contrast: true,
    saturation: true,
    hue: true,
    probability: true,
    order: true,
  });
  const { brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1 } = options;
  const { probability = 0.8 } = options;
  requireProbability("change colours", probability);
  for (const [name, amount] of Object.entries({ brightness, contrast, saturation, hue })) {
    if (!(amount >= 0) || (name === "hue" && amount > 0.5)) {
      throw new RangeError(
        `Cannot change colours with ${name} ${amount}: expected ${
          name === "hue" ? "0 to 0.5" : "a number from 0"
        }.`,
      );
    }
  }
  const { n } = extentsOf("change the colours of", images, 3);
  const draws = uniform(key, [n, 6]);
  const factor = (k: number, amount: number): Tensor => {
    const low = Math.max(0, 1 - amount);
    return add(mul(perImage(draws, k), 1 + amount - low), low);
  };
  const all: readonly ((rgb: Rgb) => Rgb)[] = [
    (rgb) => each(rgb, (channel) => mul(channel, factor(0, brightness))),
    (rgb) => spread(rgb, mean(luma(rgb), { axes: [1, 2, 3], keepAxes: true }), factor(1, contrast)),
    (rgb) => spread(rgb, luma(rgb), factor(2, saturation)),
    (rgb) => turnHue(rgb, mul(sub(perImage(draws, 3), 0.5), 2 * hue)),
  ];
  const changes = all.filter((_, k) => [brightness, contrast, saturation, hue][k]! > 0);
  const start = rgbOf("change the colours of", images);
  const rgb = options.order === "drawn"
    ? inDrawnOrder(start, changes, perImage(draws, 5))
    : changes.reduce((colours, change) => change(colours), start);
  const changed = concat(rgb, { axis: 3 });
  return probability === 1
    ? changed
    : where(less(perImage(draws, 4), probability), changed, images);
}

/** All changes, for every image in the order that its draw of `[0, 1)` chooses. */
function inDrawnOrder(start: Rgb, changes: readonly ((rgb: Rgb) => Rgb)[], draw: Tensor): Rgb {
  const orders = permutations(changes.map((_, k) => k));
  const chosen = floor(mul(draw, orders.length));
  return changes.reduce((colours: Rgb, _, place) => {
    const candidates = changes.map((change) => change(colours));
    return mapRgb((channel) =>
      candidates.slice(1).reduce((result, candidate, k) => {
        const here = orders.map((order) => order[place] === k + 1 ? 1 : 0);
        return where(oneOf(chosen, here), candidate[channel]!, result);
      }, candidates[0]![channel]!)
    );
  }, start);
}

/** Whether a table holds 1 at each position. */
function oneOf(position: Tensor, table: readonly number[]): Tensor {
  return table.flatMap((hit, at) => hit ? [equal(position, at)] : []).reduce(logicalOr);
}

function mapRgb(channel: (k: 0 | 1 | 2) => Tensor): Rgb {
  return [channel(0), channel(1), channel(2)];
}

function each([red, green, blue]: Rgb, change: (channel: Tensor) => Tensor): Rgb {
  const one = (channel: Tensor): Tensor => clip(change(channel), { low: 0, high: 1 });
  return [one(red), one(green), one(blue)];
}

/** Scales the distances of the channels from a centre. */
function spread(rgb: Rgb, centre: Tensor, factor: Tensor): Rgb {
  return each(rgb, (channel) => add(mul(sub(channel, centre), factor), centre));
}
