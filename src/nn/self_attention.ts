import { formatAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { matmul, mul, reshape, slice, softmax, transpose } from "../tensor/mod.ts";
import type { Layer, Params } from "./layer.ts";
import { linear } from "./linear.ts";
import { sequential } from "./sequential.ts";

/** Options of {@linkcode selfAttention}. */
export interface SelfAttentionOptions {
  /** Length of the tokens. */
  readonly features: number;
  /** Number of heads, which divides the length. */
  readonly heads: number;
}

/**
 * Multi-head self-attention: every token is replaced by a mixture of all tokens of its sequence.
 *
 * Parameters: `input` (`weight` `[features, 3 features]`, `bias`: queries, keys and values beside
 * each other, heads within) and `output`; the transposes of PyTorch's `in_proj` and `out_proj`.
 *
 * Source: Vaswani et al., arXiv 1706.03762, equation 1 and section 3.2.2.
 *
 * @param options Length of the tokens and number of heads.
 * @returns A layer from tokens `[n, tokens, features]` to the same shape.
 * @throws {RangeError} If the heads do not divide the length.
 *
 * @example
 * ```ts
 * import { normal, randomKey, selfAttention } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = selfAttention({ features: 8, heads: 2 });
 * const { params, state } = layer.init(randomKey(0));
 * const tokens = normal(randomKey(1), [2, 5, 8]);
 * assertEquals(layer.apply(params, state, tokens, { training: true }).output.shape, [2, 5, 8]);
 * ```
 */
export function selfAttention(options: SelfAttentionOptions): Layer {
  requireOptions("selfAttention", options, { features: true, heads: true });
  const { features, heads } = options;
  if (!(Number.isInteger(heads) && heads >= 1) || features % heads !== 0) {
    throw new RangeError(
      `Cannot attend with ${heads} heads to tokens of ${features} features: expected a whole ` +
        `number of heads that divides the features.`,
    );
  }
  const width = features / heads;
  const projections = {
    input: linear({ inputs: features, outputs: 3 * features }),
    output: linear({ inputs: features, outputs: features }),
  };
  return {
    init: (key) => sequential(projections).init(key),
    apply(params, state, x, options) {
      requireCall("apply", arguments, 3, 4);
      if (x.rank !== 3 || x.shape[2] !== features) {
        throw new TypeError(
          `Cannot attend to ${formatAval(x)}: expected tokens [n, tokens, ${features}].`,
        );
      }
      const [n, tokens] = x.shape as [number, number, number];
      const project = (name: keyof typeof projections, of: typeof x) =>
        projections[name].apply(params[name] as Params, {}, of, options).output;
      // [n, tokens, 3, heads, width] -> [3, n, heads, tokens, width]
      const parts = transpose(
        reshape(project("input", x), [n, tokens, 3, heads, width]),
        [2, 0, 3, 1, 4],
      );
      const [query, key, value] = [0, 1, 2].map((k) => slice(parts, [k]));
      const scores = mul(matmul(query!, transpose(key!, [0, 1, 3, 2])), 1 / Math.sqrt(width));
      const mixed = transpose(matmul(softmax(scores), value!), [0, 2, 1, 3]);
      return { output: project("output", reshape(mixed, x.shape)), state };
    },
  };
}
