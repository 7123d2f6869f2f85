import { formatAval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  argMax,
  convert,
  equal,
  logSoftmax,
  mean,
  mul,
  oneHot,
  softplus,
  sub,
  sum,
} from "../tensor/mod.ts";

function requireLabels(attempt: string, logits: Tensor, labels: Tensor): void {
  const fits = logits.rank === 2 && labels.rank === 1 && labels.dtype === "i32" &&
    logits.shape[0] === labels.shape[0];
  if (!fits) {
    throw new TypeError(
      `Cannot ${attempt} of logits ${formatAval(logits)} and labels ${formatAval(labels)}: ` +
        `expected f32[n, classes] and i32[n].`,
    );
  }
}

/**
 * Mean cross-entropy of the softmax of logits with class labels.
 *
 * @param logits Scores `f32[n, classes]`.
 * @param labels Classes `i32[n]`.
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
  { labelSmoothing = 0 }: { readonly labelSmoothing?: number } = {},
): Tensor {
  requireLabels("take the cross-entropy", logits, labels);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`Cannot smooth labels by ${labelSmoothing}: expected 0 to 1.`);
  }
  const [n, classes] = [logits.shape[0]!, logits.shape[1]!];
  const hard = oneHot(labels, classes);
  const target = labelSmoothing === 0
    ? hard
    : add(mul(hard, 1 - labelSmoothing), labelSmoothing / classes);
  return mul(sum(mul(target, logSoftmax(logits))), -1 / n);
}

/**
 * Fraction of examples whose largest logit is at their label.
 *
 * @param logits Scores `f32[n, classes]`.
 * @param labels Classes `i32[n]`.
 * @returns A scalar from 0 to 1; it has no derivative.
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
  requireLabels("take the accuracy", logits, labels);
  return mean(convert(equal(argMax(logits, { axes: 1 }), labels), "f32"));
}

/**
 * Mean binary cross-entropy of the sigmoid of logits.
 *
 * @param logits Scores (`f32`) of any shape.
 * @param targets Probabilities of the positive class, of the same shape.
 * @returns The mean over all elements, a scalar.
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
  // -z log s(x) - (1 - z) log(1 - s(x)) = softplus(x) - z x
  return mean(sub(softplus(logits), mul(targets, logits)));
}
