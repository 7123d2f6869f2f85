/**
 * Mean average precision of boxes, as COCO counts it.
 *
 * @module
 */
import { requireCall } from "../ir/options.ts";

/** A box of an image: left, top, right, bottom, in any unit. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** An object that is there. */
export interface TrueBox {
  /** Number of the image. */
  readonly image: number;
  /** Number of the class. */
  readonly class: number;
  /** Where it is. */
  readonly box: Box;
}

/** An object that was found. */
export interface ScoredBox extends TrueBox {
  /** How sure it is; only the order counts. */
  readonly score: number;
}

/** Overlaps of COCO's mean: 0.5, 0.55, ..., 0.95. */
export const COCO_OVERLAPS: readonly number[] = /* @__PURE__ */ Array.from(
  { length: 10 },
  (_, k) => (50 + 5 * k) / 100,
);

/** Most boxes of a class and an image that count, those of highest score. */
const MOST = 100;
/** Places on the axis of recall at which precision is read. */
const RECALLS = 101;

/**
 * Intersection over union of two boxes.
 *
 * @param a A box.
 * @param b Another.
 * @returns A number from 0 to 1; 0 for boxes without an area.
 *
 * @example
 * ```ts
 * import { boxOverlap } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(boxOverlap([0, 0, 2, 1], [1, 0, 3, 1]), 1 / 3);
 * ```
 */
export function boxOverlap(a: Box, b: Box): number {
  requireCall("boxOverlap", arguments, 2);
  const along = (low: 0 | 1): number =>
    Math.max(0, Math.min(a[low + 2]!, b[low + 2]!) - Math.max(a[low], b[low]));
  const area = (box: Box): number => (box[2] - box[0]) * (box[3] - box[1]);
  const shared = along(0) * along(1);
  const covered = area(a) + area(b) - shared;
  return covered > 0 ? shared / covered : 0;
}

/**
 * Takes out boxes that overlap one of higher score of the same image and class: greedy non-maximum
 * suppression.
 *
 * @param found Boxes in any order.
 * @param options `most`: the greatest overlap that is left, 0.5 unless told.
 * @returns The boxes that are left, by falling score; of equal ones the first stays first.
 *
 * @example
 * ```ts
 * import { suppressOverlaps } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const found = [0.2, 0.9].map((score) => ({ image: 0, class: 1, box: [0, 0, 1, 1], score } as const));
 * assertEquals(suppressOverlaps(found), [found[1]]);
 * ```
 */
export function suppressOverlaps<Found extends ScoredBox>(
  found: readonly Found[],
  options: { readonly most?: number } = {},
): Found[] {
  requireCall("suppressOverlaps", arguments, 1, 2);
  const { most = 0.5 } = options;
  const kept = new Map<string, Found[]>();
  return found.toSorted((a, b) => b.score - a.score).filter((one) => {
    const name = `${one.image} ${one.class}`;
    const others = kept.get(name) ?? [];
    if (others.some((other) => boxOverlap(other.box, one.box) > most)) return false;
    kept.set(name, [...others, one]);
    return true;
  });
}

/**
 * Average precision of one class at one overlap: the mean, over 101 recalls from 0 to 1, of the greatest
 * precision at that recall or a higher one.
 *
 * Boxes are taken by falling score; each takes the object of its image that it overlaps most among those
 * that no other has taken, if they overlap enough; without one it is wrong.
 *
 * Source: COCO's evaluation (Lin et al., arXiv 1405.0312, and its program `cocoeval.py`, of which it gives
 * the numbers).
 *
 * @param found Boxes of one class; at most 100 of an image count.
 * @param truths Objects of that class.
 * @param overlap Least intersection over union that is right.
 * @returns A number from 0 to 1.
 * @throws {RangeError} If there is no object, or a score is not finite.
 *
 * @example
 * ```ts
 * import { averagePrecision } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const truth = { image: 0, class: 0, box: [0, 0, 4, 4] } as const;
 * const near = { ...truth, box: [0, 0, 4, 3], score: 0.3 } as const;
 * assertEquals(averagePrecision([near], [truth], 0.5), 1);
 * assertEquals(averagePrecision([near], [truth], 0.8), 0);
 * ```
 */
export function averagePrecision(
  found: readonly ScoredBox[],
  truths: readonly TrueBox[],
  overlap: number,
): number {
  requireCall("averagePrecision", arguments, 3);
  if (truths.length === 0) {
    throw new RangeError(
      "Cannot take the average precision of a class without objects: expected one at least. Leave " +
        "the class out of the mean.",
    );
  }
  const strange = found.find(({ score }) => !Number.isFinite(score));
  if (strange) {
    throw new RangeError(
      `Cannot order boxes by their scores: found ${strange.score}, expected finite numbers.`,
    );
  }
  const objects = Map.groupBy(truths, ({ image }) => image);
  const taken = new Set<TrueBox>();
  const counted = new Map<number, number>();
  let [right, wrong] = [0, 0];
  const points: { recall: number; precision: number }[] = [];
  for (const { image, box } of found.toSorted((a, b) => b.score - a.score)) {
    const before = counted.get(image) ?? 0;
    if (before === MOST) continue;
    counted.set(image, before + 1);
    let best: TrueBox | undefined;
    let most = Math.min(overlap, 1 - 1e-10);
    for (const truth of objects.get(image) ?? []) {
      const shared = taken.has(truth) ? -1 : boxOverlap(box, truth.box);
      if (shared >= most) [best, most] = [truth, shared];
    }
    if (best) taken.add(best);
    if (best) right++;
    else wrong++;
    points.push({ recall: right / truths.length, precision: right / (right + wrong) });
  }
  // From the right, precision may only rise.
  for (let k = points.length - 2; k >= 0; k--) {
    points[k]!.precision = Math.max(points[k]!.precision, points[k + 1]!.precision);
  }
  let total = 0;
  for (let k = 0; k < RECALLS; k++) {
    // Rounded as in the program: 35 * 0.01 is above 7 of 20.
    const at = points.find(({ recall }) => recall >= k * 0.01);
    total += at?.precision ?? 0;
  }
  return total / RECALLS;
}

/**
 * Mean average precision over classes and overlaps; classes without an object do not count.
 *
 * @param found Boxes of all images and classes.
 * @param truths Objects of all images and classes.
 * @param options `overlaps`: those of COCO, 0.5 to 0.95, unless told; `[0.5]` for that of PASCAL VOC.
 * @returns A number from 0 to 1.
 * @throws {RangeError} If there is no object, or a score is not finite.
 *
 * @example
 * ```ts
 * import { meanAveragePrecision } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const truths = [0, 1].map((name) => ({ image: 0, class: name, box: [0, 0, 4, 4] } as const));
 * const found = [{ ...truths[0]!, score: 1 }];
 * assertEquals(meanAveragePrecision(found, truths), 0.5);
 * ```
 */
export function meanAveragePrecision(
  found: readonly ScoredBox[],
  truths: readonly TrueBox[],
  options: { readonly overlaps?: readonly number[] } = {},
): number {
  requireCall("meanAveragePrecision", arguments, 2, 3);
  const { overlaps = COCO_OVERLAPS } = options;
  if (truths.length === 0 || overlaps.length === 0) {
    throw new RangeError(
      `Cannot take the mean average precision of ${truths.length} objects at ${overlaps.length} ` +
        `overlaps: expected one of each at least.`,
    );
  }
  const classes = Map.groupBy(truths, (truth) => truth.class);
  const values = [...classes].flatMap(([name, own]) => {
    const boxes = found.filter((one) => one.class === name);
    return overlaps.map((overlap) => averagePrecision(boxes, own, overlap));
  });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
