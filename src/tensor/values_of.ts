import { requireTensor } from "../ir/require_tensor.ts";
import { evaluate } from "../ir/evaluate.ts";
import { requireCall } from "../ir/options.ts";
import { programOf } from "../ir/program.ts";
import type { Tensor } from "../ir/tensor.ts";

/**
 * Computes a tensor on the host, in float64, by the reference interpreter.
 *
 * Meant for tests, examples and small jobs.
 *
 * @param x A tensor that depends on constants only.
 * @returns Its elements, row-major.
 * @throws {Error} If `x` depends on an input of a program.
 *
 * @example
 * ```ts
 * import { add, constant, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valuesOf(add(constant([1, 2]), 10)), [11, 12]);
 * ```
 */
export function valuesOf(x: Tensor): number[] {
  requireCall("valuesOf", arguments, 1);
  requireTensor("read the numbers", x);
  return Array.from(evaluate(programOf([], [x]), [])[0]!.data);
}
