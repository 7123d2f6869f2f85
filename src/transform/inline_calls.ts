/**
 * Calls dissolved into their surroundings.
 *
 * @module
 */
import type { Program } from "../ir/program.ts";
import { rewriteNodes } from "./rewrite_nodes.ts";
import { inline } from "./trace.ts";

/**
 * Replaces every call (what `checkpoint` makes) by the called program.
 *
 * What several calls compute in common is then computed once and kept: a meta-gradient keeps the
 * activations of its inner steps instead of computing them again. That costs memory that grows
 * with the number of steps, and compile time that does so too.
 *
 * @param program The program.
 * @returns A program without calls, with the same inputs and results.
 */
export function inlineCalls(program: Program): Program {
  return rewriteNodes(
    program,
    ({ primitive, params }, inputs) =>
      primitive.lower.kind === "call"
        ? inline(inlineCalls(primitive.lower.program(params)), inputs)
        : undefined,
  );
}
