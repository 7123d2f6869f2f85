/** Faults of simplification and of transformations. @module */
import type { Mutation } from "./mutation.ts";

/** Faults of simplification and of transformations. */
export const transformations: readonly Mutation[] = [
  {
    name: "a sum of a repeated tensor forgets the repetitions",
    file: "src/transform/simplify.ts",
    from: "return mul(broadcast(left, shape, leftAxes), fill(count, shape));",
    to: "return mul(broadcast(left, shape, leftAxes), fill(Math.min(count, 1), shape));",
    engine: "tfjs",
  },
  {
    name: "two permutations are joined in the wrong order",
    file: "src/transform/simplify.ts",
    from: "order.map((axis) => first[axis]!));",
    to: "first.map((axis) => order[axis]!));",
    engine: "tfjs",
  },
  {
    name: "nodes with other parameters are merged",
    file: "src/transform/simplify.ts",
    from: "|${this.#key(params)}|",
    to: "|",
    engine: "tfjs",
  },
  {
    name: "zero minus a tensor is the tensor",
    file: "src/transform/simplify.ts",
    from: "return constants[1] === 0 ? a : undefined;",
    to: "return constants[1] === 0 ? a : constants[0] === 0 ? b : undefined;",
    engine: "tfjs",
  },
  {
    name: "a condition that is false chooses the first",
    file: "src/transform/simplify.ts",
    from: "return constants[0] ? b : inputs[2];",
    to: "return b;",
    engine: "tfjs",
  },
  {
    name: "the cotangent of an unused result of a call is one",
    file: "src/transform/call.ts",
    from: "...cotangents.map((cotangent, k) => cotangent ?? like(program.outputs[k]!, 0)),",
    to: "...cotangents.map((cotangent, k) => cotangent ?? like(program.outputs[k]!, 1)),",
    engine: "tfjs",
  },
  {
    name: "calls that are batched differently share a program",
    file: "src/transform/call.ts",
    from: "`vmap ${mask(batched)} ${batch}`",
    to: "`vmap ${batched.length} ${batch}`",
    engine: "tfjs",
  },
  {
    name: "the rule of a function of its own loses its map",
    file: "src/transform/custom_jvp.ts",
    from: "return applyAll(customJvpP, { program: mapped.program, rule: mappedRule }, avals);",
    to: "return inline(mapped.program, avals);",
    engine: "tfjs",
  },
  {
    name: "a sum in parts begins anew with every part",
    file: "src/transform/part_calls.ts",
    from: "sums = found.slice(0, combined.length);",
    to: "sums = sums.length > 0 ? sums : found.slice(0, combined.length);",
    engine: "tfjs",
  },
  {
    name: "the largest element of several parts is at least zero",
    file: "src/transform/part_calls.ts",
    from: 'this.#combination(tensor) === "sum" ? 0 : -Infinity',
    to: 'this.#combination(tensor) === "sum" ? 0 : 0',
    engine: "tfjs",
  },
  {
    name: "a second cotangent replaces the first",
    file: "src/transform/vjp.ts",
    from: "totals.set(tensor, so ? add(so, cotangent) : cotangent);",
    to: "totals.set(tensor, so && so.rank > 2 ? add(so, cotangent) : cotangent);",
    engine: "tfjs",
  },
];
