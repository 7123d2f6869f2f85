import { requireTensor } from "../ir/require_tensor.ts";
import { formatAval, sameShape } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { broadcastShapes, broadcastTo } from "./operand.ts";
import { softmax } from "./softmax.ts";

/** Options of {@linkcode attention}. */
export interface AttentionOptions {
  /** Factor of the scores; `1 / sqrt(width)` of the queries unless told. */
  readonly scale?: number;
  /** Which keys a query may see, `bool`; broadcasts to `[..., queries, keys]`; all unless told. */
  readonly mask?: Tensor;
  /** Whether query `i` sees only keys up to `i + keys - queries`; false unless told. */
  readonly causal?: boolean;
}

/**
 * Scaled dot-product attention: `softmax(scale * queries keys^T) values` (Vaswani et al.,
 * arXiv 1706.03762, equation 1). Heads are leading axes.
 *
 * A query that may see no key gets the mean of all values, which no score can tell apart.
 *
 * @param queries `[..., queries, width]` (`f32`).
 * @param keys `[..., keys, width]`, with the same leading axes.
 * @param values `[..., keys, channels]`, with the same leading axes.
 * @param options Scale, mask and causality.
 * @returns `[..., queries, channels]`.
 * @throws {TypeError} If the operands do not fit each other, or the mask is not `bool` or does not broadcast.
 *
 * @example
 * ```ts
 * import { attention, constant, ones, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const [queries, keys] = [ones([2, 4]), ones([2, 4])];
 * const values = constant([[1], [3]]);
 * assertEquals(valuesOf(attention(queries, keys, values)), [2, 2]);
 * assertEquals(valuesOf(attention(queries, keys, values, { causal: true })), [1, 2]);
 * ```
 */
export function attention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  options: AttentionOptions = {},
): Tensor {
  requireCall("attention", arguments, 3, 4);
  requireTensor("attend", queries);
  requireOptions("attention", options, { scale: true, mask: true, causal: true });
  const leading = queries.shape.slice(0, -2);
  const [count, width] = [queries.shape.at(-2), queries.shape.at(-1)];
  const fits = queries.rank >= 2 && keys.rank === queries.rank && values.rank === queries.rank &&
    sameShape(keys.shape.slice(0, -2), leading) && sameShape(values.shape.slice(0, -2), leading) &&
    keys.shape.at(-1) === width && keys.shape.at(-2) === values.shape.at(-2);
  if (!fits) {
    throw new TypeError(
      `Cannot attend with queries ${formatAval(queries)}, keys ${formatAval(keys)} and values ${
        formatAval(values)
      }: expected [..., queries, width], [..., keys, width] and [..., keys, channels].`,
    );
  }
  const scale = options.scale ?? 1 / Math.sqrt(width!);
  const products = ops.matmul(queries, keys, { transposeB: true });
  let scores = ops.mul(products, ops.like(products, scale));
  // The least number rather than minus infinity: a row without any key stays finite.
  const hidden = ops.like(scores, LEAST);
  if (options.mask) {
    const { mask } = options;
    if (mask.dtype !== "bool" || !broadcasts(mask, scores)) {
      throw new TypeError(
        `Cannot attend with the mask ${formatAval(mask)}: expected bool that broadcasts to [${
          scores.shape.join(", ")
        }].`,
      );
    }
    scores = ops.select(broadcastTo(mask, scores.shape), scores, hidden);
  }
  if (options.causal) {
    const axis = scores.rank - 1;
    const last = ops.add(
      ops.iota(scores.shape, [axis - 1]),
      ops.fill(keys.shape.at(-2)! - count!, scores.shape, "i32"),
    );
    scores = ops.select(ops.lessEqual(ops.iota(scores.shape, [axis]), last), scores, hidden);
  }
  return ops.matmul(softmax(scores), values);
}

/** Least number of float32. */
const LEAST = -3.4028234663852886e38;

function broadcasts(mask: Tensor, scores: Tensor): boolean {
  const shape = broadcastShapes([mask.shape, scores.shape]);
  return shape !== null && sameShape(shape, scores.shape);
}
