/**
 * A hook for own derivative rules.
 *
 * @module
 */
import { evaluate } from "../ir/evaluate.ts";
import { requireCall } from "../ir/options.ts";
import type { Primitive } from "../ir/primitive.ts";
import { type Program, programFlops } from "../ir/program.ts";
import { applyAll, type Tensor } from "../ir/tensor.ts";
import { flatten, unflatten } from "../tree/tree.ts";
import { like } from "../ops/fill.ts";
import { inline, trace } from "./trace.ts";
import { vmap } from "./vmap.ts";

/** From operands and their tangents to the tangents of the results, linear in the tangents. */
export type TangentRule = (
  primals: readonly Tensor[],
  tangents: readonly Tensor[],
) => readonly Tensor[];

/** Parameters of {@linkcode customJvpP}. */
export interface CustomJvpParams {
  /** The function. */
  readonly program: Program;
  /** Tangents of the results; linear in the tangents of the operands. */
  readonly rule: TangentRule;
}

/** A function with a derivative rule of its own. */
export const customJvpP: Primitive<CustomJvpParams> = {
  name: "custom_jvp",
  avals: ({ program }) => program.outputs,
  evaluate: ({ program }, inputs) => evaluate(program, inputs),
  jvp: ({ params: { rule }, inputs }, tangents) =>
    rule(inputs, tangents.map((tangent, k) => tangent ?? like(inputs[k]!, 0))),
  transpose: "not linear",
  vmap: ({ params: { program, rule } }, inputs, batch) => {
    const axes = inputs.map(({ batched }) => batched ? 0 : null);
    const avals = inputs.map(({ tensor }) => tensor);
    const mapped = trace(
      vmap((...args: Tensor[]) => inline(program, args), axes),
      avals.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    const count = inputs.length;
    const mappedRule: TangentRule = (primals, tangents) =>
      vmap(
        (...args: Tensor[]) => [...rule(args.slice(0, count), args.slice(count))],
        [...axes, ...axes],
      )(...primals, ...tangents);
    if (mapped.program.outputs.some(({ shape }) => shape[0] !== batch)) {
      throw new Error("Cannot vectorize a custom rule: a result lost its batch axis.");
    }
    return applyAll(customJvpP, { program: mapped.program, rule: mappedRule }, avals);
  },
  lower: { kind: "expand", expand: ({ params, inputs }) => inline(params.program, inputs) },
  flops: ({ program }) => programFlops(program),
};

/**
 * Gives a function an own rule of differentiation.
 *
 * @param fn A function of tensors that returns a tensor.
 * @param rule From operands and their tangents to the tangent of the result, linear in the
 *   tangents; it is itself differentiated for higher orders.
 * @returns A function like `fn`, differentiated by `rule`.
 *
 * @example
 * ```ts
 * import { constant, customJvp, grad, mul, round, type Tensor, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * // Straight through: rounds, and is differentiated as if it did not.
 * const quantize = customJvp((x: Tensor) => round(x), (_, [tangent]) => tangent!);
 * const loss = (x: Tensor) => mul(quantize(x), 3);
 * assertEquals(valuesOf(grad(loss)(constant(1.4))), [3]);
 * ```
 */
export function customJvp(
  fn: (...args: Tensor[]) => Tensor,
  rule: (primals: readonly Tensor[], tangents: readonly Tensor[]) => Tensor,
): (...args: Tensor[]) => Tensor {
  requireCall("customJvp", arguments, 2);
  return (...args) => {
    const { leaves, structure } = flatten<Tensor>(args);
    const { program } = trace(
      (...tensors: Tensor[]) => fn(...unflatten<Tensor[]>(structure, tensors)),
      leaves.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    return applyAll(
      customJvpP,
      { program, rule: (primals, tangents) => [rule(primals, tangents)] },
      leaves,
    )[0]!;
  };
}
