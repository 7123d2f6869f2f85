import type { Tensor } from "../ir/tensor.ts";
import { randomIntegers, splitKeys, uniform } from "../random/mod.ts";
import {
  add,
  convert,
  div,
  floor,
  full,
  greater,
  logicalAnd,
  logicalNot,
  mul,
  neg,
  reshape,
  roll,
  slice,
  stack,
  sub,
  where,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { interpolationWeights, resample } from "./augment/resample.ts";
import { pixelsIn, sharedArea } from "./boxes.ts";

/** How images are composed. */
export interface CompositeOptions {
  /** Most objects of an image. */
  readonly objects: number;
  /** Least height and width of an object, in pixels. */
  readonly smallest: number;
  /** Greatest height and width of an object, in pixels. */
  readonly largest: number;
}

/** Images with objects whose places are known. */
export interface Composites {
  /** Images `[n, height, width, channels]`. */
  readonly images: Tensor;
  /** Left, top, right, bottom of the objects as fractions of the image, `[n, objects, 4]`. */
  readonly boxes: Tensor;
  /** Classes of the objects, `i32[n, objects]`. */
  readonly classes: Tensor;
  /** Whether an object is there, `bool[n, objects]`; the first always is. */
  readonly present: Tensor;
}

/**
 * Lays shrunk images of a batch onto others.
 *
 * The ground is an image at half contrast. Objects are the next images of the batch, of heights, widths
 * and places drawn in whole pixels; one that would cover another is left out.
 *
 * @param images Images `[n, height, width, channels]`, `n` greater than `objects`.
 * @param labels Their classes, `i32[n]`.
 * @param key The key, `u32[2]`.
 * @param options Number and sizes of objects.
 * @returns The composed images, boxes and classes.
 * @throws {RangeError} If there are too few images, or an object is larger than an image.
 */
export function composeImages(
  images: Tensor,
  labels: Tensor,
  key: Tensor,
  { objects, smallest, largest }: CompositeOptions,
): Composites {
  const { n, height, width } = extentsOf("lay objects onto", images);
  if (n <= objects || largest > Math.min(height, width)) {
    throw new RangeError(
      `Cannot lay ${objects} objects of up to ${largest} pixels onto ${n} images of ${height} x ` +
        `${width}: expected more images than objects, and objects that fit.`,
    );
  }
  const size = [height, width];
  const keys = splitKeys(key, 2 * objects);
  const boxes: Tensor[] = [];
  const present: Tensor[] = [];
  let canvas = add(mul(images, 0.5), 0.25);
  for (let k = 0; k < objects; k++) {
    const [sizeKey, placeKey] = [slice(keys, [2 * k]), slice(keys, [2 * k + 1])];
    const extents = convert(
      randomIntegers(sizeKey, [n, 2], { low: smallest, high: largest + 1 }),
      "f32",
    );
    const room = uniform(placeKey, [n, 2]);
    // Rows, then columns: first pixel and number of pixels, each [n].
    const spans = size.map((pixels, axis) => {
      const extent = slice(extents, [null, axis]);
      const first = floor(mul(slice(room, [null, axis]), sub(pixels + 1, extent)));
      return { first, extent, end: add(first, extent), pixels };
    });
    const [rows, columns] = spans.map(({ first, extent, pixels }) =>
      interpolationWeights(pixels, {
        start: div(neg(first), extent),
        extent: div(full([n], { value: pixels }), extent),
        count: pixels,
      })
    );
    const object = resample(roll(images, k + 1), { rows: rows!, columns: columns! });
    const fraction = (axis: number, which: "first" | "end"): Tensor =>
      mul(spans[axis]![which], 1 / size[axis]!);
    const box = stack([
      fraction(1, "first"),
      fraction(0, "first"),
      fraction(1, "end"),
      fraction(0, "end"),
    ], { axis: 1 });
    // Boxes end between pixels, so that an area beyond rounding is one of whole pixels.
    const apart = boxes.map((other, j) =>
      logicalNot(logicalAnd(present[j]!, greater(sharedArea(box, other), 1e-6)))
    );
    const there = apart.reduce(logicalAnd, full([n], { value: 1, dtype: "bool" }));
    const covered = logicalAnd(pixelsIn(box, { height, width }), reshape(there, [n, 1, 1, 1]));
    canvas = where(covered, object, canvas);
    boxes.push(box);
    present.push(there);
  }
  const own = (k: number): Tensor => roll(labels, k + 1);
  return {
    images: canvas,
    boxes: stack(boxes, { axis: 1 }),
    classes: stack(boxes.map((_, k) => own(k)), { axis: 1 }),
    present: stack(present, { axis: 1 }),
  };
}
