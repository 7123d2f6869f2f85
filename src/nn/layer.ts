import { sameShape, type Shape } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";

/** Parameters or state of a layer: nested plain objects around tensors. */
export interface Params {
  /** A tensor, or the parameters of a part. */
  readonly [name: string]: Tensor | Params;
}

/** Parameters of what learns nothing. */
export type NoParams = Readonly<Record<never, Tensor>>;

/** Parameters of a linear map or of a convolution: `bias` is there unless it was left out. */
export type WeightAndBias<Bias extends boolean = true> =
  & { readonly weight: Tensor }
  & (Bias extends true ? { readonly bias: Tensor } : unknown);

/** Parameters of a normalization: scale `gamma` and offset `beta`. */
export type ScaleAndOffset = { readonly beta: Tensor; readonly gamma: Tensor };

/** What a layer starts from. */
export interface Initial<P = Params> {
  /** What is learned. */
  readonly params: P;
  /** What is remembered between calls without being learned, such as running statistics. */
  readonly state: Params;
}

/** How a layer is applied. */
export interface ApplyOptions {
  /** Whether dropout drops, and batch normalization uses the batch's own statistics. */
  readonly training: boolean;
  /** Random key `u32[2]`; needed by layers that draw numbers while training. */
  readonly key?: Tensor;
  /**
   * The patches that a vision transformer computes: its result is then their tokens
   * `[n, count, features]`, not the embedding. Layers that know no patches pass it over.
   */
  readonly visible?: VisiblePatches;
}

/** Some patches of every image of a batch. */
export interface VisiblePatches {
  /** Their numbers, row by row, `i32[n, count]`. */
  readonly indices: Tensor;
  /** How many patches an image has. */
  readonly patches: number;
}

/** What a layer gives. */
export interface Applied {
  /** The result. */
  readonly output: Tensor;
  /** The state after the call; equal to the given one where nothing was to be remembered. */
  readonly state: Params;
}

/**
 * A layer: a pair of pure functions; it holds no tensors itself. Its parameters have the type `P`, so that
 * `params.block1.conv.weight` is known to be a tensor; it also takes parameters of which less is known.
 */
export interface Layer<P = Params> {
  /** Draws initial parameters from a key `u32[2]`. */
  init(key: Tensor): Initial<P>;
  /** Computes the result from parameters, state and a batch `[n, ...]`. */
  apply(params: P | Params, state: Params, x: Tensor, options: ApplyOptions): Applied;
}

/** Parameters of a layer. */
export type ParamsOf<L> = L extends { init(key: Tensor): { readonly params: infer P } } ? P : never;

/**
 * The tensor of a given name among parameters.
 *
 * @param params The parameters.
 * @param name Its name.
 * @param shape Its shape; any unless told. Parameters of another size would broadcast, or make a result of
 *   another size.
 * @returns The tensor.
 * @throws {TypeError} If there is none of that name and shape.
 */
export function tensorOf(params: object, name: string, shape?: Shape): Tensor {
  const found = (params as Params)[name];
  const isTensor = found !== undefined && "dtype" in found;
  if (!isTensor || (shape && !sameShape((found as Tensor).shape, shape))) {
    throw new TypeError(
      `Cannot apply a layer: its parameters have no tensor '${name}'${
        shape ? ` [${shape}]` : ""
      }, found ${describe(isTensor ? found : params)}. Use those that its init() returned.`,
    );
  }
  return found as Tensor;
}

/**
 * Throws unless a layer is told how it is applied: with `{ train: true }` it would evaluate.
 *
 * @param options What was given.
 * @throws {TypeError} If an option is not known, or `training` is neither true nor false.
 */
export function requireApplyOptions(options: ApplyOptions): void {
  requireOptions("apply", options, { training: true, key: true, visible: true });
  if (typeof options.training === "boolean") return;
  throw new TypeError(
    `Cannot apply a layer: found ${
      describe(options.training)
    } for 'training', expected true or false. ` +
      `The order is apply(params, state, x, { training, key }).`,
  );
}

/**
 * A layer without parameters and state.
 *
 * @param fn The function of a batch.
 * @returns The layer.
 *
 * @example
 * ```ts
 * import { constant, mul, statelessLayer, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const double = statelessLayer((x) => mul(x, 2));
 * const { output } = double.apply({}, {}, constant([1, 2]), { training: false });
 * assertEquals(valuesOf(output), [2, 4]);
 * ```
 */
export function statelessLayer(fn: (x: Tensor, options: ApplyOptions) => Tensor): Layer<NoParams> {
  requireCall("statelessLayer", arguments, 1);
  return {
    init: () => ({ params: {}, state: {} }),
    apply(_, state, x, options) {
      requireCall("apply", arguments, 3, 4);
      requireApplyOptions(options);
      return { output: fn(x, options), state };
    },
  };
}
