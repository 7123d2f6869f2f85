import * as is from "../ir/kinds.ts";
import { formatAval } from "../ir/aval.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { Tensor } from "../ir/tensor.ts";
import { foldIn, splitKey } from "../random/key.ts";
import { eye, ones, stack } from "../tensor/mod.ts";
import { valueAndGradAux, vjp } from "../transform/vjp.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import { combineGradients } from "./gradients.ts";
import { weighGradients } from "./weigh_gradients.ts";
import type { Weighting, WeightingState } from "./weighting.ts";

/** The loss of one task: a scalar `f32[]`, and a tree of tensors that is handed through. */
export type MultiTaskLossFunction<P, Batch, Aux> = (
  params: P,
  batch: Batch,
  key: Tensor,
) => { readonly loss: Tensor; readonly aux: Aux };

/** Losses by the names of their tasks. */
export type MultiTaskLosses<P, Batch, Aux> = Readonly<
  Record<string, MultiTaskLossFunction<P, Batch, Aux>>
>;

/** How the gradients of several tasks become one. */
export interface MultiTaskGradientOptions<Batch = unknown> {
  /** Decides how much each task counts. */
  readonly weighting: Weighting;
  /**
   * Whether the leaf of a path is shared by the tasks: the method sees the gradients of these only.
   * Unless told, all leaves are.
   */
  readonly shared?: (path: string) => boolean;
  /**
   * Whether the leaves that are not shared, such as heads, get their gradient times its task's
   * weight, or as it is, so that a head learns while its task counts nothing; what the method says
   * ({@linkcode Weighting.own}) unless told.
   */
  readonly own?: "weighted" | "plain";
  /**
   * Takes a batch apart into two independent ones, for methods with
   * {@linkcode Weighting.doubleSampled}; losses and heads are those of the first. Without it these
   * methods see one sample twice.
   */
  readonly split?: (batch: Batch) => readonly [Batch, Batch];
}

/** Gradient of several tasks. */
export interface MultiTaskGradient<P, Aux> {
  /** Sum of weight times gradient. */
  readonly grads: P;
  /** Losses `f32[tasks]`, in the order of the sorted names. */
  readonly losses: Tensor;
  /** Weights `f32[tasks]`, in that order. */
  readonly weights: Tensor;
  /** The state of the method for the next step. */
  readonly state: WeightingState;
  /** What the losses returned besides, by name. */
  readonly aux: Readonly<Record<string, Aux>>;
}

/**
 * Makes the gradient of several tasks under a weighting method.
 *
 * Methods that read the losses only cost one reverse pass, the others one for each task.
 *
 * @param losses The losses by name; each gets the same batch and a random key of its own.
 * @param options The method, and which parameters the tasks share.
 * @returns A pure function of parameters, batch, random key `u32[2]` and the method's state.
 * @throws {RangeError} If there is no loss.
 *
 * @example
 * ```ts
 * import { constant, mgda, multiTaskGradient, randomKey, square, type Tensor } from "@mutasesumele/toolkit";
 * import { sub, sum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const to = (target: number[]) => (x: Tensor) => ({
 *   loss: sum(square(sub(x, constant(target)))),
 *   aux: {},
 * });
 * const gradient = multiTaskGradient({ a: to([1, 0]), b: to([0, 1]) }, { weighting: mgda() });
 * const { grads, weights } = gradient(constant([1, 1]), {}, randomKey(0), {});
 * assertAlmostEquals(valuesOf(weights)[0]!, 0.5);
 * assertAlmostEquals(valuesOf(grads)[0]!, 1);
 * ```
 */
export function multiTaskGradient<P, Batch, Aux>(
  losses: MultiTaskLosses<P, Batch, Aux>,
  options: MultiTaskGradientOptions<Batch>,
): (params: P, batch: Batch, key: Tensor, state: WeightingState) => MultiTaskGradient<P, Aux> {
  requireArguments("multiTaskGradient", { losses }, { losses: is.losses });
  requireOptions("multiTaskGradient", options, {
    weighting: is.weighting,
    shared: true,
    own: true,
    split: true,
  });
  const names = namesOf(losses);
  const { weighting } = options;
  const byName = (each: readonly Aux[]): Readonly<Record<string, Aux>> =>
    Object.fromEntries(names.map((name, k) => [name, each[k]!]));
  return (params, batch, key, state) => {
    const [stepKey, ...keys] = splitKey(key, names.length + 1);
    const own = weighting.needsKey ? { key: stepKey! } : {};
    const plain = (options.own ?? weighting.own) === "plain";
    const cheap = !weighting.needsGradients && !weighting.transform && !plain;
    if (cheap) {
      const aux: Aux[] = [];
      const { value, pullback } = vjp((given: P) => {
        const results = names.map((name, k) => losses[name]!(given, batch, keys[k]!));
        results.forEach((result) => aux.push(result.aux));
        return lossVector(names, results);
      }, [params]);
      const gram = eye(names.length);
      const { weights, state: next } = weighting.weigh({ losses: value, gram, state, ...own });
      const [grads] = pullback(weights);
      return { grads, losses: value, weights, state: next, aux: byName(aux) };
    }
    const at = (part: Batch, fold: (key: Tensor) => Tensor) => {
      const results = names.map((name, k) =>
        valueAndGradAux(losses[name]!)(params, part, fold(keys[k]!))
      );
      return {
        losses: lossVector(names, results.map(({ value }) => ({ loss: value }))),
        parts: results.map(({ grad }) => apart(grad, options.shared)),
        aux: results.map(({ aux }) => aux),
      };
    };
    const halves = weighting.doubleSampled ? options.split?.(batch) : undefined;
    const first = at(halves?.[0] ?? batch, (key) => key);
    const second = halves && at(halves[1], (key) => foldIn(key, 1));
    const weighed = weighGradients(weighting, {
      losses: first.losses,
      grads: first.parts.map(({ shared }) => shared),
      ...(second ? { second: second.parts.map(({ shared }) => shared) } : {}),
      state,
      ...own,
    });
    const ownWeights = options.own === undefined
      ? weighed.own
      : options.own === "plain"
      ? ones([names.length])
      : weighed.weights;
    const heads = first.parts.map((part) => part.own);
    return {
      grads: first.parts[0]!.join(
        weighed.grad,
        heads[0]!.length === 0 ? [] : combineGradients(heads, ownWeights),
      ),
      losses: first.losses,
      weights: weighed.weights,
      state: weighed.state,
      aux: byName(first.aux),
    };
  };
}

/**
 * Losses of several tasks at once.
 *
 * @param losses The losses by name.
 * @returns A function of parameters, batch and the key that {@linkcode multiTaskGradient} got, to
 *   the same losses `f32[tasks]`.
 */
export function lossesOf<P, Batch, Aux>(
  losses: MultiTaskLosses<P, Batch, Aux>,
): (params: P, batch: Batch, key: Tensor) => Tensor {
  const names = namesOf(losses);
  return (params, batch, key) => {
    const [, ...keys] = splitKey(key, names.length + 1);
    return lossVector(names, names.map((name, k) => losses[name]!(params, batch, keys[k]!)));
  };
}

function namesOf(losses: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(losses).sort();
  if (names.length === 0) {
    throw new RangeError("Cannot weigh tasks: found no loss, expected at least one.");
  }
  return names;
}

function lossVector(
  names: readonly string[],
  results: readonly { readonly loss: Tensor }[],
): Tensor {
  results.forEach(({ loss }, k) => {
    if (!(loss instanceof Tensor) || loss.dtype !== "f32" || loss.rank !== 0) {
      throw new TypeError(
        `Cannot weigh tasks: the loss of '${names[k]}' is ${
          loss instanceof Tensor ? formatAval(loss) : typeof loss
        }, expected a scalar f32[]. Take a mean or a sum over the batch.`,
      );
    }
  });
  return stack(results.map(({ loss }) => loss));
}

/** Takes the gradients of shared leaves from the others. */
function apart<P>(grads: P, isShared: (path: string) => boolean = () => true): {
  readonly shared: readonly Tensor[];
  readonly own: readonly Tensor[];
  readonly join: (shared: readonly Tensor[], own: readonly Tensor[]) => P;
} {
  const { leaves, paths, structure } = flatten<Tensor>(grads);
  const flags = leaves.map(({ dtype }, k) => dtype !== "f32" || isShared(paths[k]!));
  const join = (shared: readonly Tensor[], own: readonly Tensor[]): P => {
    const [ours, theirs] = [[...shared], [...own]];
    return unflatten(structure, flags.map((flag) => (flag ? ours : theirs).shift()));
  };
  return {
    shared: leaves.filter((_, k) => flags[k]),
    own: leaves.filter((_, k) => !flags[k]),
    join,
  };
}
