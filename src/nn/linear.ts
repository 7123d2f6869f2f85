import { formatAval } from "../ir/aval.ts";
import { requireCall, requireCounts, requireOptions } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import { splitKey } from "../random/mod.ts";
import { add, matmul } from "../tensor/mod.ts";
import { kaimingUniform } from "./initializers.ts";
import { type Layer, tensorOf, type WeightAndBias } from "./layer.ts";

/** Options of {@linkcode linear}. */
export interface LinearOptions<Bias extends boolean = boolean> {
  /** Length of the input vectors. */
  readonly inputs: number;
  /** Length of the output vectors. */
  readonly outputs: number;
  /** Whether a bias is added; true unless told. */
  readonly bias?: Bias;
}

/**
 * A linear layer `x weight + bias`, initialized as in PyTorch.
 *
 * Parameters: `weight` `[inputs, outputs]`, `bias` `[outputs]`.
 *
 * @param options Lengths of input and output, and whether there is a bias.
 * @returns A layer from `[..., inputs]` to `[..., outputs]`.
 *
 * @example
 * ```ts
 * import { linear, ones, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = linear({ inputs: 3, outputs: 2 });
 * const { params, state } = layer.init(randomKey(0));
 * const { output } = layer.apply(params, state, ones([5, 3]), { training: true });
 * assertEquals(output.shape, [5, 2]);
 * ```
 */
export function linear<const Bias extends boolean = true>(
  options: LinearOptions<Bias>,
): Layer<WeightAndBias<Bias>> {
  requireOptions("linear", options, { inputs: true, outputs: true, bias: true });
  const { inputs, outputs, bias = true } = options;
  requireCounts("linear", { inputs, outputs });
  return {
    init(key) {
      const [weightKey, biasKey] = splitKey(key, 2);
      const weight = kaimingUniform(weightKey!, [inputs, outputs]);
      const params = bias
        ? { weight, bias: kaimingUniform(biasKey!, [outputs], { fanIn: inputs }) }
        : { weight };
      return { params: params as WeightAndBias<Bias>, state: {} };
    },
    apply(params, state, x) {
      requireCall("apply", arguments, 3, 4);
      requireTensor("apply a linear layer", x);
      if (x.shape.at(-1) !== inputs) {
        throw new TypeError(
          `Cannot apply a linear layer of ${inputs} inputs to ${formatAval(x)}: expected ` +
            `[..., ${inputs}].`,
        );
      }
      const product = matmul(x, tensorOf(params, "weight", [inputs, outputs]));
      return { output: bias ? add(product, tensorOf(params, "bias", [outputs])) : product, state };
    },
  };
}
