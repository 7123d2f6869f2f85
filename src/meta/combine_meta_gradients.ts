/**
 * Several meta-gradients of the same parameters as one.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { weighGradients } from "../multitask/weigh_gradients.ts";
import type { Weighting, WeightingState } from "../multitask/weighting.ts";
import { foldIn, splitKey } from "../random/key.ts";
import { constant, slice, stack } from "../tensor/mod.ts";
import { flatten } from "../tree/tree.ts";
import type { MetaGradientResult } from "./meta_gradient.ts";
import { addTrees, scaleTree } from "./trees.ts";

/** A meta-gradient of any problem; what {@linkcode metaGradient} returns is one. */
export type MetaGradientPart = (
  meta: never,
  data: never,
  key: Tensor,
) => MetaGradientResult<unknown, unknown, unknown>;

/** Parts by name. */
export type MetaGradientParts = Readonly<Record<string, MetaGradientPart>>;

/** The meta-parameters of a part. */
export type MetaOf<Part extends MetaGradientPart> = Parameters<Part>[0];

/** The meta-parameters of several parts. */
export interface CombinedMeta<Parts extends MetaGradientParts> {
  /** The initial parameters of all inner loops. */
  readonly params: MetaOf<Parts[keyof Parts]>["params"];
  /** The other inputs of each part's losses, by name of the part. */
  readonly shared: { readonly [Name in keyof Parts]: MetaOf<Parts[Name]>["shared"] };
  /** The learned rates of each part, by name of the part. */
  readonly rates: { readonly [Name in keyof Parts]: MetaOf<Parts[Name]>["rates"] };
}

/** What {@linkcode combineMetaGradients} returns. */
export interface CombinedMetaGradient<Parts extends MetaGradientParts> {
  /** Weighted sum of the outer losses, `f32[]`. */
  readonly loss: Tensor;
  /**
   * Its gradient with respect to each group of meta-parameters; `shared` and `rates` by a method whose
   * {@linkcode Weighting.own} is `"plain"` get that of the mean outer loss, as without a method.
   */
  readonly grads: CombinedMeta<Parts>;
  /** What each part returned, by name; gradients without the part's weight. */
  readonly parts: { readonly [Name in keyof Parts]: ReturnType<Parts[Name]> };
  /** Weights of the parts `f32[parts]`, in the order of their sorted names. */
  readonly weights: Tensor;
  /** State of the weighting method for the next step; `{}` without one. */
  readonly weighting: WeightingState;
}

/** How parts are weighted. */
export interface CombineMetaGradientsOptions<Name extends PropertyKey> {
  /** Fixed weight of each outer loss by name; default: one over the number of parts. */
  readonly weights?: { readonly [Each in Name]: number };
  /**
   * A method that weighs the parts instead, from their outer losses and their gradients with respect
   * to `params`. What a method observes after a step are outer losses at the new meta-parameters:
   * hand `losses` of {@linkcode CombinedMetaGradient.parts} of another evaluation with the same data
   * and key to `observe`, or leave it out.
   */
  readonly weighting?: Weighting;
}

/**
 * Adds up meta-gradients whose inner loops differ in their losses, such as one for each pretext
 * task, each adapting a copy of its own of the same parameters.
 *
 * Tasks with one inner loss belong into one meta-gradient, where they are one batched program;
 * every part here has programs of its own.
 *
 * @param parts The meta-gradients by name.
 * @param options Fixed weights, or a method that weighs.
 * @returns A pure function of meta-parameters (`shared` and `rates` by name of the part), data by
 *   name, a random key `u32[2]`, of which every part gets its own, and the state of the weighting
 *   method, if it has one.
 * @throws {RangeError} If there is no part, or fixed weights are not those of all parts.
 * @throws {TypeError} If there are both fixed weights and a method, or a method lacks its state.
 *
 * @example
 * ```ts
 * import { combineMetaGradients, constant, maml, randomKey, sgd } from "@mutasesumele/toolkit";
 * import { add, square, sub, sum, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const outer = (x: Tensor, _: object, y: Tensor) => sum(square(sub(x, y)));
 * const options = { innerSteps: 1, optimizer: sgd(), innerRate: 0.25 };
 * const meta = combineMetaGradients({
 *   near: maml({ inner: outer, outer }, options),
 *   far: maml({ inner: (x, shared, y: Tensor) => outer(x, shared, add(y, 4)), outer }, options),
 * });
 * const task = { support: constant([1]), query: constant([1]), constants: {} };
 * const { loss } = meta(
 *   { params: constant(3), shared: { near: {}, far: {} }, rates: { near: {}, far: {} } },
 *   { near: task, far: task },
 *   randomKey(0),
 * );
 * // Adapted to 2 and to 4, judged against 1.
 * assertAlmostEquals(valuesOf(loss)[0]!, (1 + 9) / 2);
 * ```
 */
export function combineMetaGradients<Parts extends MetaGradientParts>(
  parts: Parts,
  options: CombineMetaGradientsOptions<keyof Parts> = {},
): (
  meta: CombinedMeta<Parts>,
  data: { readonly [Name in keyof Parts]: Parameters<Parts[Name]>[1] },
  key: Tensor,
  state?: WeightingState,
) => CombinedMetaGradient<Parts> {
  requireArguments("combineMetaGradients", { parts }, { parts: is.losses });
  requireOptions("combineMetaGradients", options, { weights: true, weighting: true });
  const names = Object.keys(parts).sort();
  if (names.length === 0) {
    throw new RangeError("Cannot combine meta-gradients: found none, expected at least one.");
  }
  const { weights: fixed, weighting } = options;
  if (fixed && weighting) {
    throw new TypeError(
      `Cannot combine meta-gradients: found fixed weights and the method '${weighting.name}', ` +
        `expected one of them.`,
    );
  }
  const weighted = Object.keys(fixed ?? {}).sort();
  if (fixed && weighted.join() !== names.join()) {
    throw new RangeError(
      `Cannot combine meta-gradients: found fixed weights for [${
        weighted.join(", ")
      }], expected one ` +
        `for each of [${names.join(", ")}].`,
    );
  }
  return ({ params, shared, rates }, data, key, given) => {
    const state = given ?? firstState(weighting, names.length, params);
    const keys = splitKey(key, names.length);
    const results = names.map((name, k) =>
      parts[name]!(
        { params, shared: shared[name], rates: rates[name] } as never,
        data[name] as never,
        keys[k]!,
      )
    );
    const numbers = names.map((name) => fixed ? fixed[name]! : 1 / names.length);
    const weighed = weighting && weighGradients(weighting, {
      losses: stack(results.map(({ loss }) => loss)),
      grads: results.map(({ grads }) => grads.params),
      state,
      ...(weighting.needsKey ? { key: foldIn(key, names.length) } : {}),
    });
    const weightOf = (k: number, own: Tensor | undefined) => own ? slice(own, [k]) : numbers[k]!;
    const own = weighting?.own === "plain" ? undefined : weighed?.own;
    const scaled = results.map(({ grads }, k) =>
      scaleTree({ shared: grads.shared, rates: grads.rates }, weightOf(k, own))
    );
    const byName = <T>(of: (k: number) => T) =>
      Object.fromEntries(names.map((name, k) => [name, of(k)]));
    return {
      loss: results.map(({ loss }, k) => scaleTree(loss, weightOf(k, weighed?.weights))).reduce(
        addTrees,
      ),
      grads: {
        params: weighed?.grad ??
          results.map(({ grads }, k) => scaleTree(grads.params, numbers[k]!)).reduce(addTrees),
        shared: byName((k) => scaled[k]!.shared),
        rates: byName((k) => scaled[k]!.rates),
      },
      parts: byName((k) => results[k]),
      weights: weighed?.weights ?? constant(numbers),
      weighting: weighed?.state ?? state,
    } as CombinedMetaGradient<Parts>;
  };
}

function firstState(
  weighting: Weighting | undefined,
  parts: number,
  params: unknown,
): WeightingState {
  const tensors = flatten<Tensor>(params).leaves.filter(({ dtype }) => dtype === "f32");
  const state = weighting?.init(parts, tensors) ?? {};
  if (Object.keys(state).length > 0) {
    throw new TypeError(
      `Cannot combine meta-gradients by '${weighting!.name}' without its state: expected what ` +
        `init(${parts}, tensors) or the step before returned.`,
    );
  }
  return state;
}
