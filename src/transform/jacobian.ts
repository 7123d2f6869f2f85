/**
 * Whole derivatives: Jacobians by either mode, and Hessians.
 *
 * @module
 */
import { sizeOf } from "../ir/aval.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { equal } from "../ops/compare.ts";
import { convert } from "../ops/convert.ts";
import { iota, like } from "../ops/fill.ts";
import { permute, reshape } from "../ops/reshape.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import {
  type ArgumentOptions,
  type Chosen,
  chosenOf,
  type Positions,
  varying,
} from "./arguments.ts";
import { jvp } from "./jvp.ts";
import { grad, vjp } from "./vjp.ts";
import { vmap } from "./vmap.ts";

/** A tree like the result `R` whose every tensor is replaced by a tree like the argument `P`. */
export type JacobianOf<R, P> = R extends Tensor ? P : { [K in keyof R]: JacobianOf<R[K], P> };

/** The unit vectors of the space of a tensor: `[size, ...shape]`. */
function basisOf(x: Tensor): Tensor {
  const size = sizeOf(x.shape);
  const square = [size, size];
  const unit = convert(equal(iota(square, [0]), iota(square, [1])), "f32");
  return reshape(unit, [size, ...x.shape]);
}

/** A tree of zeros but for one leaf. */
function alone(leaves: readonly Tensor[], at: number, value: Tensor): Tensor[] {
  return leaves.map((leaf, k) => k === at ? value : like(leaf, 0));
}

/** Puts blocks `blocks[result][argument]` into a tree of trees. */
function arrange<R, P>(
  result: ReturnType<typeof flatten<Tensor>>,
  argument: ReturnType<typeof flatten<Tensor>>,
  blocks: readonly (readonly Tensor[])[],
): JacobianOf<R, P> {
  return unflatten(result.structure, blocks.map((row) => unflatten(argument.structure, row)));
}

/**
 * Jacobian by reverse mode: one pullback for each element of the result, all at once. Best where the result has
 * fewer elements than the argument.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param options Which arguments vary; the first unless told.
 * @returns A function of the same arguments. Its result is a tree like that of `fn` in which every tensor
 *   `[...shape]` is replaced by a tree like the argument, of tensors `[...shape, ...shape of the argument]`;
 *   zeros where an argument or result is not `f32`.
 * @throws {RangeError} If there is no such argument.
 * @throws {TypeError} If an option is not known.
 *
 * @example
 * ```ts
 * import { constant, jacrev, mul, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const square = (x: Tensor) => mul(x, x);
 * assertEquals(valuesOf(jacrev(square)(constant([1, 2]))), [2, 0, 0, 4]);
 * ```
 */
export function jacrev<
  A extends readonly unknown[],
  R,
  const K extends Positions = 0,
>(
  fn: (...args: A) => R,
  options?: ArgumentOptions<K>,
): (...args: A) => JacobianOf<R, Chosen<A, K>> {
  requireOptions("jacrev", options ?? {}, { argument: true });
  const argument = (options?.argument ?? 0) as K;
  const inner = varying(fn, argument);
  return (...args) => {
    const point = chosenOf(args, argument);
    const sources = flatten<Tensor>(point);
    const { value, pullback } = vjp((chosen: Chosen<A, K>) => inner(chosen, args), [point]);
    const results = flatten<Tensor>(value);
    const blocks = results.leaves.map((leaf, k) => {
      if (leaf.dtype !== "f32") return sources.leaves.map((source) => zeroBlock(leaf, source));
      const pull = (cotangent: Tensor): Tensor[] => {
        const tree = unflatten<R>(results.structure, alone(results.leaves, k, cotangent));
        return flatten<Tensor>(pullback(tree)[0]).leaves;
      };
      return vmap(pull)(basisOf(leaf)).map((rows, j) =>
        reshape(rows, [...leaf.shape, ...sources.leaves[j]!.shape])
      );
    });
    return arrange(results, sources, blocks);
  };
}

/**
 * Jacobian by forward mode: one tangent for each element of the argument, all at once. Best where the argument
 * has fewer elements than the result.
 *
 * @param fn A function of trees of tensors that returns a tree of tensors.
 * @param options Which arguments vary; the first unless told.
 * @returns A function of the same arguments; its result is that of {@linkcode jacrev}.
 * @throws {RangeError} If there is no such argument.
 * @throws {TypeError} If an option is not known.
 *
 * @example
 * ```ts
 * import { constant, jacfwd, mul, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const product = (x: Tensor, y: Tensor) => mul(x, y);
 * const jacobian = jacfwd(product, { argument: [0, 1] });
 * const [byX, byY] = jacobian(constant(3), constant(5));
 * assertEquals([byX, byY].map(valuesOf), [[5], [3]]);
 * ```
 */
export function jacfwd<
  A extends readonly unknown[],
  R,
  const K extends Positions = 0,
>(
  fn: (...args: A) => R,
  options?: ArgumentOptions<K>,
): (...args: A) => JacobianOf<R, Chosen<A, K>> {
  requireOptions("jacfwd", options ?? {}, { argument: true });
  const argument = (options?.argument ?? 0) as K;
  const inner = varying(fn, argument);
  return (...args) => {
    const point = chosenOf(args, argument);
    const sources = flatten<Tensor>(point);
    const results = flatten<Tensor>(inner(point, args));
    const columns = sources.leaves.map((source, j) => {
      if (source.dtype !== "f32") return results.leaves.map((leaf) => zeroBlock(leaf, source));
      const push = (tangent: Tensor): Tensor[] => {
        const tree = unflatten<Chosen<A, K>>(
          sources.structure,
          alone(sources.leaves, j, tangent),
        );
        const pushed = jvp((chosen: Chosen<A, K>) => inner(chosen, args), [point], [tree]).tangent;
        return flatten<Tensor>(pushed).leaves;
      };
      return vmap(push)(basisOf(source)).map((tangents, k) => {
        const leaf = results.leaves[k]!;
        if (leaf.dtype !== "f32") return zeroBlock(leaf, source);
        // [size, ...result] -> [...result, size] -> [...result, ...source]
        const order = [...leaf.shape.map((_, axis) => axis + 1), 0];
        return reshape(permute(tangents, order), [...leaf.shape, ...source.shape]);
      });
    });
    const blocks = results.leaves.map((_, k) => columns.map((column) => column[k]!));
    return arrange(results, sources, blocks);
  };
}

/**
 * Hessian of a scalar function, forward over reverse. For a product with one direction take
 * {@linkcode hvp}, which costs no more than a gradient or two.
 *
 * @param fn Returns an `f32` scalar.
 * @param options Which arguments vary; the first unless told.
 * @returns A function of the same arguments; its result is a tree like the argument, of trees like the argument,
 *   of tensors `[...shape of one, ...shape of the other]`.
 * @throws {RangeError} If there is no such argument.
 * @throws {TypeError} If an option is not known.
 * @throws {TypeError} If the result of `fn` is not an `f32` scalar.
 *
 * @example
 * ```ts
 * import { constant, hessian, mul, sum, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const cubes = (x: Tensor) => sum(mul(x, mul(x, x)));
 * assertEquals(valuesOf(hessian(cubes)(constant([1, 2]))), [6, 0, 0, 12]);
 * ```
 */
export function hessian<A extends readonly unknown[], const K extends Positions = 0>(
  fn: (...args: A) => Tensor,
  options?: ArgumentOptions<K>,
): (...args: A) => JacobianOf<Chosen<A, K>, Chosen<A, K>> {
  requireOptions("hessian", options ?? {}, { argument: true });
  const argument = (options?.argument ?? 0) as K;
  const inner = varying(fn, argument);
  return (...args) => jacfwd(grad(inner))(chosenOf(args, argument), args);
}

/** The block of a result or argument that does not vary. */
function zeroBlock(result: Tensor, source: Tensor): Tensor {
  return like({ shape: [...result.shape, ...source.shape], dtype: "f32" }, 0);
}
