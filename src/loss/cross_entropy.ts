import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  argMax,
  convert,
  equal,
  expandDims,
  full,
  greater,
  isNan,
  less,
  logicalOr,
  logSoftmax,
  max,
  mean,
  mul,
  neg,
  range,
  softplus,
  stopGradient,
  sub,
  sum,
  where,
} from "../tensor/mod.ts";
import { requireTargets } from "./require_targets.ts";

function requireLabels(attempt: string, logits: Tensor, labels: Tensor): void {
  requireTensor(attempt, logits);
  requireTensor(attempt, labels);
  const fits = logits.rank === 2 && labels.rank === 1 && labels.dtype === "i32" &&
    logits.shape[0] === labels.shape[0];
  if (!fits) {
    throw new TypeError(
      `Cannot ${attempt} of logits ${formatAval(logits)} and labels ${formatAval(labels)}: ` +
        `expected f32[n, classes] and i32[n]; hostArray(labels, [n], "i32") makes labels.`,
    );
  }
}

/** Where a label names none of the classes. */
function isOutside(labels: Tensor, classes: number): Tensor {
  return logicalOr(less(labels, 0), greater(labels, classes - 1));
}

/** NaN where a label names none of the classes, else 1. */
function validity(labels: Tensor, classes: number): Tensor {
  return where(isOutside(labels, classes), full([], { value: NaN }), full([], { value: 1 }));
}

/**
 * Logarithms of the probabilities that a softmax gives to labels, and 0 for all other classes.
 *
 * @param logits Scores `f32[n, classes]`.
 * @param labels Classes `i32[n]`; one outside of `[0, classes)` makes its row, and the derivative of
 *   the row, NaN.
 * @returns Logarithms `f32[n, classes]`; what a label does not choose takes no part, even where it
 *   is -Infinity.
 * @throws {TypeError} If logits and labels do not fit.
 *
 * @example
 * ```ts
 * import { constant, labelLogProbabilities, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const labels = constant([1], { dtype: "i32" });
 * const [masked, chosen] = valuesOf(labelLogProbabilities(constant([[-Infinity, 0, 0]]), labels));
 * assertEquals(masked, 0);
 * assertAlmostEquals(chosen!, -Math.log(2));
 * ```
 */
export function labelLogProbabilities(logits: Tensor, labels: Tensor): Tensor {
  requireCall("labelLogProbabilities", arguments, 2);
  requireLabels("take the probabilities", logits, labels);
  const column = expandDims(labels, 1);
  const classes = logits.shape[1]!;
  const chosen = logicalOr(equal(column, range(classes)), isOutside(column, classes));
  return where(chosen, mul(logSoftmax(logits), validity(column, classes)), 0);
}

/**
 * Mean cross-entropy of the softmax of logits with class labels.
 *
 * @param logits Scores `f32[n, classes]`. A class may be masked by -Infinity, unless labels are
 *   smoothed.
 * @param labels Classes `i32[n]`; one outside of `[0, classes)` makes loss and derivative NaN.
 * @param options Label smoothing `s` (default 0): the target is `1 - s` at the label plus
 *   `s / classes` everywhere (Szegedy et al., arXiv 1512.00567, section 7).
 * @returns The mean over the examples, a scalar.
 * @throws {TypeError} If logits and labels do not fit.
 *
 * @example
 * ```ts
 * import { constant, softmaxCrossEntropy, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const labels = constant([0], { dtype: "i32" });
 * const loss = softmaxCrossEntropy(constant([[0, 0]]), labels);
 * assertAlmostEquals(valuesOf(loss)[0]!, Math.log(2));
 * ```
 */
export function softmaxCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  options: { readonly labelSmoothing?: number } = {},
): Tensor {
  requireCall("softmaxCrossEntropy", arguments, 2, 3);
  requireOptions("softmaxCrossEntropy", options, { labelSmoothing: true });
  const { labelSmoothing = 0 } = options;
  requireLabels("take the cross-entropy", logits, labels);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`Cannot smooth labels by ${labelSmoothing}: expected 0 to 1.`);
  }
  const [n, classes] = [logits.shape[0]!, logits.shape[1]!];
  const hard = labelLogProbabilities(logits, labels);
  const terms = labelSmoothing === 0 ? hard : add(
    mul(hard, 1 - labelSmoothing),
    mul(logSoftmax(logits), labelSmoothing / classes),
  );
  return mul(sum(terms), -1 / n);
}

/**
 * Tells for every example whether its largest logit is at its label.
 *
 * @param logits Scores `f32[n, classes]`.
 * @param labels Classes `i32[n]`.
 * @returns 1 or 0, `f32[n]`; NaN where a score is NaN or the label outside of `[0, classes)`. It has
 *   no derivative.
 * @throws {TypeError} If logits and labels do not fit.
 *
 * @example
 * ```ts
 * import { constant, hits, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = constant([0, 0, 7], { dtype: "i32" });
 * assertEquals(valuesOf(hits(constant([[2, 1], [1, 2], [2, 1]]), labels)), [1, 0, NaN]);
 * ```
 */
export function hits(logits: Tensor, labels: Tensor): Tensor {
  requireCall("hits", arguments, 2);
  requireLabels("take the accuracy", logits, labels);
  const right = convert(equal(argMax(logits, { axes: 1 }), labels), "f32");
  const diverged = isNan(max(stopGradient(logits), { axes: 1 }));
  const known = mul(right, validity(labels, logits.shape[1]!));
  return where(diverged, full([], { value: NaN }), known);
}

/**
 * Fraction of examples whose largest logit is at their label.
 *
 * @param logits Scores `f32[n, classes]`.
 * @param labels Classes `i32[n]`.
 * @returns A scalar from 0 to 1; NaN where a score is NaN or a label outside of `[0, classes)`. It
 *   has no derivative.
 * @throws {TypeError} If logits and labels do not fit.
 *
 * @example
 * ```ts
 * import { accuracy, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = constant([0, 0], { dtype: "i32" });
 * assertEquals(valuesOf(accuracy(constant([[2, 1], [1, 2]]), labels)), [0.5]);
 * ```
 */
export function accuracy(logits: Tensor, labels: Tensor): Tensor {
  requireCall("accuracy", arguments, 2);
  return mean(hits(logits, labels));
}

/**
 * Mean binary cross-entropy of the sigmoid of logits.
 *
 * @param logits Scores (`f32`) of any shape, finite.
 * @param targets Probabilities of the positive class, of the same shape.
 * @returns The mean over all elements, a scalar.
 * @throws {TypeError} If the shapes differ.
 *
 * @example
 * ```ts
 * import { binaryCrossEntropy, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = binaryCrossEntropy(constant([0]), constant([1]));
 * assertAlmostEquals(valuesOf(loss)[0]!, Math.log(2));
 * ```
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  requireCall("binaryCrossEntropy", arguments, 2);
  requireTargets("take the binary cross-entropy", logits, targets);
  // -z log s(x) - (1 - z) log(1 - s(x)) = softplus(-|x|) + (x > 0 ? 1 - z : -z) x: nothing cancels.
  const positive = greater(logits, 0);
  const weight = sub(where(positive, full([], { value: 1 }), full([])), targets);
  return mean(add(softplus(where(positive, neg(logits), logits)), mul(weight, logits)));
}
