/**
 * The accumulators of reductions: declarations, statements of the loop, and results.
 *
 * @module
 */
import { areNanBits, INFINITY_BITS, magnitudeBits } from "../ir/wgsl_numbers.ts";
import type { DType } from "../ir/aval.ts";
import type { Expressions } from "./expression.ts";
import { type Layout, opOf } from "./reduce_layout.ts";
import type { ReduceUnit } from "./units.ts";
import { registerType, type Width } from "./wgsl_values.ts";

/** Loop code of reductions. */
export interface Accumulators {
  /** Declarations. */
  readonly before: string[];
  /** Registers `s<index>` that hold sums. */
  readonly sums: { readonly index: number; readonly type: string }[];
  /** Statements of one iteration; sums go to registers whose names begin with `sum`. */
  each(sum: string): string[];
  /** Statements after the loop. */
  readonly after: string[];
  /** Register of each reduction's result, at the width of a result. */
  readonly results: string[];
  /** Register of what each reduction compares or adds up, at the same width. */
  readonly values: string[];
  /** All registers that are joined with those of other parts. */
  readonly partial: { readonly name: string; readonly dtype: DType }[];
}

/** How loop code is written. */
export interface Accumulation<B> {
  readonly expressions: Expressions<B>;
  readonly layout: Layout;
  /** Variable that counts the elements. */
  readonly position: string;
  /**
   * Where elements are the largest of others, which may come in any order: from the register of a position to where
   * each element's stands.
   */
  readonly found?: (register: string) => readonly string[];
  /** Whether the four lanes are elements of one reduction. */
  readonly inLanes: boolean;
}

/**
 * Loop code that reduces `values` (expressions inside the loop: for each reduction those of the
 * elements of an iteration). A maximum and its position share their work.
 */
export function accumulate<B>(
  unit: ReduceUnit,
  values: readonly (readonly string[])[],
  how: Accumulation<B>,
): Accumulators {
  const ops = unit.reductions.map(({ node }) => opOf(node));
  const keys = ops.map((op, k) => op === "sum" ? `sum ${k}` : values[k]!.join());
  const parts = ops.flatMap((op, index) => {
    if (keys.indexOf(keys[index]!) !== index) return [];
    if (op === "sum") return [accumulateSum(values[index]!, { ...how, index })];
    const withPosition = ops.some((other, k) => other === "argmax" && keys[k] === keys[index]);
    const kind = withPosition ? accumulatePosition : accumulateMax;
    return [kind(values[index]!, { ...how, index })];
  });
  const numbers = keys.map((key) => keys.indexOf(key));
  const compared = numbers.map((k) => `a${k}`);
  const results = ops.map((op, k) => `${op === "argmax" ? "at" : "a"}${numbers[k]}`);
  return {
    before: parts.flatMap((part) => part.before),
    sums: parts.flatMap((part) => part.sums),
    each: (sum) => parts.flatMap((part) => part.each(sum)),
    after: parts.flatMap((part) => part.after),
    results,
    values: compared,
    partial: [...new Set([...compared, ...results])].map((name) => ({
      name,
      dtype: name.startsWith("at") ? "i32" : "f32",
    })),
  };
}

/** The part of {@linkcode Accumulators} that one reduction adds; its result is `a<index>`. */
type Part = Pick<Accumulators, "before" | "sums" | "each" | "after">;

type PartOptions<B> = Accumulation<B> & { readonly index: number };

function widthOf({ layout, inLanes }: { layout: Layout; inLanes: boolean }): Width {
  return layout.lanes === "kept" || inLanes ? 4 : 1;
}

function accumulateSum<B>(elements: readonly string[], how: PartOptions<B>): Part {
  const { index: k, inLanes } = how;
  const type = registerType("f32", widthOf(how));
  const value = elements.reduce((a, b) => `(${a} + ${b})`);
  return {
    before: [`var s${k} = ${type}(0.0);`],
    sums: [{ index: k, type }],
    each: (sum) => [`${sum}${k} += ${value};`],
    after: [
      inLanes ? `let a${k} = (s${k}.x + s${k}.y) + (s${k}.z + s${k}.w);` : `let a${k} = s${k};`,
    ],
  };
}

/**
 * The largest number `m`, and the largest bits without a sign, `n`: as `max()` may drop NaN, these
 * tell whether there was one, and are NaN themselves then.
 */
function accumulateMax<B>(elements: readonly string[], how: PartOptions<B>): Part {
  const { expressions, inLanes, index: k } = how;
  const width = widthOf(how);
  const scope = expressions.scope(width);
  const each = elements.flatMap((element, e) => [
    `let x${k}_${e} = ${element};`,
    `m${k} = max(m${k}, x${k}_${e});`,
    `n${k} = max(n${k}, ${magnitudeBits(`x${k}_${e}`, scope)});`,
  ]);
  const joined = (name: string): string =>
    inLanes ? `max(max(${name}.x, ${name}.y), max(${name}.z, ${name}.w))` : name;
  const single = expressions.scope(inLanes ? 1 : width);
  return {
    before: [
      `var m${k} = ${expressions.literal(-Infinity, { dtype: "f32", width })};`,
      `var n${k} = ${scope.type("i32")}(0);`,
    ],
    sums: [],
    each: () => each,
    after: [
      `let l${k} = ${joined(`n${k}`)};`,
      `let a${k} = select(${joined(`m${k}`)}, bitcast<${single.type("f32")}>(l${k}), ${
        areNanBits(`l${k}`, single)
      });`,
    ],
  };
}

/**
 * The largest number `a` and its position `at`; a NaN is larger than everything, and is not replaced
 * once it is found: `n` then are the greatest bits, and no comparison with it holds.
 */
function accumulatePosition<B>(elements: readonly string[], how: PartOptions<B>): Part {
  const { expressions, position, found, index: k } = how;
  const width = widthOf(how);
  const scope = expressions.scope(width);
  const integers = scope.type("i32");
  const positions = found?.(`at${k}`);
  const each = elements.flatMap((element, e) => {
    const [x, isNan, isLarger] = [`x${k}_${e}`, `y${k}_${e}`, `z${k}_${e}`];
    const at = positions?.[e] ?? `${integers}(i32(${position}))`;
    const bits = magnitudeBits(x, scope);
    const areNan = areNanBits(`min(${bits}, n${k})`, scope);
    const isBefore = `((${x} == a${k}) | ${areNan}) & (${at} < at${k})`;
    return [
      `let ${x} = ${element};`,
      `let ${isNan} = ${bits} > n${k};`,
      `let ${isLarger} = ${isNan} | (${x} > a${k})${positions ? ` | (${isBefore})` : ""};`,
      `n${k} = select(n${k}, ${integers}(0x7fffffff), ${isNan});`,
      `a${k} = select(a${k}, ${x}, ${isLarger});`,
      `at${k} = select(at${k}, ${at}, ${isLarger});`,
    ];
  });
  return {
    before: [
      `var a${k} = ${expressions.literal(-Infinity, { dtype: "f32", width })};`,
      `var n${k} = ${integers}(${INFINITY_BITS});`,
      `var at${k} = ${integers}(0);`,
    ],
    sums: [],
    each: () => each,
    after: [],
  };
}
