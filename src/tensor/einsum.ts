import { formatAval, sizeOf } from "../ir/aval.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireCall } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import * as ops from "../ops/mod.ts";
import { diag } from "./diagonal.ts";
import { parseEquation } from "./einsum_equation.ts";

/** A tensor whose axes have names. */
interface Named {
  readonly tensor: Tensor;
  readonly names: readonly string[];
}

/**
 * Sums products over named axes, in Einstein's notation.
 *
 * Several operands are multiplied two at a time: each time the pair whose product has the fewest elements.
 *
 * @param equation Names of the axes, one letter each: `"bij,bjk->bik"`. Axes that the result does not name
 *   are summed. A letter twice in one operand takes the diagonal. `...` stands for any further axes, which
 *   broadcast. Without `->` the result has the further axes, then the letters that occur once, in
 *   alphabetical order.
 * @param operands One tensor (`f32`) for each group of letters.
 * @returns A tensor with the named axes.
 * @throws {SyntaxError} If the equation is not of that form.
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
 * assertEquals(valuesOf(einsum("ii", [a])), [5]);
 * assertEquals(valuesOf(einsum("...i,i,...->...", [a, a, a].map((x, k) => k === 1 ? constant([1, 10]) : k === 2 ? constant([1, 2]) : x))), [21, 86]);
 * ```
 */
export function einsum(equation: string, operands: readonly Tensor[]): Tensor {
  requireCall("einsum", arguments, 2);
  requireArguments("einsum", { equation, operands }, {
    equation: is.text,
    operands: is.listOf(is.tensor),
  });
  const attempt = `Cannot compute '${equation}' of ${operands.map(formatAval).join(", ")}`;
  const { inputs, output } = parseEquation(equation, operands.map(({ rank }) => rank), attempt);
  const extents = extentsOf(attempt, inputs, operands);
  let terms = inputs.map((names, k) =>
    diagonals(squeezed({ names, tensor: operands[k]! }, extents))
  );
  while (terms.length > 1) {
    const [first, second] = cheapestPair(terms, output, extents);
    const others = terms.filter((_, k) => k !== first && k !== second);
    const needed = [...output, ...others.flatMap(({ names }) => names)];
    terms = [...others, multiply(terms[first]!, terms[second]!, { needed, extents })];
  }
  const [last] = terms;
  const { tensor, names } = sumAlone(last!, output);
  // An axis that only broadcasts, or was squeezed out of every operand, comes back here.
  const present = output.filter((name) => names.includes(name));
  const arranged = arrange(tensor, names, present);
  const shape = output.map((name) => extents.get(name)!);
  return ops.broadcast(arranged, shape, present.map((name) => output.indexOf(name)));
}

/** Extent of every axis; those of `...` broadcast. */
function extentsOf(
  attempt: string,
  inputs: readonly (readonly string[])[],
  operands: readonly Tensor[],
): Map<string, number> {
  const extents = new Map<string, number>();
  inputs.forEach((names, k) =>
    names.forEach((name, axis) => {
      const found = operands[k]!.shape[axis]!;
      const known = extents.get(name) ?? found;
      const broadcasts = name.length > 1 && (known === 1 || found === 1);
      if (known !== found && !broadcasts) {
        const label = name.length > 1 ? "of '...'" : name;
        throw new TypeError(`${attempt}: axis ${label} has the extents ${known} and ${found}.`);
      }
      extents.set(name, known === 1 ? found : known);
    })
  );
  return extents;
}

/** Drops axes of extent 1 that broadcast against other operands. */
function squeezed({ names, tensor }: Named, extents: ReadonlyMap<string, number>): Named {
  const kept = names.map((name, axis) => tensor.shape[axis] === extents.get(name));
  return {
    names: names.filter((_, axis) => kept[axis]),
    tensor: ops.reshape(tensor, tensor.shape.filter((_, axis) => kept[axis])),
  };
}

/** Takes diagonals until no name occurs twice. */
function diagonals({ names, tensor }: Named): Named {
  const second = names.findIndex((name, axis) => names.indexOf(name) < axis);
  if (second < 0) return { names, tensor };
  const first = names.indexOf(names[second]!);
  const rest = names.map((_, axis) => axis).filter((axis) => axis !== first && axis !== second);
  const matrices = ops.permute(tensor, [...rest, first, second]);
  return diagonals({
    names: [...rest.map((axis) => names[axis]!), names[second]!],
    tensor: diag(matrices),
  });
}

/** Sums the axes that nobody needs. */
function sumAlone({ names, tensor }: Named, needed: readonly string[]): Named {
  const alone = names.map((_, axis) => axis).filter((axis) => !needed.includes(names[axis]!));
  return {
    names: names.filter((name) => needed.includes(name)),
    tensor: ops.sum(tensor, alone),
  };
}

/** Positions of the two terms whose product has the fewest elements. */
function cheapestPair(
  terms: readonly Named[],
  output: readonly string[],
  extents: ReadonlyMap<string, number>,
): [number, number] {
  let best: [number, number] = [0, 1];
  let least = Infinity;
  for (let b = 1; b < terms.length; b++) {
    for (let a = 0; a < b; a++) {
      const needed = new Set([
        ...output,
        ...terms.filter((_, k) => k !== a && k !== b).flatMap(({ names }) => names),
      ]);
      const names = new Set([...terms[a]!.names, ...terms[b]!.names]);
      const size = sizeOf(
        [...names].filter((name) => needed.has(name)).map((n) => extents.get(n)!),
      );
      if (size < least) [best, least] = [[a, b], size];
    }
  }
  return best;
}

/** The product of two terms as a batched matrix product. */
function multiply(
  one: Named,
  other: Named,
  { needed, extents }: {
    readonly needed: readonly string[];
    readonly extents: ReadonlyMap<string, number>;
  },
): Named {
  const left = sumAlone(one, [...needed, ...other.names]);
  const right = sumAlone(other, [...needed, ...one.names]);
  const shared = left.names.filter((name) => right.names.includes(name));
  const batch = shared.filter((name) => needed.includes(name));
  const inner = shared.filter((name) => !needed.includes(name));
  const rows = left.names.filter((name) => !shared.includes(name));
  const columns = right.names.filter((name) => !shared.includes(name));
  const size = (names: readonly string[]): number =>
    sizeOf(names.map((name) => extents.get(name)!));
  const matrix = ({ tensor, names }: Named, order: readonly (readonly string[])[]): Tensor =>
    ops.reshape(arrange(tensor, names, order.flat()), order.map((group) => size(group)));
  const product = ops.matmul(
    matrix(left, [batch, rows, inner]),
    matrix(right, [batch, inner, columns]),
  );
  const names = [...batch, ...rows, ...columns];
  return { names, tensor: ops.reshape(product, names.map((name) => extents.get(name)!)) };
}

function arrange(x: Tensor, from: readonly string[], to: readonly string[]): Tensor {
  return ops.permute(x, to.map((name) => from.indexOf(name)));
}
