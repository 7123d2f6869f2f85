/** Ways back through an inner step that are wrong in their second order only. @module */
import type { Tensor } from "../../src/ir/tensor.ts";
import { innerStep, type InnerStepInput } from "../../src/meta/inner_step.ts";
import {
  type Cotangents,
  firstOrderReverseStep,
  reverseStep,
  type ReverseStepInput,
} from "../../src/meta/reverse_step.ts";
import { add, mul, sub, zeros } from "../../src/tensor/mod.ts";
import { flatten, mapTree, unflatten } from "../../src/tree/tree.ts";

/** Makes the way back through one inner step. */
export type MakeReverseStep = typeof reverseStep;

/**
 * Second-order and mixed terms times a factor.
 *
 * @param factor 1 is right, 0 is first order.
 * @param concerns Which cotangents, by path: `fast.<path>` (Hessian term), `direct.shared.<path>`
 *   and `direct.slow.<path>` (mixed terms); default all.
 */
export function scaledSecondOrder(
  factor: number,
  concerns: (path: string) => boolean = () => true,
): MakeReverseStep {
  return (loss, options) => {
    const right = reverseStep(loss, options);
    return <S, Support, Constants>(input: ReverseStepInput<S, Support, Constants>) => {
      const exact = flatten<Tensor>(right(input as never));
      const grads = mapTree<Record<string, Tensor>>(
        (x: Tensor) => zeros(x.shape),
        input.step.fast,
      );
      const first = flatten<Tensor>(firstOrderReverseStep(options.update, { ...input, grads }));
      const leaves = exact.leaves.map((leaf, k) =>
        leaf.dtype === "f32" && concerns(exact.paths[k]!)
          ? add(first.leaves[k]!, mul(sub(leaf, first.leaves[k]!), factor))
          : leaf
      );
      return unflatten<Cotangents<never>>(exact.structure, leaves);
    };
  };
}

/** Second order at the weights after the step instead of those before it. */
export const afterTheStep: MakeReverseStep = (loss, options) => {
  const right = reverseStep(loss, options);
  const forward = innerStep(loss, { ...options, keepGrads: false, keepOwn: false });
  return (input) => right({ ...input, step: { ...input.step, fast: forward(input.step).fast } });
};

/** Second order of every step with the randomness of the step after it. */
export const keysOfTheNextStep: MakeReverseStep = (loss, options) => {
  const right = reverseStep(loss, options);
  let next: Pick<InnerStepInput<never, never, never>, "keys"> | undefined;
  return (input) => {
    const { keys } = next ?? input.step;
    next = input.step;
    return right({ ...input, step: { ...input.step, keys } });
  };
};
