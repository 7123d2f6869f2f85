import { formatAval, sizeOf } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";

/**
 * Sums products over named axes, in Einstein's notation.
 *
 * @param equation Names of the axes, one letter each: `"bij,bjk->bik"`. Axes that the result does
 *   not name are summed.
 * @param operands One or two tensors (`f32`).
 * @returns A tensor with the named axes.
 * @throws {SyntaxError} If the equation is not of that form, or a name occurs twice in one operand.
 * @throws {TypeError} If the operands do not fit the equation.
 *
 * @example
 * ```ts
 * import { constant, einsum, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const a = constant([[1, 2], [3, 4]]);
 * assertEquals(valuesOf(einsum("ij,kj->ik", [a, a])), [5, 11, 11, 25]);
 * assertEquals(valuesOf(einsum("ij->j", [a])), [4, 6]);
 * ```
 */
export function einsum(equation: string, operands: readonly Tensor[]): Tensor {
  const { inputs, output } = parse(equation);
  const extents = new Map<string, number>();
  const attempt = `Cannot compute '${equation}' of ${operands.map(formatAval).join(", ")}`;
  if (operands.length !== inputs.length) {
    throw new TypeError(`${attempt}: expected ${inputs.length} operands.`);
  }
  inputs.forEach((names, k) => {
    const { shape } = operands[k]!;
    if (shape.length !== names.length) {
      throw new TypeError(`${attempt}: operand ${k} needs ${names.length} axes.`);
    }
    names.forEach((name, axis) => {
      const known = extents.get(name) ?? shape[axis]!;
      if (known !== shape[axis]) {
        throw new TypeError(
          `${attempt}: axis ${name} has the extents ${known} and ${shape[axis]}.`,
        );
      }
      extents.set(name, known);
    });
  });
  // An axis that only one operand names and the result does not is summed beforehand.
  const reduced = operands.map((operand, k) => {
    const names = inputs[k]!;
    const alone = names.filter((name) =>
      !output.includes(name) && !inputs.some((other, at) => at !== k && other.includes(name))
    );
    return {
      names: names.filter((name) => !alone.includes(name)),
      tensor: ops.sum(operand, alone.map((name) => names.indexOf(name)).sort((x, y) => x - y)),
    };
  });
  const [left, right] = reduced;
  if (!right) return arrange(left!.tensor, left!.names, output);
  const shared = left!.names.filter((name) => right.names.includes(name));
  const batch = shared.filter((name) => output.includes(name));
  const inner = shared.filter((name) => !output.includes(name));
  const rows = left!.names.filter((name) => !shared.includes(name));
  const columns = right.names.filter((name) => !shared.includes(name));
  const size = (names: readonly string[]): number =>
    sizeOf(names.map((name) => extents.get(name)!));
  const matrix = (
    { tensor, names }: { tensor: Tensor; names: string[] },
    order: readonly (readonly string[])[],
  ): Tensor => ops.reshape(arrange(tensor, names, order.flat()), order.map((group) => size(group)));
  const product = ops.matmul(
    matrix(left!, [batch, rows, inner]),
    matrix(right, [batch, inner, columns]),
  );
  const names = [...batch, ...rows, ...columns];
  return arrange(ops.reshape(product, names.map((name) => extents.get(name)!)), names, output);
}

function arrange(x: Tensor, from: readonly string[], to: readonly string[]): Tensor {
  return ops.permute(x, to.map((name) => from.indexOf(name)));
}

function parse(equation: string): { inputs: string[][]; output: string[] } {
  const compact = equation.replaceAll(" ", "");
  const match = /^([A-Za-z]*)(,[A-Za-z]*)?->([A-Za-z]*)$/.exec(compact);
  if (!match) {
    throw new SyntaxError(
      `Cannot read the equation '${equation}': expected one or two groups of letters and a ` +
        `result, such as 'ij,jk->ik'.`,
    );
  }
  const inputs = [match[1]!, ...(match[2] === undefined ? [] : [match[2].slice(1)])]
    .map((names) => [...names]);
  const output = [...match[3]!];
  const repeated = [...inputs, output].find((names) => new Set(names).size !== names.length);
  if (repeated) {
    throw new SyntaxError(
      `Cannot read the equation '${equation}': '${repeated.join("")}' names an axis twice, ` +
        `expected distinct names. Take the diagonal with where() and eye() first.`,
    );
  }
  const unknown = output.find((name) => !inputs.some((names) => names.includes(name)));
  if (unknown !== undefined) {
    throw new SyntaxError(
      `Cannot read the equation '${equation}': no operand names the axis ${unknown} of the ` +
        `result. Add it with expandDims() and broadcastTo() afterwards.`,
    );
  }
  return { inputs, output };
}
