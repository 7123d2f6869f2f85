/**
 * Auto-Lambda: loss weights that are learned by what they do for the tasks that are wanted.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { adam } from "../optim/adam.ts";
import type { Optimizer, OptimizerState } from "../optim/optimizer.ts";
import { sgd } from "../optim/sgd.ts";
import { splitKey } from "../random/key.ts";
import { constant } from "../tensor/create.ts";
import { expandDims } from "../tensor/shape.ts";
import { valueAndGradAux } from "../transform/vjp.ts";
import { mapTree } from "../tree/tree.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import { metaGradient } from "./meta_gradient.ts";
import { multiTaskLoss } from "./multi_task_loss.ts";

/** What is trained: shared parameters and the tasks' heads. */
export interface BodyAndHeads<Params, Heads> {
  /** The parameters that all tasks share. */
  readonly body: Params;
  /** For each loss the parameters of its head; `{}` if it has none. */
  readonly heads: Heads;
}

/** Loss weights by name, `f32[]` each. */
export type LossWeights = Readonly<Record<string, Tensor>>;

/** Everything that training with Auto-Lambda changes. */
export interface AutoLambdaTraining<Params, Heads> {
  /** Shared parameters and heads. */
  readonly params: BodyAndHeads<Params, Heads>;
  /** State of their optimizer. */
  readonly optimizer: OptimizerState;
  /** The weights of the losses. */
  readonly weights: LossWeights;
  /** State of the weights' optimizer. */
  readonly weightsOptimizer: OptimizerState;
}

/** Losses by name; each gets its own head, batch and key. */
export type NamedLosses<Params, Heads, Batches, Constants> = {
  readonly [Name in keyof Heads]: TaskLoss<
    Params,
    Heads[Name],
    Batches[Name & keyof Batches],
    Constants
  >;
};

/** How weights are learned. */
export interface AutoLambdaOptions {
  /** Names of the losses that are wanted for themselves; the others only serve. */
  readonly primary: readonly string[];
  /** Moves parameters and heads. */
  readonly optimizer: Optimizer;
  /** Moves the weights; Adam unless told. */
  readonly weightsOptimizer?: Optimizer;
  /** Step size of the weights; 1e-4 unless told. */
  readonly weightsRate?: number;
  /** Weight of every loss at the start; 0.1 unless told. */
  readonly initial?: number;
}

/** What a step of Auto-Lambda sees. */
export interface AutoLambdaData<Batches, Constants> {
  /** Batches for the step, by name of the loss. */
  readonly train: Batches;
  /** Batches by which the look-ahead is judged, by name of the loss. */
  readonly validation: Batches;
  /** What all losses share; `{}` if nothing. */
  readonly constants: Constants;
}

/** What a step of Auto-Lambda returns. */
export interface AutoLambdaStepped<Params, Heads> {
  /** Everything after the step. */
  readonly training: AutoLambdaTraining<Params, Heads>;
  /** Losses before the step, without weights, `f32[]` by name. */
  readonly losses: Readonly<Record<string, Tensor>>;
  /** Sum of the wanted losses after the look-ahead, `f32[]`. */
  readonly wanted: Tensor;
  /** Gradient of that with respect to the weights, `f32[]` by name. */
  readonly slopes: LossWeights;
}

/**
 * Everything before the first step of {@linkcode autoLambdaStep}.
 *
 * @param params Shared parameters and heads.
 * @param options Those of {@linkcode autoLambdaStep}.
 * @returns The parameters with all weights at their start and the optimizers' first states.
 *
 * @example
 * ```ts
 * import { autoLambdaInit, constant, sgd, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const params = { body: constant([1, 2]), heads: { a: {}, b: {} } };
 * const { weights } = autoLambdaInit(params, { primary: ["a"], optimizer: sgd() });
 * assertEquals(valuesOf(weights["b"]!), [0.1]);
 * ```
 */
export function autoLambdaInit<Params, Heads extends Record<string, unknown>>(
  params: BodyAndHeads<Params, Heads>,
  options: AutoLambdaOptions,
): AutoLambdaTraining<Params, Heads> {
  requireArguments("autoLambdaInit", { params }, {
    params: is.objectWith({ heads: is.object }, "parameters"),
  });
  requireOptions("autoLambdaInit", options, {
    primary: is.list,
    optimizer: is.optimizer,
    weightsOptimizer: true,
    weightsRate: true,
    initial: true,
  });
  const { optimizer, weightsOptimizer = adam(), initial = 0.1 } = options;
  const weights = Object.fromEntries(
    Object.keys(params.heads).sort().map((name) => [name, constant(initial)]),
  );
  return {
    params,
    optimizer: optimizer.init(params),
    weights,
    weightsOptimizer: weightsOptimizer.init(weights),
  };
}

/**
 * Makes a step of Auto-Lambda. It looks one step of gradient descent ahead along the weighted sum of
 * all losses, descends with the weights on the wanted losses there, and then takes the step with
 * the new weights.
 *
 * The gradient of the weights is the exact one, by the meta-gradient; the paper takes finite
 * differences for it.
 *
 * Source: Liu et al., arXiv 2202.03091, equations 2 to 5.
 *
 * @param losses The losses by name.
 * @param options Which are wanted, and the optimizers.
 * @returns A pure function of everything that changes, data, random key `u32[2]` and rate, which is
 *   also that of the look-ahead.
 * @throws {RangeError} If no loss is wanted, or one that is none of the losses.
 *
 * @example
 * ```ts
 * import { autoLambdaInit, autoLambdaStep, constant, randomKey, sgd } from "@mutasesumele/toolkit";
 * import { mul, square, sub, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // Auxiliary tasks with the targets 2 (which helps to come to 1) and -5 (which does not).
 * const to = (x: Tensor, _: object, target: Tensor) => mul(square(sub(x, target)), 0.5);
 * const losses = { helps: to, hurts: to, wanted: to };
 * const targets = { helps: constant(2), hurts: constant(-5), wanted: constant(1) };
 * const options = { primary: ["wanted"], optimizer: sgd() };
 * const heads = { helps: {}, hurts: {}, wanted: {} };
 * const step = autoLambdaStep<Tensor, typeof heads, typeof targets, object>(losses, options);
 * const start = autoLambdaInit({ body: constant(0), heads }, options);
 * const data = { train: targets, validation: targets, constants: {} };
 * const { slopes } = step(start, data, randomKey(0), { rate: constant(0.1) });
 * // Ahead is x = 0.1 * 0.1 * (2 - 5 + 1) = -0.02; the slope is -0.1 (1 - x) (target - 0).
 * assertAlmostEquals(valuesOf(slopes["helps"]!)[0]!, -0.1 * 1.02 * 2, 1e-7);
 * assertAlmostEquals(valuesOf(slopes["hurts"]!)[0]!, 0.1 * 1.02 * 5, 1e-7);
 * ```
 */
export function autoLambdaStep<
  Params,
  Heads extends Record<string, unknown>,
  Batches extends Record<keyof Heads, unknown>,
  Constants = unknown,
>(
  losses: NamedLosses<Params, Heads, Batches, Constants>,
  options: AutoLambdaOptions,
): (
  training: AutoLambdaTraining<Params, Heads>,
  data: AutoLambdaData<Batches, Constants>,
  key: Tensor,
  step: { readonly rate: Tensor },
) => AutoLambdaStepped<Params, Heads> {
  requireArguments("autoLambdaStep", { losses }, { losses: is.losses });
  requireOptions("autoLambdaStep", options, {
    primary: is.list,
    optimizer: is.optimizer,
    weightsOptimizer: true,
    weightsRate: true,
    initial: true,
  });
  const { primary, optimizer, weightsOptimizer = adam(), weightsRate = 1e-4 } = options;
  const unknown = primary.find((name) => !(name in losses));
  if (primary.length === 0 || unknown !== undefined) {
    throw new RangeError(
      `Cannot learn loss weights for the wanted losses [${
        primary.join(", ")
      }]: expected at least ` +
        `one of ${Object.keys(losses).sort().join(", ")}, and no other.`,
    );
  }
  type Both = BodyAndHeads<Params, Heads>;
  const all = multiTaskLoss<Params, Heads, Batches, Constants>(losses);
  const part = <T>(tree: T): T =>
    Object.fromEntries(primary.map((name) => [name, tree[name as keyof T]])) as T;
  const wanted = multiTaskLoss<Params, Heads, Batches, Constants>(part(losses));
  const weighted: TaskLoss<Both, LossWeights, Batches, Constants> = (
    { body, heads },
    weights,
    batches,
    context,
  ) => all(body, { heads, weights }, batches, context);
  const ahead = metaGradient<
    Both,
    LossWeights,
    { readonly all: Tensor },
    Batches,
    Batches,
    Constants
  >(
    {
      inner: weighted,
      outer: ({ body, heads }, _, batches, context) =>
        wanted(body, { heads: part(heads) }, part(batches), context),
    },
    { innerSteps: 1, optimizer: sgd(), algorithm: "auto-lambda" },
  );
  const gradient = valueAndGradAux(
    (params: Both, weights: LossWeights, batches: Batches, context) => {
      const { loss, metrics } = all(
        params.body,
        { heads: params.heads, weights },
        batches,
        context as { readonly key: Tensor; readonly constants: Constants },
      );
      return { loss, aux: metrics.losses };
    },
  );
  const asTask = (tree: Batches): Batches =>
    mapTree<Batches>((x: Tensor) => expandDims(x, 0), tree);
  return (training, { train, validation, constants }, key, { rate }) => {
    const [aheadKey, stepKey] = splitKey(key, 2);
    const { loss, grads } = ahead(
      { params: training.params, shared: training.weights, rates: { all: rate } },
      { support: asTask(train), query: asTask(validation), constants },
      aheadKey!,
    );
    const moved = weightsOptimizer.update(
      grads.shared,
      training.weightsOptimizer,
      training.weights,
      { rate: weightsRate },
    );
    const { grad, aux } = gradient(training.params, moved.params, train, {
      key: stepKey!,
      constants,
    });
    const { params, state } = optimizer.update(grad, training.optimizer, training.params, { rate });
    return {
      training: {
        params,
        optimizer: state,
        weights: moved.params,
        weightsOptimizer: moved.state,
      },
      losses: aux,
      wanted: loss,
      slopes: grads.shared,
    };
  };
}
