/** What kernels write for the indices of views: every element, as the texts are computed on a device. */
import { assert, assertEquals } from "@std/assert";
import { IndexText } from "../../src/compile/index_text.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import {
  addIndex,
  constantIndex,
  flattenIndex,
  type Index,
  offsetIndex,
  scaleIndex,
  splitIndex,
  unflattenIndex,
  variableIndex,
} from "../../src/ir/index_expression.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Emitter } from "../../src/ir/primitive.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { pad } from "../../src/ops/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { integer, pick, shuffled, uniform } from "../cases/random.ts";
import { randomView } from "../cases/views.ts";
import { F32, readIndexText } from "../cases/wgsl_index.ts";

/** Where a program of views reads its operand. */
interface Read {
  /** Position in the operand, where all conditions hold. */
  readonly position: Index;
  /** Indices that are to be inside of `[low, high)`, from the result on. */
  readonly conditions: readonly {
    readonly index: Index;
    readonly low: number;
    readonly high: number;
  }[];
}

function readOf({ inputs: [input], outputs: [output] }: Program, flat: Index): Read {
  const conditions: { index: Index; low: number; high: number }[] = [];
  let index: readonly Index[] = unflattenIndex(flat, output!.shape);
  for (let at = output!; at !== input; at = at.node.inputs[0]!) {
    const { node } = at;
    const { lower } = node.primitive;
    if (lower.kind === "alias") {
      index = unflattenIndex(flattenIndex(index, at.shape), node.inputs[0]!.shape);
      continue;
    }
    assert(lower.kind === "pointwise");
    const emitter = {
      literal: () => "",
      read: (_: number, there: readonly Index[]) => {
        index = there;
        return "";
      },
      inside: (index: Index, low: number, high: number) => {
        conditions.push({ index, low, high });
        return "";
      },
    };
    lower.emit(emitter as unknown as Emitter, node, index);
  }
  return { position: flattenIndex(index, input!.shape), conditions };
}

/** A variable of a position, which is the sum of all times their strides. */
interface Digit {
  readonly key: string;
  readonly extent: number;
  readonly stride: number;
}

/** Positions of `[0, size)` as kernels count them: by invocations, lanes, loops and rows, in any order. */
function randomDigits(next: () => number, size: number): Digit[] {
  const digits: Digit[] = [];
  let stride = 1;
  const take = (key: string, extent: number): void => {
    digits.push({ key, extent, stride });
    stride *= extent;
  };
  const lanes = pick(next, [1, 2, 4]);
  if (lanes > 1 && size % lanes === 0) take("lane", lanes);
  for (const key of shuffled(next, ["r", "column", "block"]).slice(0, integer(next, 0, 3))) {
    const rest = size / stride;
    const extents = Array.from({ length: 64 }, (_, k) => k + 2).filter((k) => rest % k === 0);
    if (extents.length > 0) take(key, pick(next, extents));
  }
  take("q", size / stride);
  return digits;
}

/** A view, or zeros around and between elements. */
function randomStep(next: () => number, x: Tensor, most: number): Tensor {
  if (next() < 0.75) return randomView(next, x);
  const zeros = (kinds: readonly number[]) => x.shape.map(() => pick(next, kinds));
  const [low, high, interior] = [zeros([0, 0, 1, 3]), zeros([0, 0, 2]), zeros([0, 0, 0, 1, 2])];
  const size = sizeOf(x.shape.map((n, k) => low[k]! + n + (n - 1) * interior[k]! + high[k]!));
  return size > most ? x : pad(x, { low, high, interior });
}

function randomViews(
  next: () => number,
  { given, most, steps }: { given: readonly number[]; most: number; steps: number },
): Program {
  return trace((x: Tensor) => {
    let view = x;
    for (let step = 0; step < steps; step++) view = randomStep(next, view, most);
    return view;
  }, [{ shape: given, dtype: "i32" }]).program;
}

/** The texts of a read, as a device computes them at a position: where it reads, `undefined` for a zero. */
function deviceOf(
  { position, conditions }: Read,
  digits: readonly Digit[],
): { at: (flat: number) => number | undefined; lines: readonly string[] } {
  const sizes: Record<string, number | F32> = {};
  const lines: string[] = [];
  const text = new IndexText({
    size: (value, type) => {
      const name = `size${Object.keys(sizes).length}`;
      sizes[name] = type === "f32" ? new F32(value) : value;
      return name;
    },
    name: (code) => `v${lines.push(code) - 1}`,
  });
  const inside = conditions
    .filter(({ index, low, high }) => index.min < low || index.max >= high)
    .map(({ index, low, high }) => {
      const shifted = offsetIndex(index, -low);
      return [text.of(shifted), text.bound(shifted, high - low)].map(readIndexText);
    });
  const code = readIndexText(text.of(position));
  const named = lines.map(readIndexText);
  return {
    lines,
    at: (flat) => {
      const point = { ...sizes };
      for (const { key, extent, stride } of digits) point[key] = Math.floor(flat / stride) % extent;
      named.forEach((line, k) => point[`v${k}`] = line(point));
      return inside.every(([index, bound]) => index!(point) < bound!(point))
        ? code(point)
        : undefined;
    },
  };
}

/** What the texts of an index are made of. */
function kindsOf({ position, conditions }: Read, lines: readonly string[]): string[] {
  const kinds = new Set<string>();
  const visit = ({ terms, min }: Index): void => {
    if (min < 0) kinds.add("negative");
    for (const { atom: { compound } } of terms) {
      if (!compound) continue;
      const { whole, rest } = splitIndex(compound.of, compound.by);
      if (rest.min < 0) kinds.add("rest below zero");
      else if (whole.terms.length + whole.constant > 0) kinds.add(`whole ${compound.op}`);
      visit(compound.of);
    }
  };
  for (const index of [position, ...conditions.map(({ index }) => index)]) visit(index);
  if (lines.some((line) => line.includes("f32"))) kinds.add("as f32");
  if (lines.some((line) => /[/%]/.test(line))) kinds.add("as u32");
  return [...kinds];
}

function positionOf(digits: readonly Digit[]): Index {
  return digits.map(({ key, extent, stride }) => scaleIndex(variableIndex(key, extent), stride))
    .reduce(addIndex, constantIndex(0));
}

Deno.test("the texts of random views read the element that evaluation reads, for every element", () => {
  const next = uniform(11);
  const seen = new Map<string, number>();
  for (let round = 0; round < 1500; round++) {
    const given = pick(next, [[24], [4, 6], [3, 5, 2], [12, 1, 5], [2, 2, 2, 2, 3], [7, 12], [
      9,
      10,
    ]]);
    const program = randomViews(next, { given, most: 1500, steps: 6 });
    const numbers = Array.from({ length: sizeOf(given) }, (_, k) => k + 1);
    const [expected] = evaluate(program, [ndArray(program.inputs[0]!, numbers)]);
    const digits = randomDigits(next, program.outputs[0]!.size);
    const read = readOf(program, positionOf(digits));
    const { at, lines } = deviceOf(read, digits);
    for (const kind of kindsOf(read, lines)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
    expected!.data.forEach((value, flat) => {
      assertEquals((at(flat) ?? -1) + 1, value, `round ${round}, ${flat}: ${lines.join("; ")}`);
    });
  }
  for (const kind of ["negative", "rest below zero", "whole /", "whole %", "as f32"]) {
    assert((seen.get(kind) ?? 0) > 20, `${kind}: ${seen.get(kind)} of 1500 programs`);
  }
});

Deno.test("the texts of views of some million elements read what algebra reads at one element", () => {
  const next = uniform(12);
  const seen = new Map<string, number>();
  for (let round = 0; round < 400; round++) {
    const given = pick(next, [[2 ** 21], [2 ** 21 - 8], [1050, 2000], [3, 5, 7, 40, 600], [
      1200,
      1748,
    ]]);
    const program = randomViews(next, { given, most: 2 ** 24, steps: 4 });
    const { size } = program.outputs[0]!;
    const digits = randomDigits(next, size);
    const read = readOf(program, positionOf(digits));
    const { at, lines } = deviceOf(read, digits);
    for (const kind of kindsOf(read, lines)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const near = Array.from({ length: 20 }, (_, k) => [k, size - 1 - k, 2 ** 21 - 10 + k]).flat();
    const random = Array.from({ length: 60 }, () => integer(next, 0, size - 1));
    for (const flat of [...near, ...random]) {
      if (flat < 0 || flat >= size) continue;
      const { position, conditions } = readOf(program, constantIndex(flat));
      const inside = conditions.every(({ index, low, high }) =>
        index.min >= low && index.max < high
      );
      const expected = inside ? position.constant : undefined;
      assertEquals(at(flat), expected, `round ${round}, ${flat}: ${lines.join("; ")}`);
    }
  }
  for (const kind of ["as f32", "as u32"]) {
    assert((seen.get(kind) ?? 0) > 20, `${kind}: ${seen.get(kind)} of 400 programs`);
  }
});
