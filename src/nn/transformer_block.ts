import { requireCall, requireCounts, requireOptions } from "../ir/options.ts";
import { add, gelu } from "../tensor/mod.ts";
import { type Layer, statelessLayer } from "./layer.ts";
import { layerNorm } from "./layer_norm.ts";
import { linear } from "./linear.ts";
import { selfAttention } from "./self_attention.ts";
import { sequential } from "./sequential.ts";

/** Options of {@linkcode transformerBlock}. */
export interface TransformerBlockOptions {
  /** Length of the tokens. */
  readonly features: number;
  /** Heads of the attention. */
  readonly heads: number;
  /** Width of the hidden layer, as a multiple of `features`; 4 unless told. */
  readonly expansion?: number;
}

/** Adds a layer's result to its input; parameters are those of the layer. */
function addedTo(layer: Layer): Layer {
  return {
    init: (key) => layer.init(key),
    apply(params, state, x, options) {
      requireCall("apply", arguments, 3, 4);
      const result = layer.apply(params, state, x, options);
      return { output: add(x, result.output), state: result.state };
    },
  };
}

/**
 * A block of a transformer: self-attention, then a perceptron with GELU, each behind a layer normalization
 * (epsilon 1e-6) and beside a shortcut.
 *
 * Parameters: `attention` (`norm`, `mix`) and `perceptron` (`norm`, `hidden`, `output`).
 *
 * Source: Dosovitskiy et al., arXiv 2010.11929, equations 2 and 3.
 *
 * @param options Length of the tokens, heads, width.
 * @returns A layer from tokens `[n, tokens, features]` to the same shape.
 * @throws {RangeError} If the heads do not divide the length.
 *
 * @example
 * ```ts
 * import { normal, randomKey, transformerBlock } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const block = transformerBlock({ features: 6, heads: 2 });
 * const { params, state } = block.init(randomKey(0));
 * const tokens = normal(randomKey(1), [2, 5, 6]);
 * assertEquals(block.apply(params, state, tokens, { training: true }).output.shape, [2, 5, 6]);
 * ```
 */
export function transformerBlock(options: TransformerBlockOptions): Layer {
  requireOptions("transformerBlock", options, { features: true, heads: true, expansion: true });
  const { features, heads, expansion = 4 } = options;
  requireCounts("transformerBlock", { features, heads });
  return sequential({
    attention: addedTo(sequential({
      norm: layerNorm({ features, epsilon: 1e-6 }),
      mix: selfAttention({ features, heads }),
    })),
    perceptron: addedTo(sequential({
      norm: layerNorm({ features, epsilon: 1e-6 }),
      hidden: linear({ inputs: features, outputs: expansion * features }),
      gelu: statelessLayer((x) => gelu(x)),
      output: linear({ inputs: expansion * features, outputs: features }),
    })),
  });
}

/**
 * Blocks one after the other, then a layer normalization.
 *
 * @param depth How many; their parameters are `block1`, `block2`, ..., then `norm`.
 * @param options Of each block.
 * @returns The layers by name, for {@linkcode sequential}.
 */
export function transformerTrunk(
  depth: number,
  options: TransformerBlockOptions,
): Record<string, Layer> {
  const block = transformerBlock(options);
  return {
    ...Object.fromEntries(Array.from({ length: depth }, (_, k) => [`block${k + 1}`, block])),
    norm: layerNorm({ features: options.features, epsilon: 1e-6 }),
  };
}
