import type { Tensor } from "../../ir/tensor.ts";
import {
  add,
  clip,
  div,
  equal,
  floor,
  greater,
  maximum,
  minimum,
  mul,
  slice,
  sub,
  where,
} from "../../tensor/mod.ts";
import { extentsOf } from "./augment.ts";

/**
 * Red, green and blue of images, each `[n, height, width, 1]`.
 *
 * Colours are changed on the three together and joined once, so that generated code computes each
 * intermediate value once for a pixel.
 */
export type Rgb = readonly [red: Tensor, green: Tensor, blue: Tensor];

/**
 * The channels of RGB images.
 *
 * @param attempt What is being done, for the error.
 * @param images Images `[n, height, width, 3]`.
 * @returns Red, green and blue, each `[n, height, width, 1]`.
 * @throws {TypeError} If there are not three channels.
 */
export function rgbOf(attempt: string, images: Tensor): Rgb {
  extentsOf(attempt, images, 3);
  const channel = (k: number): Tensor => slice(images, [null, null, null, [k, k + 1]]);
  return [channel(0), channel(1), channel(2)];
}

/**
 * Brightness of a colour, `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601).
 *
 * @param rgb The colours.
 * @returns Luma `[n, height, width, 1]`.
 */
export function luma([red, green, blue]: Rgb): Tensor {
  return add(add(mul(red, 0.299), mul(green, 0.587)), mul(blue, 0.114));
}

/**
 * Turns the hue of colours.
 *
 * @param rgb The colours.
 * @param turn Parts of a full turn, to be broadcast with `[n, height, width, 1]`.
 * @returns Colours whose value and saturation (of HSV) are unchanged.
 */
export function turnHue([red, green, blue]: Rgb, turn: Tensor): Rgb {
  const value = maximum(red, maximum(green, blue));
  const range = sub(value, minimum(red, minimum(green, blue)));
  // Grey has no hue; its range of 0 makes every hue give the same colour.
  const divisor = where(greater(range, 0), range, 1);
  const hue = where(
    equal(value, red),
    div(sub(green, blue), divisor),
    where(
      equal(value, green),
      add(div(sub(blue, red), divisor), 2),
      add(div(sub(red, green), divisor), 4),
    ),
  );
  const turned = add(hue, mul(turn, 6));
  // channel = value - range * clip(min(k, 4 - k), 0, 1), k = (offset + hue) mod 6.
  const channel = (offset: number): Tensor => {
    const angle = add(turned, offset);
    const k = sub(angle, mul(floor(mul(angle, 1 / 6)), 6));
    return sub(value, mul(range, clip(minimum(k, sub(4, k)), { low: 0, high: 1 })));
  };
  return [channel(5), channel(3), channel(1)];
}
