/**
 * Sums and products as compilers of shaders may rearrange them, as if all numbers were finite: what is added and taken
 * away is gone, and what is multiplied by a zero of a border; and convolutions, whose zeros around images meet what is
 * not finite in some algorithms. At `isNan()` stands what an adapter may not keep.
 *
 * @module
 */
import { type NdArray, ndArray, zerosNd } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Node, Tensor } from "../../src/ir/tensor.ts";
import { inlineCalls, simplify } from "../../src/transform/mod.ts";

/**
 * Finds what is another number where everything cancels in sums that can: NaN instead of infinite or finite, say.
 *
 * @param program The program. Engines see it without calls and simplified, and so sums of more terms.
 * @param inputs The point.
 * @returns The positions in each result.
 */
export function changedByCancelling(program: Program, inputs: readonly NdArray[]): number[][] {
  const compiled = simplify(inlineCalls(program));
  const [kept, cancelled] = [false, true].map((cancels) => evaluate(compiled, inputs, cancels));
  return kept!.map(({ data }, k) => {
    const others = cancelled![k]!.data;
    return [...data.keys()].filter((at) => !areAlike(data[at]!, others[at]!));
  });
}

/** Whether numbers are the same, or both finite. */
function areAlike(a: number, b: number): boolean {
  return Object.is(a, b) || Number.isFinite(a) && Number.isFinite(b);
}

function evaluate(program: Program, inputs: readonly NdArray[], cancels: boolean): NdArray[] {
  const values = new Map<Tensor, NdArray>();
  program.inputs.forEach((tensor, k) => values.set(tensor, inputs[k]!));
  const sums = new Sums();
  const bordered = new Set<Tensor>();
  for (const node of program.nodes) {
    const { primitive, params, outputs } = node;
    if (primitive.name === "input") continue;
    const operands = node.inputs.map((tensor) => values.get(tensor)!);
    if (primitive.name === "pad" || node.inputs.some((tensor) => bordered.has(tensor))) {
      outputs.forEach((output) => bordered.add(output));
    }
    const results =
      (cancels && (sums.cancelled(node, values) ?? borderProduct(node, operands, bordered) ??
        spreadInfinity(node, operands))) ||
      primitive.evaluate(params, operands, outputs);
    outputs.forEach((output, k) => values.set(output, results[k]!));
  }
  return program.outputs.map((output) => values.get(output)!);
}

/** A product that is 0 where a factor is a zero which a border may have brought. */
function borderProduct(
  { primitive, inputs, outputs: [output] }: Node,
  operands: readonly NdArray[],
  bordered: ReadonlySet<Tensor>,
): NdArray[] | undefined {
  if (primitive.name !== "mul" || output!.dtype !== "f32") return undefined;
  const isBorder = (k: number, at: number): boolean =>
    operands[k]!.data[at] === 0 && bordered.has(inputs[k]!);
  const [a, b] = operands.map(({ data }) => data);
  const products = Array.from(a!, (x, at) => isBorder(0, at) || isBorder(1, at) ? 0 : x * b![at]!);
  return [ndArray(output!, products)];
}

/** A convolution of what is not finite, which may come to all results. */
function spreadInfinity(
  { primitive, outputs: [output] }: Node,
  operands: readonly NdArray[],
): NdArray[] | undefined {
  if (!primitive.name.startsWith("conv2d")) return undefined;
  if (operands.every(({ data }) => data.every(Number.isFinite))) return undefined;
  const result = zerosNd(output!.shape, "f32");
  result.data.fill(NaN);
  return [result];
}

/** The sums of one program. */
class Sums {
  readonly #terms = new Map<Tensor, ReadonlyMap<Tensor, number>>();

  /**
   * The results of a sum without what cancels in it.
   *
   * @param node The next node of the program.
   * @param values What is known so far.
   * @returns Nothing where the node is no sum, or nothing cancels. `x - x` and `x + (-x)` are kept.
   */
  cancelled(node: Node, values: ReadonlyMap<Tensor, NdArray>): NdArray[] | undefined {
    const signs = SIGNS[node.primitive.name];
    const [output] = node.outputs;
    if (!signs || output!.dtype !== "f32" || isKept(node)) return undefined;
    const terms = new Map<Tensor, number>();
    let given = 0;
    node.inputs.forEach((operand, k) => {
      for (const [term, times] of this.#terms.get(operand) ?? [[operand, 1] as const]) {
        given += Math.abs(times);
        terms.set(term, (terms.get(term) ?? 0) + signs[k]! * times);
      }
    });
    this.#terms.set(output!, terms);
    const left = [...terms].filter(([, times]) => times !== 0);
    if (left.reduce((count, [, times]) => count + Math.abs(times), 0) === given) return undefined;
    const result = zerosNd(output!.shape, "f32");
    for (const [term, times] of left) {
      values.get(term)!.data.forEach((value, at) => result.data[at]! += times * value);
    }
    return [result];
  }
}

/** Signs of the operands of sums. */
const SIGNS: Readonly<Record<string, readonly number[]>> = { add: [1, 1], sub: [1, -1], neg: [-1] };

/** Whether a sum is that of a number and its negative. */
function isKept({ primitive: { name }, inputs: [a, b] }: Node): boolean {
  const isNegative = (x: Tensor, y: Tensor): boolean =>
    y.node.primitive.name === "neg" && y.node.inputs[0] === x;
  return name === "sub" ? a === b : name === "add" && (isNegative(a!, b!) || isNegative(b!, a!));
}
