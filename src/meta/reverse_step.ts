/**
 * One inner step backwards: the mixed-mode heart of the exact meta-gradient.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { identity } from "../ops/identity.ts";
import type { OptimizerState } from "../optim/mod.ts";
import { checkpoint } from "../transform/call.ts";
import { pushForward } from "../transform/jvp.ts";
import { pullBack, vjp } from "../transform/vjp.ts";
import { flatten, mapTree, unflatten } from "../tree/tree.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import type { ByPath } from "./fast_weights.ts";
import { gradients, type InnerStepInput } from "./inner_step.ts";
import { type InnerUpdate, type UpdateInput, updateTasks } from "./inner_update.ts";
import type { SharedGrads } from "./outer_step.ts";
import { taskLosses } from "./task_losses.ts";
import { addTrees } from "./trees.ts";

/** What goes backwards through the inner loop. */
export interface Cotangents<Shared> {
  /** Cotangents of the fast weights, each `[task, ...]`. */
  readonly fast: ByPath;
  /** Cotangents of the optimizer's state, each tensor `[task, ...]`. */
  readonly state: OptimizerState;
  /** Cotangents of what the tasks share, summed over tasks and over the steps so far. */
  readonly direct: SharedGrads<Shared>;
  /** Cotangents of the learned rates, summed over tasks (and over the steps so far). */
  readonly rates: unknown;
}

/** Operands of {@linkcode reverseStep}. */
export interface ReverseStepInput<Shared, Support, Constants> {
  /** What the inner step was computed from. */
  readonly step: InnerStepInput<Shared, Support, Constants>;
  /** The cotangents after the step; `rates` is what has been summed so far, or `{}`. */
  readonly cotangents: Cotangents<Shared>;
}

/** Cotangents of an inner update, the gradient being an operand like any other. */
export function pullUpdateBack(
  update: InnerUpdate,
  input: UpdateInput,
  cotangent: { readonly params: ByPath; readonly state: OptimizerState },
): UpdateInput {
  const { pullback } = vjp((operands: UpdateInput) => updateTasks(update, operands), [input]);
  return pullback(cotangent)[0];
}

/**
 * Makes the step that takes cotangents back through one inner step, a program of its own that is
 * compiled once.
 *
 * With `theta' = update(theta, g, state; rates)` and `g = grad_theta L(theta, shared)`:
 * the update is pulled back, which gives the cotangent `c` of `g`; then the forward derivative of
 * `theta -> grad_{theta, shared} L` in direction `c` gives `H c` and all mixed terms at once. The
 * gradient is computed anew, so nothing but `theta` and `state` was kept.
 *
 * Source: Kemaev et al., "Scalable meta-learning via mixed-mode differentiation", 2025,
 * arXiv 2505.00793, section 3.
 *
 * @param loss The inner loss of one task.
 * @param options The inner update, and how parameters are joined.
 * @returns The step.
 */
export function reverseStep<Params, Shared, Support, Constants>(
  loss: TaskLoss<Params, Shared, Support, Constants>,
  { join, update }: {
    readonly join: (fast: ByPath, slow: ByPath) => Params;
    readonly update: InnerUpdate;
  },
): (input: ReverseStepInput<Shared, Support, Constants>) => Cotangents<Shared> {
  return checkpoint(({ step, cotangents }: ReverseStepInput<Shared, Support, Constants>) => {
    const fast: ByPath = mapTree(identity, step.fast);
    const slow: ByPath = mapTree(identity, step.slow);
    const shared = mapTree<Shared>(identity, step.shared);
    const { losses } = taskLosses(loss, { ...step, fast, slow, shared }, {
      join,
      name: "inner",
    });
    const grads = gradients(losses, { fast, direct: { slow, shared } });

    const back = pullUpdateBack(
      update,
      { params: step.fast, grads: grads.fast, state: step.state, rates: step.rates },
      { params: cotangents.fast, state: cotangents.state },
    );

    const direction = flatten<Tensor>(back.grads).leaves;
    const seeds = new Map(flatten<Tensor>(fast).leaves.map((leaf, k) => [leaf, direction[k]!]));
    const flat = flatten<Tensor>(grads);
    const before = flatten<Tensor>({ fast: back.params, direct: cotangents.direct }).leaves;
    const after = pushForward(flat.leaves, seeds).map((tangent, k) =>
      tangent ? add(before[k]!, tangent) : before[k]!
    );
    const total = unflatten<{ fast: ByPath; direct: SharedGrads<Shared> }>(flat.structure, after);
    return {
      ...total,
      state: back.state,
      rates: sumRates(cotangents.rates, back.rates),
    };
  });
}

/**
 * Takes cotangents back through one inner step whose gradient is taken for a constant: only the
 * update is differentiated. It is elementwise and cheap, so it is no program of its own.
 *
 * @param update The inner update.
 * @param input The step, the gradient that it applied, and the cotangents after it.
 * @returns The cotangents before the step.
 */
export function firstOrderReverseStep<Shared, Support, Constants>(
  update: InnerUpdate,
  { step, grads, cotangents }: ReverseStepInput<Shared, Support, Constants> & {
    readonly grads: ByPath;
  },
): Cotangents<Shared> {
  const back = pullUpdateBack(
    update,
    { params: step.fast, grads, state: step.state, rates: step.rates },
    { params: cotangents.fast, state: cotangents.state },
  );
  return {
    fast: back.params,
    state: back.state,
    direct: cotangents.direct,
    rates: sumRates(cotangents.rates, back.rates),
  };
}

/**
 * Takes the cotangents of the optimizer's first state back to the parameters that it was made of, such as
 * those to which a proximal term pulls. A state of constants adds nothing.
 *
 * @param first The first step: fast weights, and the state that was made of them.
 * @param cotangents The cotangents before that step.
 * @returns The whole cotangents of the fast weights.
 */
export function pullFirstStateBack<Shared>(
  first: { readonly fast: ByPath; readonly state: OptimizerState },
  cotangents: Cotangents<Shared>,
): ByPath {
  const [made, given] = [first.state, cotangents.state].map((tree) => flatten<Tensor>(tree).leaves);
  const direct = flatten<Tensor>(cotangents.fast);
  const through = pullBack(made!, given!, flatten<Tensor>(first.fast).leaves);
  return unflatten(
    direct.structure,
    direct.leaves.map((own, k) => through[k] ? add(own, through[k]) : own),
  );
}

/** Adds to what has been summed so far, `{}` at first or where each step has its own. */
function sumRates(soFar: unknown, here: unknown): unknown {
  return isEmpty(soFar) ? here : addTrees(soFar, here);
}

function isEmpty(tree: unknown): boolean {
  return flatten(tree).leaves.length === 0;
}
