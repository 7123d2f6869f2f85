import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { mlpHead, type Params } from "../nn/mod.ts";
import { splitKey } from "../random/mod.ts";
import {
  add,
  argMax,
  convert,
  div,
  equal,
  expandDims,
  floor,
  full,
  greaterEqual,
  isNan,
  logicalAnd,
  matmul,
  max,
  mul,
  oneHot,
  range,
  reshape,
  slice,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  takeAlong,
  transpose,
  where,
} from "../tensor/mod.ts";
import { extentsOf } from "./augment/augment.ts";
import { chooseApart, outlineBoxes, overlap, withinImage } from "./boxes.ts";
import { requireLabels } from "./classification.ts";
import { composeImages, type Composites } from "./composites.ts";
import type { PretextTask } from "./pretext_task.ts";
import { boxOf, fiveOf } from "./yolo_boxes.ts";

/** Options of {@linkcode detection}. */
export interface DetectionOptions {
  /** Number of classes. */
  readonly classes: number;
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Rows and columns of cells; one for 8 pixels unless told. */
  readonly cells?: number;
  /** Boxes that a cell predicts; 2 unless told, as in the paper. */
  readonly boxes?: number;
  /** Most objects of an image; 2 unless told. */
  readonly objects?: number;
  /** Least height and width of an object in pixels; 0.3 of the image, or a cell, unless told. */
  readonly smallest?: number;
  /** Greatest height and width of an object in pixels; half of the image unless told. */
  readonly largest?: number;
  /** Width of the head's hidden layer; 512 unless told. */
  readonly hidden?: number;
}

/** What a head finds in images. */
export interface FoundBoxes {
  /** Left, top, right, bottom as fractions of the image, `[n, cells * cells * boxes, 4]`. */
  readonly boxes: Tensor;
  /** Confidence for each class, `[n, cells * cells * boxes, classes]` (equation 1 of the paper). */
  readonly scores: Tensor;
}

/** Detection, and what its judge needs besides the loss. */
export interface DetectionTask extends PretextTask {
  /**
   * Composes the images that a batch is asked about.
   *
   * @param images Images `[n, imageSize, imageSize, channels]`.
   * @param labels Classes `i32[n]`.
   * @param key The key of the task, as for its loss.
   */
  compose(images: Tensor, labels: Tensor, key: Tensor): Composites;
  /**
   * The boxes that a head finds.
   *
   * @param head Parameters of the head.
   * @param embeddings Embeddings of composed images, `[n, embedding]`.
   */
  detect(head: Params, embeddings: Tensor): FoundBoxes;
}

/** Weights of the paper: of places and extents, and of confidence where there is no object. */
const [PLACES, NOTHING] = [5, 0.5];

/**
 * Detection: shrunk images of a batch lie on others, and a head tells where they are and of which class.
 *
 * Every cell of a grid predicts boxes (centre within the cell, roots of width and height, confidence)
 * and one distribution over classes. Where the centre of an object is, the box that overlaps it most
 * answers for it; its confidence should be that overlap.
 *
 * Source: YOLO, Redmon et al., arXiv 1506.02640, section 2: the grid and the loss of equation 3, with
 * weights 5 and 0.5, the mean over images. The head is a perceptron with batch normalization on the
 * embedding, where the paper has two linear layers on a map; objects are laid onto images, so that
 * boxes are known without annotation.
 *
 * @param options Classes, grid, boxes of a cell, number and sizes of objects, width of the head.
 * @returns The task, for batches of more images than `objects`; metrics `overlap`, the mean
 *   intersection over union of objects with the most confident box of their cell, and `found`, the
 *   share of objects of which it is half at least and the class is right. For mean average precision
 *   see {@linkcode meanAveragePrecision}. Its pictures are outlined in a colour for each class.
 * @throws {RangeError} If objects could be smaller than a cell, of which two would then share one, or
 *   larger than an image.
 *
 * @example
 * ```ts
 * import { constant, detection, mean, randomKey, uniform } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = detection({ classes: 2, imageSize: 8, cells: 4, hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const labels = constant([0, 1, 0], { dtype: "i32" });
 * const images = uniform(randomKey(2), [3, 8, 8, 3]);
 * const { loss } = task.loss({ encode, head, images, labels, key: randomKey(1) });
 * assertEquals(loss.shape, []);
 * assertEquals(task.detect(head, encode(images)).boxes.shape, [3, 32, 4]);
 * ```
 */
export function detection(options: DetectionOptions): DetectionTask {
  requireOptions("detection", options, {
    classes: is.number,
    imageSize: is.optionalNumber,
    cells: is.optionalNumber,
    boxes: is.optionalNumber,
    objects: is.optionalNumber,
    smallest: is.optionalNumber,
    largest: is.optionalNumber,
    hidden: is.optionalNumber,
  });
  const { classes, imageSize = 32, boxes = 2, objects = 2, hidden = 512 } = options;
  const { cells = Math.max(1, Math.round(imageSize / 8)) } = options;
  const { smallest = Math.ceil(Math.max(0.3 * imageSize, imageSize / cells)) } = options;
  const { largest = Math.max(smallest, Math.floor(imageSize / 2)) } = options;
  const whole = [cells, boxes, objects, smallest, largest];
  if (
    whole.some((value) => !Number.isInteger(value) || value < 1) || smallest > largest ||
    smallest * cells < imageSize || largest > imageSize
  ) {
    throw new RangeError(
      `Cannot detect ${objects} objects of ${smallest} to ${largest} pixels in images of ` +
        `${imageSize} x ${imageSize} by ${cells} x ${cells} cells of ${boxes} boxes: expected whole ` +
        `numbers from 1, and objects of at least a cell (${
          imageSize / cells
        } pixels) and at most ` +
        `the image.`,
    );
  }
  const count = cells * cells;
  const headFor = (inputs: number) =>
    mlpHead({ inputs, hidden: [hidden], outputs: count * (5 * boxes + classes), last: "bias" });
  const predict = (head: Params, embeddings: Tensor) => {
    const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
      training: true,
    });
    const n = embeddings.shape[0]!;
    const ofBoxes = slice(output, [null, [0, count * 5 * boxes]]);
    const ofClasses = slice(output, [null, [count * 5 * boxes, count * (5 * boxes + classes)]]);
    return {
      places: reshape(ofBoxes, [n, count, 5 * boxes]),
      named: reshape(ofClasses, [n, count, classes]),
    };
  };
  const compose = (images: Tensor, labels: Tensor, key: Tensor): Composites => {
    const { height, width } = extentsOf("detect objects in", images);
    if (height !== imageSize || width !== imageSize) {
      throw new TypeError(
        `Cannot detect objects in images of ${height} x ${width}: the task was made for ` +
          `${imageSize} x ${imageSize}. Pass { imageSize: ${height} } to it.`,
      );
    }
    return composeImages(images, labels, splitKey(key, 2)[0], { objects, smallest, largest });
  };
  const detect = (head: Params, embeddings: Tensor): FoundBoxes => {
    const { places, named } = predict(head, embeddings);
    const n = embeddings.shape[0]!;
    const cell = reshape(range(count, "f32"), [1, count, 1]);
    const row = floor(div(add(cell, 0.5), cells));
    const five = fiveOf(reshape(places, [n, count, boxes, 5]));
    const found = boxOf(five, { column: sub(cell, mul(row, cells)), row, cells });
    const scores = mul(expandDims(five.confidence, 3), expandDims(named, 2));
    return {
      boxes: withinImage(reshape(found, [n, count * boxes, 4])),
      scores: reshape(scores, [n, count * boxes, classes]),
    };
  };
  return {
    name: "detection",
    needsLabels: true,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    compose,
    detect,
    loss({ encode, head, images, key, labels }) {
      const composed = compose(images, requireLabels("detection", labels), key);
      const embeddings = encode(composed.images, splitKey(key, 2)[1]);
      const { places, named } = predict(head, embeddings);
      const n = images.shape[0]!;
      const edge = (k: number): Tensor => slice(composed.boxes, [null, null, k]);
      // The cell of every object, [n, objects], and where in it the centre is.
      const centre = ([0, 1] as const).map((k) => mul(add(edge(k), edge(k + 2)), cells / 2));
      const [column, row] = centre.map(floor) as [Tensor, Tensor];
      const roots = ([0, 1] as const).map((k) => sqrt(sub(edge(k + 2), edge(k))));
      const at = convert(add(mul(row, cells), column), "i32");
      const here = reshape(oneHot(reshape(at, [n * objects]), count), [n, objects, count]);
      // What the cell of every object predicts.
      const five = fiveOf(reshape(matmul(here, places), [n, objects, boxes, 5]));
      const told = matmul(here, named);
      const corner = { column: expandDims(column, 2), row: expandDims(row, 2), cells };
      const overlaps = stopGradient(
        overlap(boxOf(five, corner), expandDims(composed.boxes, 2)),
      );
      const off = [
        sub(five.x, expandDims(sub(centre[0]!, column), 2)),
        sub(five.y, expandDims(sub(centre[1]!, row), 2)),
        sub(five.rootWidth, expandDims(roots[0]!, 2)),
        sub(five.rootHeight, expandDims(roots[1]!, 2)),
      ].map(square).reduce(add);
      // Of boxes that do not overlap the object the nearest answers, as in the paper's program.
      const answers = sub(overlaps, mul(stopGradient(off), 1e-4));
      const present = convert(composed.present, "f32");
      const chosen = reshape(oneHot(reshape(argMax(answers, { axes: 2 }), [-1]), boxes), [
        ...[n, objects, boxes],
      ]);
      const answering = mul(chosen, expandDims(present, 2));
      const onGrid = (x: Tensor): Tensor => matmul(transpose(here, [0, 2, 1]), x);
      const taken = onGrid(answering);
      const { confidence } = fiveOf(reshape(places, [n, count, boxes, 5]));
      const unsure = square(sub(confidence, onGrid(mul(answering, overlaps))));
      const wrong = square(sub(told, oneHot3(composed.classes, classes)));
      const terms = [
        mul(sum(mul(answering, off)), PLACES),
        sum(mul(unsure, add(taken, mul(sub(1, taken), NOTHING)))),
        sum(mul(wrong, expandDims(present, 2))),
      ];
      const best = oneHot3(argMax(five.confidence, { axes: 2 }), boxes);
      const reached = sum(mul(best, overlaps), { axes: 2 });
      const right = equal(argMax(told, { axes: 2 }), composed.classes);
      const found = logicalAnd(greaterEqual(reached, 0.5), right);
      const average = (x: Tensor): Tensor => div(sum(mul(x, present)), sum(present));
      return {
        loss: mul(terms.reduce(add), 1 / n),
        metrics: {
          overlap: average(reached),
          found: average(where(isNan(reached), reached, convert(found, "f32"))),
        },
        pictures: () => {
          const { boxes: all, scores } = detect(head, embeddings);
          const surest = chooseApart(all, max(scores, { axes: 2 }), objects);
          const rows = (x: Tensor): Tensor =>
            takeAlong(x, repeatLast(surest, x.shape[2]!), { axis: 1 });
          return {
            input: composed.images,
            target: outlineBoxes(composed.images, {
              ...composed,
              shown: composed.present,
              count: classes,
            }),
            prediction: outlineBoxes(composed.images, {
              boxes: rows(all),
              classes: argMax(rows(scores), { axes: 2 }),
              shown: full([n, objects], { value: 1, dtype: "bool" }),
              count: classes,
            }),
          };
        },
      };
    },
  };
}

/** Indices `i32[n, m]` as rows of 0 and 1: `[n, m, count]`. */
function oneHot3(indices: Tensor, count: number): Tensor {
  const [n, m] = indices.shape as [number, number];
  return reshape(oneHot(reshape(indices, [n * m]), count), [n, m, count]);
}

/** Indices `[n, m]` for every one of several columns: `[n, m, columns]`. */
function repeatLast(indices: Tensor, columns: number): Tensor {
  return mul(expandDims(indices, 2), full([1, 1, columns], { value: 1, dtype: "i32" }));
}
