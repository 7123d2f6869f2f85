/**
 * The accumulators of reductions: declarations, statements of the loop, and results.
 *
 * @module
 */
import { areNanBits, magnitudeBits } from "../ir/wgsl_numbers.ts";
import { type Expressions, registerType, type Width } from "./expression.ts";
import { type Layout, opOf } from "./reduce_layout.ts";
import type { ReduceUnit } from "./units.ts";

/** Loop code of reductions. */
export interface Accumulators {
  /** Declarations. */
  readonly before: string[];
  /** Registers `a<index>` that hold sums. */
  readonly sums: { readonly index: number; readonly type: string }[];
  /** Statements of one iteration; sums go to registers whose names begin with `sum`. */
  each(sum: string): string[];
  /** Statements after the loop. */
  readonly after: string[];
  /** Register of each reduction's result, at the width of a result. */
  readonly results: string[];
}

/** How loop code is written. */
export interface Accumulation<B> {
  readonly expressions: Expressions<B>;
  readonly layout: Layout;
  /** Variable that counts the elements. */
  readonly position: string;
  /** Whether the four lanes are elements of one reduction. */
  readonly inLanes: boolean;
}

/**
 * Loop code that reduces `values` (expressions inside the loop: for each reduction those of the
 * elements of an iteration).
 */
export function accumulate<B>(
  unit: ReduceUnit,
  values: readonly (readonly string[])[],
  how: Accumulation<B>,
): Accumulators {
  const parts = unit.reductions.map(({ node }, index) => {
    const op = opOf(node);
    const elements = values[index]!;
    return op === "sum"
      ? accumulateSum(elements, { ...how, index })
      : accumulateMax(elements, { ...how, index, isArgMax: op === "argmax" });
  });
  return {
    before: parts.flatMap((part) => part.before),
    sums: parts.flatMap((part) => part.sums),
    each: (sum) => parts.flatMap((part) => part.each(sum)),
    after: parts.flatMap((part) => part.after),
    results: parts.flatMap((part) => part.results),
  };
}

function accumulateSum<B>(
  elements: readonly string[],
  { layout, inLanes, index: k }: Accumulation<B> & { readonly index: number },
): Accumulators {
  const type = registerType("f32", layout.lanes === "kept" || inLanes ? 4 : 1);
  const value = elements.reduce((a, b) => `(${a} + ${b})`);
  return {
    before: [`var a${k} = ${type}(0.0);`],
    sums: [{ index: k, type }],
    each: (sum) => [`${sum}${k} += ${value};`],
    after: inLanes ? [`let h${k} = (a${k}.x + a${k}.y) + (a${k}.z + a${k}.w);`] : [],
    results: [inLanes ? `h${k}` : `a${k}`],
  };
}

/**
 * The largest number `m`, and the largest bits without a sign, `n`: as `max()` may drop NaN, these
 * tell whether there was one, and are NaN themselves then. The position of a maximum is that of the
 * first NaN, if there is any.
 */
function accumulateMax<B>(
  elements: readonly string[],
  { expressions, layout, position, inLanes, index: k, isArgMax }: Accumulation<B> & {
    readonly index: number;
    readonly isArgMax: boolean;
  },
): Accumulators {
  const width: Width = layout.lanes === "kept" || inLanes ? 4 : 1;
  const integers = registerType("i32", width);
  const scope = expressions.scope(width);
  const before = [
    `var m${k} = ${expressions.literal(-Infinity, { dtype: "f32", width })};`,
    `var n${k} = ${integers}(0);`,
  ];
  const each = elements.flatMap((element, e) => {
    const [x, bits] = [`x${k}_${e}`, `y${k}_${e}`];
    const isFirst = `(${areNanBits(bits, scope)} | (${x} > m${k})) & !${
      areNanBits(`n${k}`, scope)
    }`;
    return [
      `let ${x} = ${element};`,
      `let ${bits} = ${magnitudeBits(x, scope)};`,
      ...(isArgMax ? [`a${k} = select(a${k}, ${integers}(i32(${position})), ${isFirst});`] : []),
      `m${k} = max(m${k}, ${x});`,
      `n${k} = max(n${k}, ${bits});`,
    ];
  });
  if (isArgMax) {
    before.push(`var a${k} = ${integers}(0);`);
    return { before, sums: [], each: () => each, after: [], results: [`a${k}`] };
  }
  const joined = (name: string): string =>
    inLanes ? `max(max(${name}.x, ${name}.y), max(${name}.z, ${name}.w))` : name;
  const single = expressions.scope(inLanes ? 1 : width);
  const after = [
    `let l${k} = ${joined(`n${k}`)};`,
    `let h${k} = select(${joined(`m${k}`)}, bitcast<${single.type("f32")}>(l${k}), ${
      areNanBits(`l${k}`, single)
    });`,
  ];
  return { before, sums: [], each: () => each, after, results: [`h${k}`] };
}
