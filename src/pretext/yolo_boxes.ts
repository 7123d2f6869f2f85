/**
 * What a cell of a grid predicts of boxes.
 *
 * Source: YOLO, Redmon et al., arXiv 1506.02640, section 2.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { add, mul, slice, square } from "../tensor/mod.ts";
import { boxesAround } from "./boxes.ts";

/** What is predicted of boxes, each `[..., boxes]`. */
export interface Five {
  /** Of the centre, from the left of the cell, in cells. */
  readonly x: Tensor;
  /** Of the centre, from the top of the cell. */
  readonly y: Tensor;
  /** Root of the width, in images. */
  readonly rootWidth: Tensor;
  /** Root of the height. */
  readonly rootHeight: Tensor;
  /** Confidence. */
  readonly confidence: Tensor;
}

/** The five numbers of boxes `[n, m, boxes, 5]`. */
export function fiveOf(predicted: Tensor): Five {
  const part = (k: number): Tensor => slice(predicted, [null, null, null, k]);
  return {
    x: part(0),
    y: part(1),
    rootWidth: part(2),
    rootHeight: part(3),
    confidence: part(4),
  };
}

/** Boxes `[n, m, boxes, 4]` in cells of given columns and rows, each to be broadcast. */
export function boxOf(
  { x, y, rootWidth, rootHeight }: Five,
  { column, row, cells }: {
    readonly column: Tensor;
    readonly row: Tensor;
    readonly cells: number;
  },
): Tensor {
  return boxesAround(
    [mul(add(x, column), 1 / cells), mul(add(y, row), 1 / cells)],
    [square(rootWidth), square(rootHeight)],
  );
}
