/**
 * Reverse-mode differentiation, by transposing the forward mode.
 *
 * @module
 */
import { formatAval, sameAval } from "../ir/aval.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import type { Linear } from "../ir/primitive.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import { Tensor } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { like } from "../ops/fill.ts";
import { identity } from "../ops/identity.ts";
import { input } from "../ops/source.ts";
import { assertSameStructure, type Flat, flatten, unflatten } from "../tree/tree.ts";
import {
  type ArgumentOptions,
  type Chosen,
  chosenOf,
  type Positions,
  varying,
} from "./arguments.ts";
import { nodesAfter, pushForward } from "./jvp.ts";
import { at } from "./trace.ts";

/**
 * Cotangents of `sources` from those of `outputs`, which are linear in `sources`.
 *
 * @param outputs Tensors that depend linearly on `sources`; `null` where zero.
 * @param cotangents One cotangent an output; `null` is zero.
 * @param sources The tensors whose cotangents are wanted.
 * @returns One cotangent a source; `null` is zero.
 */
export function transposeLinear(
  outputs: readonly Linear[],
  cotangents: readonly Linear[],
  sources: readonly Tensor[],
): Linear[] {
  const present = outputs.filter((output) => output !== null);
  const linear = new Set<Tensor>(sources);
  const path = nodesAfter(present, sources).filter((node) => {
    const depends = node.inputs.some((tensor) => linear.has(tensor));
    if (depends) node.outputs.forEach((output) => linear.add(output));
    return depends;
  });
  const totals = new Map<Tensor, Tensor>();
  outputs.forEach((output, k) => output && accumulate(totals, output, cotangents[k]));
  for (const node of path.reverse()) {
    const given = node.outputs.map((output) => totals.get(output) ?? null);
    if (given.every((cotangent) => !cotangent)) continue;
    const { transpose, name } = node.primitive;
    if (transpose === "not linear") {
      throw new Error(
        `Cannot transpose '${name}': it is not linear. Its jvp rule must not use it.`,
      );
    }
    const flags = node.inputs.map((tensor) => linear.has(tensor));
    const results = transpose(node, given, flags);
    // What one node gives is added up first: of x - x it cancels, of itself rather than of what is there.
    const own = new Map<Tensor, Tensor>();
    node.inputs.forEach((tensor, k) => {
      const cotangent = results[k];
      if (!flags[k] || !cotangent) return;
      if (!sameAval(cotangent, tensor)) {
        throw new Error(
          `Cannot transpose '${name}': its rule gave ${formatAval(cotangent)} for operand ${k}, ` +
            `expected ${formatAval(tensor)}.`,
        );
      }
      accumulate(own, tensor, cotangent);
    });
    own.forEach((cotangent, tensor) => accumulate(totals, tensor, cotangent));
  }
  return sources.map((source) => totals.get(source) ?? null);
}

/** Adds a cotangent to that of `tensor`. */
function accumulate(
  totals: Map<Tensor, Tensor>,
  tensor: Tensor,
  cotangent: Linear | undefined,
): void {
  if (!cotangent) return;
  const so = totals.get(tensor);
  totals.set(tensor, so ? add(so, cotangent) : cotangent);
}

/**
 * Cotangents of tensors from those of `outputs`, computed from them in any differentiable way.
 *
 * @param outputs The tensors that are differentiated.
 * @param cotangents One cotangent an output; `null` is zero.
 * @param sources The `f32` tensors with respect to which they are differentiated.
 * @returns One cotangent a source; `null` is zero.
 */
export function pullBack(
  outputs: readonly Tensor[],
  cotangents: readonly Linear[],
  sources: readonly Tensor[],
): Linear[] {
  const tangents = sources.map((source) => input(source));
  const pushed = pushForward(outputs, new Map(sources.map((source, k) => [source, tangents[k]!])));
  return transposeLinear(pushed, cotangents, tangents);
}

/**
 * Vector-Jacobian product: the result of `fn` and a function from cotangents to cotangents.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param primals The arguments at which it is differentiated.
 * @returns `value`, and `pullback`, which takes a tree like `value` and returns one like `primals`
 *   (zeros for tensors that are not `f32`).
 *
 * @example
 * ```ts
 * import { constant, mul, type Tensor, valuesOf, vjp } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const product = (x: Tensor, y: Tensor) => mul(x, y);
 * const { pullback } = vjp(product, [constant([1, 2]), constant([3, 4])]);
 * assertEquals(pullback(constant([1, 10])).map(valuesOf), [[3, 40], [1, 20]]);
 * ```
 */
export function vjp<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  primals: A,
): { value: R; pullback: (cotangent: R) => A } {
  requireCall("vjp", arguments, 2);
  const point = flatten<Tensor>(primals);
  const fresh = point.leaves.map(identity);
  const value = fn(...unflatten<A>(point.structure, fresh));
  const flat = flatten<Tensor>(value);
  const varying = fresh.filter((tensor) => tensor.dtype === "f32");
  return {
    value,
    pullback: (cotangent) => {
      const given = flatten<Tensor>(cotangent);
      assertSameStructure(flat.structure, given.structure, "pull a cotangent back");
      const results = pullBack(flat.leaves, given.leaves, varying);
      return unflatten<A>(
        point.structure,
        fresh.map((tensor) => results[varying.indexOf(tensor)] ?? like(tensor, 0)),
      );
    },
  };
}

/**
 * Value and gradient of a scalar function.
 *
 * @param fn Returns an `f32` scalar; its arguments are trees of tensors.
 * @param options Position of the argument that varies, or several; the first unless told.
 * @returns A function of the same arguments that returns `{ value, grad }`; `grad` has the
 *   structure of the argument (an array of them for several positions), with zeros for tensors that are not
 *   `f32`.
 * @throws {TypeError} If the result of `fn` is not an `f32` scalar, or no tensor of the argument is `f32`.
 * @throws {RangeError} If there is no such argument.
 *
 * @example
 * ```ts
 * import { constant, mul, type Tensor, valueAndGrad, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { value, grad } = valueAndGrad((x: Tensor) => mul(x, x))(constant(3));
 * assertEquals([valuesOf(value), valuesOf(grad)], [[9], [6]]);
 * ```
 */
export function valueAndGrad<P, Rest extends unknown[]>(
  fn: (params: P, ...rest: Rest) => Tensor,
): (params: P, ...rest: Rest) => { value: Tensor; grad: P };
/** The same with respect to other arguments than the first. */
export function valueAndGrad<A extends readonly unknown[], const K extends Positions>(
  fn: (...args: A) => Tensor,
  options: ArgumentOptions<K>,
): (...args: A) => { value: Tensor; grad: Chosen<A, K> };
export function valueAndGrad<A extends readonly unknown[]>(
  fn: (...args: A) => Tensor,
  options: ArgumentOptions<Positions> = { argument: 0 },
): (...args: A) => { value: Tensor; grad: unknown } {
  requireOptions("grad", options, { argument: true });
  const { argument } = options;
  const inner = varying(fn, argument);
  const withAux = valueAndGradAux((chosen: Chosen<A, Positions>, args: A) => ({
    loss: inner(chosen, args),
    aux: null,
  }));
  return (...args) => {
    const { value, grad } = withAux(chosenOf(args, argument), args);
    return { value, grad };
  };
}

/**
 * Like {@linkcode valueAndGrad} for functions that return more than the loss.
 *
 * @param fn Returns `{ loss, aux }`; `aux` is any tree of tensors, or `null`.
 * @returns A function of the same arguments that returns `{ value, grad, aux }`.
 * @throws {TypeError} If `loss` is not an `f32` scalar, or no tensor of the first argument is `f32`.
 *
 * @example
 * ```ts
 * import { constant, mul, type Tensor, valueAndGradAux, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const fn = (x: Tensor) => ({ loss: mul(x, x), aux: { twice: mul(x, 2) } });
 * const { grad, aux } = valueAndGradAux(fn)(constant(3));
 * assertEquals([valuesOf(grad), valuesOf(aux.twice)], [[6], [6]]);
 * ```
 */
export function valueAndGradAux<P, Rest extends unknown[], Aux>(
  fn: (params: P, ...rest: Rest) => { loss: Tensor; aux: Aux },
): (params: P, ...rest: Rest) => { value: Tensor; grad: P; aux: Aux } {
  requireCall("valueAndGradAux", arguments, 1);
  return (params, ...rest) => {
    const point = flatten<Tensor>(params);
    requireVarying(point);
    const fresh = point.leaves.map(identity);
    const { loss, aux } = fn(unflatten<P>(point.structure, fresh), ...rest);
    if (!(loss instanceof Tensor) || loss.dtype !== "f32" || loss.rank !== 0) {
      throw new TypeError(
        `Cannot take a gradient: the function returned ${
          loss instanceof Tensor ? formatAval(loss) : typeof loss
        }${at("")}, expected a scalar f32[]. Take a mean or a sum first.`,
      );
    }
    const varying = fresh.filter((tensor) => tensor.dtype === "f32");
    const results = pullBack([loss], [like(loss, 1)], varying);
    const grad = fresh.map((tensor) => results[varying.indexOf(tensor)] ?? like(tensor, 0));
    return { value: loss, grad: unflatten<P>(point.structure, grad), aux };
  };
}

/** Throws if nothing varies: the gradient would be zero whatever the function is. */
function requireVarying({ leaves, paths }: Flat<Tensor>): void {
  leaves.forEach((leaf, k) => requireTensor(`take a gradient at '${paths[k]}'`, leaf));
  if (leaves.length === 0 || leaves.some(({ dtype }) => dtype === "f32")) return;
  throw new TypeError(
    `Cannot take a gradient with respect to ${
      leaves.map(formatAval).join(", ")
    }: expected an f32 ` +
      `tensor among them. Use convert() first.`,
  );
}

/**
 * Gradient of a scalar function.
 *
 * @param fn Returns an `f32` scalar; its arguments are trees of tensors.
 * @param options Position of the argument that varies, or several; the first unless told.
 * @returns A function of the same arguments that returns a tree like the argument, or an array of them.
 * @throws {TypeError} If the result of `fn` is not an `f32` scalar, or no tensor of the argument is `f32`.
 * @throws {RangeError} If there is no such argument.
 *
 * @example
 * ```ts
 * import { constant, grad, mul, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const product = (x: Tensor, y: Tensor) => mul(x, y);
 * assertEquals(valuesOf(grad(product)(constant(3), constant(5))), [5]);
 * const both = grad(product, { argument: [0, 1] })(constant(3), constant(5));
 * assertEquals(both.map(valuesOf), [[5], [3]]);
 * ```
 */
export function grad<P, Rest extends unknown[]>(
  fn: (params: P, ...rest: Rest) => Tensor,
): (params: P, ...rest: Rest) => P;
/** The same with respect to other arguments than the first. */
export function grad<A extends readonly unknown[], const K extends Positions>(
  fn: (...args: A) => Tensor,
  options: ArgumentOptions<K>,
): (...args: A) => Chosen<A, K>;
export function grad<A extends readonly unknown[]>(
  fn: (...args: A) => Tensor,
  options: ArgumentOptions<Positions> = { argument: 0 },
): (...args: A) => unknown {
  const both = valueAndGrad(fn, options);
  return (...args) => both(...args).grad;
}
