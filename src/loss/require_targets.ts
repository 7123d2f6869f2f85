import { formatAval, sameShape } from "../ir/aval.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Tensor } from "../ir/tensor.ts";

/**
 * Throws unless there is one target for each prediction: broadcast, `[n, 1]` and `[n]` would be compared each with
 * each.
 *
 * @param attempt What is being done, for the error: "take the squared error".
 * @param predictions The predictions.
 * @param targets The targets.
 * @throws {TypeError} If they are not tensors of one shape.
 */
export function requireTargets(attempt: string, predictions: Tensor, targets: Tensor): void {
  requireTensor(attempt, predictions);
  requireTensor(attempt, targets);
  if (sameShape(predictions.shape, targets.shape)) return;
  throw new TypeError(
    `Cannot ${attempt} of ${formatAval(predictions)} and ${
      formatAval(targets)
    }: expected one shape. ` +
      `Use reshape() on one of them.`,
  );
}
