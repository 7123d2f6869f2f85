/**
 * Parts of what training leaves.
 *
 * @module
 */
import type { Concrete } from "../engine/mod.ts";
import type { Variables } from "./evaluate_classifier.ts";

/**
 * The parts of a training that classify.
 *
 * @param trained What a stage left, pretext heads and weights of losses among it.
 * @returns Parameters and running statistics of backbone and head.
 */
export function modelOf({ params, state }: Concrete<Variables>): Concrete<Variables> {
  const parts = (tree: Concrete<Variables["params"]>) =>
    ({ encoder: tree["encoder"], head: tree["head"] }) as Concrete<Variables["params"]>;
  return { params: parts(params), state: parts(state) };
}

/**
 * The backbone of a model or of any training.
 *
 * @param trained A classifier, or what a stage left.
 * @returns Parameters and running statistics of the backbone.
 */
export function backboneOf({ params, state }: Concrete<Variables>): Concrete<Variables> {
  return { params: params["encoder"], state: state["encoder"] } as Concrete<Variables>;
}

/**
 * A model of a backbone and a head, such as a finished linear probe.
 *
 * @param backbone The backbone.
 * @param head The head.
 * @returns Variables for {@linkcode ImageTraining.judge}.
 */
export function withHead(
  backbone: Concrete<Variables>,
  head: Concrete<Variables>,
): Concrete<Variables> {
  return {
    params: { encoder: backbone.params, head: head.params },
    state: { encoder: backbone.state, head: head.state },
  };
}
