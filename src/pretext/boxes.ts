/**
 * Boxes in images: left, top, right and bottom as fractions of the image, along the last axis.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  argMax,
  clip,
  concat,
  constant,
  div,
  equal,
  expandDims,
  greaterEqual,
  less,
  logicalAnd,
  logicalNot,
  maximum,
  minimum,
  mul,
  oneHot,
  range,
  reshape,
  slice,
  stack,
  sub,
  sum,
  takeRows,
  where,
} from "../tensor/mod.ts";

/** One side of boxes `[..., 4]`: `[...]`. */
function side(boxes: Tensor, k: number): Tensor {
  return slice(boxes, [...new Array<null>(boxes.rank - 1).fill(null), k]);
}

/**
 * Boxes from their centres and extents.
 *
 * @param centre `x` and `y`, each `[...]`.
 * @param extent Width and height, each `[...]`.
 * @returns Boxes `[..., 4]`.
 */
export function boxesAround(
  [x, y]: readonly [Tensor, Tensor],
  [width, height]: readonly [Tensor, Tensor],
): Tensor {
  const [w, h] = [mul(width, 0.5), mul(height, 0.5)];
  return stack([sub(x, w), sub(y, h), add(x, w), add(y, h)], { axis: x.rank });
}

/**
 * The area that boxes share.
 *
 * @param a Boxes `[..., 4]`.
 * @param b Boxes of a shape that is broadcast with `a`.
 * @returns Areas `[...]`; 0 where they do not overlap.
 */
export function sharedArea(a: Tensor, b: Tensor): Tensor {
  const along = (low: number): Tensor => {
    const end = minimum(side(a, low + 2), side(b, low + 2));
    return maximum(sub(end, maximum(side(a, low), side(b, low))), 0);
  };
  return mul(along(0), along(1));
}

/**
 * Intersection over union: the area that boxes share over the area that they cover.
 *
 * @param a Boxes `[..., 4]`.
 * @param b Boxes of a shape that is broadcast with `a`.
 * @returns Numbers `[...]` from 0 to 1.
 */
export function overlap(a: Tensor, b: Tensor): Tensor {
  const area = (boxes: Tensor): Tensor =>
    mul(sub(side(boxes, 2), side(boxes, 0)), sub(side(boxes, 3), side(boxes, 1)));
  const shared = sharedArea(a, b);
  return div(shared, maximum(sub(add(area(a), area(b)), shared), 1e-12));
}

/**
 * The pixels whose centres lie in boxes.
 *
 * @param boxes Boxes `[n, 4]`.
 * @param size Height and width of the images, in pixels.
 * @param inset Pixels by which the boxes are made smaller at every side; 0 unless told.
 * @returns Truth values `bool[n, height, width, 1]`.
 */
export function pixelsIn(
  boxes: Tensor,
  { height, width }: { readonly height: number; readonly width: number },
  inset: number = 0,
): Tensor {
  const n = boxes.shape[0]!;
  const within = (low: number, count: number): Tensor => {
    const centres = add(range(count, "f32"), 0.5);
    const edge = (k: number): Tensor => mul(reshape(side(boxes, k), [n, 1]), count);
    return logicalAnd(
      greaterEqual(centres, add(edge(low), inset)),
      less(centres, sub(edge(low + 2), inset)),
    );
  };
  return logicalAnd(
    reshape(within(1, height), [n, height, 1, 1]),
    reshape(within(0, width), [n, 1, width, 1]),
  );
}

/** Colours of classes in pictures; classes beyond them begin again. */
const PALETTE = [
  [1, 0.2, 0.2],
  [0.2, 1, 0.2],
  [0.3, 0.5, 1],
  [1, 1, 0],
  [1, 0, 1],
  [0, 1, 1],
  [1, 0.6, 0],
  [0.6, 0.3, 1],
  [1, 1, 1],
  [0, 0, 0],
] as const;

/**
 * Draws the outlines of boxes, one pixel wide, in the colours of their classes.
 *
 * @param images Images `[n, height, width, channels]`.
 * @param drawn `boxes` `[n, k, 4]`, `classes` `i32[n, k]`, which are `shown`, `bool[n, k]`, and the
 *   `count` of classes.
 * @returns Images of the same shape.
 */
export function outlineBoxes(
  images: Tensor,
  { boxes, classes, shown, count }: {
    readonly boxes: Tensor;
    readonly classes: Tensor;
    readonly shown: Tensor;
    readonly count: number;
  },
): Tensor {
  const [n, height, width, channels] = images.shape as [number, number, number, number];
  const colours = constant(
    Array.from({ length: count }, (_, k) => channels === 3 ? PALETTE[k % PALETTE.length]! : [1]),
  );
  let painted = images;
  for (let k = 0; k < boxes.shape[1]!; k++) {
    const own = slice(boxes, [null, k]);
    const outline = logicalAnd(
      pixelsIn(own, { height, width }),
      logicalNot(pixelsIn(own, { height, width }, 1)),
    );
    const there = logicalAnd(outline, reshape(slice(shown, [null, k]), [n, 1, 1, 1]));
    const named = takeRows(colours, slice(classes, [null, k]));
    const colour = reshape(named, [n, 1, 1, colours.shape[1]!]);
    painted = where(there, colour, painted);
  }
  return painted;
}

/**
 * The boxes of highest score that overlap each other by half at most, one after the other.
 *
 * @param boxes Boxes `[n, m, 4]`.
 * @param scores Scores `[n, m]`.
 * @param count How many are chosen.
 * @returns Their places in the second axis, `i32[n, count]`.
 */
export function chooseApart(boxes: Tensor, scores: Tensor, count: number): Tensor {
  const m = scores.shape[1]!;
  const places: Tensor[] = [];
  let left = scores;
  for (let k = 0; k < count; k++) {
    const place = argMax(left, { axes: 1 });
    const is = oneHot(place, m);
    const own = sum(mul(boxes, expandDims(is, 2)), { axes: 1, keepAxes: true });
    // A box without an area overlaps nothing, itself neither.
    const near = logicalAnd(less(overlap(boxes, own), 0.5), logicalNot(equal(is, 1)));
    left = where(near, left, -1e9);
    places.push(expandDims(place, 1));
  }
  return concat(places, { axis: 1 });
}

/** Boxes cut to the image: `[..., 4]`. */
export function withinImage(boxes: Tensor): Tensor {
  return clip(boxes, { low: 0, high: 1 });
}
