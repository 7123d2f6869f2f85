/**
 * Parts of what training leaves.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import { requireArguments } from "../ir/options.ts";
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
 *
 * @example
 * ```ts
 * import { encoder, openEngine, randomKey } from "@mutasesumele/toolkit";
 * import { backboneOf } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await openEngine("reference");
 * const model = encoder({ widths: [2], embedding: 2 });
 * const started = engine.jit(() => {
 *   const { params, state } = model.init(randomKey(0));
 *   return { params: { encoder: params, head: {} }, state: { encoder: state, head: {} } };
 * });
 * const trained = await started();
 * assertEquals(backboneOf(trained).params, trained.params.encoder);
 * ```
 */
export function backboneOf(variables: Concrete<Variables>): Concrete<Variables> {
  requireArguments("backboneOf", { variables }, { variables: kinds.variables });
  const { params, state } = variables;
  return { params: params["encoder"], state: state["encoder"] } as Concrete<Variables>;
}

/**
 * A model of a backbone and a head, such as a finished linear probe.
 *
 * @param backbone The backbone.
 * @param head The head.
 * @returns Variables for {@linkcode ImageTraining.judge}.
 *
 * @example
 * ```ts
 * import { withHead } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const backbone = { params: { weight: {} }, state: {} };
 * const head = { params: { bias: {} }, state: {} };
 * assertEquals(withHead(backbone, head).params, { encoder: { weight: {} }, head: { bias: {} } });
 * ```
 */
export function withHead(
  backbone: Concrete<Variables>,
  head: Concrete<Variables>,
): Concrete<Variables> {
  requireArguments("withHead", { backbone, head }, {
    backbone: kinds.variables,
    head: kinds.variables,
  });
  return {
    params: { encoder: backbone.params, head: head.params },
    state: { encoder: backbone.state, head: head.state },
  };
}
