/**
 * The program checker: states what every well-formed program fulfils.
 *
 * @module
 */
import { requireProgram } from "./program.ts";
import { formatAval, sameAval } from "./aval.ts";
import type { Program } from "./program.ts";
import type { Node } from "./tensor.ts";

/**
 * Throws unless a program is well formed: its inputs are given from outside, operands come before
 * users, results have the shapes that their primitives demand, and every output is computed.
 *
 * @param program The program.
 * @throws {Error} Names the first node that is wrong.
 *
 * @example
 * ```ts
 * import { check, exp, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertThrows } from "@std/assert";
 *
 * const { program } = trace((x: Tensor) => exp(x), [{ shape: [2], dtype: "f32" }]);
 * check(program);
 * assertThrows(() => check({ ...program, nodes: [] }), Error, "is not computed");
 * ```
 */
export function check(program: Program): void {
  requireProgram("check", program);
  const given = new Set(program.inputs.map((input) => input.node));
  const known = new Set<Node>(given);
  for (const node of given) {
    if (node.primitive.name !== "input") {
      throw new Error(
        `Cannot accept the program: an input is computed by '${node.primitive.name}'.`,
      );
    }
  }
  program.nodes.forEach((node, position) => {
    const where = `node ${position} (${node.primitive.name})`;
    if (node.primitive.name === "input" && !given.has(node)) {
      throw new Error(`Cannot accept the program: ${where} is not among its inputs.`);
    }
    for (const input of node.inputs) {
      if (!known.has(input.node)) {
        throw new Error(`Cannot accept the program: ${where} uses a tensor before it is computed.`);
      }
      if (input.node.outputs[input.index] !== input) {
        throw new Error(`Cannot accept the program: ${where} uses a tensor its node disowns.`);
      }
    }
    const avals = node.primitive.avals(node.params, node.inputs);
    node.outputs.forEach((output, index) => {
      const expected = avals[index];
      if (!expected || !sameAval(expected, output)) {
        throw new Error(
          `Cannot accept the program: ${where} claims ${formatAval(output)}, ` +
            `its shape rule says ${expected ? formatAval(expected) : "nothing"}.`,
        );
      }
      if (!output.shape.every((extent) => Number.isInteger(extent) && extent >= 0)) {
        throw new Error(`Cannot accept the program: ${where} has shape [${output.shape}].`);
      }
    });
    known.add(node);
  });
  for (const output of program.outputs) {
    if (!known.has(output.node)) {
      throw new Error(`Cannot accept the program: output ${formatAval(output)} is not computed.`);
    }
  }
}
