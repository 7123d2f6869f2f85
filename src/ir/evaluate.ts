/**
 * The float64 reference interpreter: it gives every program its meaning and is the oracle of the
 * tests.
 *
 * @module
 */
import { requireCall } from "./options.ts";
import { requireProgram } from "./program.ts";
import { formatAval, sameAval, sizeOf } from "./aval.ts";
import type { NdArray } from "./nd_array.ts";
import type { Program } from "./program.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Runs a program in float64 on the host.
 *
 * @param program The program.
 * @param inputs One array for each input of the program, of its shape and element type.
 * @returns One array for each output.
 * @throws {TypeError} If an input is missing or has another shape or element type.
 *
 * @example
 * ```ts
 * import { evaluate, exp, ndArray, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { program } = trace((x: Tensor) => exp(x), [{ shape: [1], dtype: "f32" }]);
 * const [result] = evaluate(program, [ndArray({ shape: [1], dtype: "f32" }, [1])]);
 * assertEquals(result?.data, Float64Array.of(Math.E));
 * ```
 */
export function evaluate(program: Program, inputs: readonly NdArray[]): NdArray[] {
  requireCall("evaluate", arguments, 2);
  requireProgram("evaluate", program);
  const steps = evaluateSteps(program, inputs);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * {@linkcode evaluate} in steps: yields after every operation, those of called programs included.
 *
 * @param program The program.
 * @param inputs One array for each input.
 * @returns One array for each output.
 * @throws {TypeError} If an input is missing or has another shape or element type.
 */
export function* evaluateSteps(
  program: Program,
  inputs: readonly NdArray[],
): Generator<void, NdArray[]> {
  const values = new Map<Tensor, NdArray>();
  program.inputs.forEach((input, position) => {
    const value = inputs[position];
    if (!value || !sameAval(value, input) || value.data.length !== sizeOf(input.shape)) {
      throw new TypeError(
        `Cannot evaluate a program: input ${position} is ${
          value ? formatAval(value) : "missing"
        }, expected ${formatAval(input)}.`,
      );
    }
    values.set(input, value);
  });
  const lastUse = new Map<Tensor, number>();
  program.nodes.forEach((node, position) => {
    for (const input of node.inputs) lastUse.set(input, position);
  });
  const kept = new Set(program.outputs);
  for (const [position, node] of program.nodes.entries()) {
    const { lower, name } = node.primitive;
    if (name === "input") continue;
    const operands = node.inputs.map((input) => values.get(input)!);
    const results = lower.kind === "call"
      ? yield* evaluateSteps(lower.program(node.params), operands)
      : node.primitive.evaluate(node.params, operands, node.outputs);
    yield;
    node.outputs.forEach((output, index) => values.set(output, results[index]!));
    for (const input of node.inputs) {
      if (lastUse.get(input) === position && !kept.has(input)) values.delete(input);
    }
  }
  return program.outputs.map((output) => values.get(output)!);
}
