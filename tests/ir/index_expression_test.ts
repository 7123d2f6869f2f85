import { assert, assertEquals } from "@std/assert";
import { sizeOf } from "../../src/ir/aval.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import {
  addIndex,
  coefficientOf,
  constantIndex,
  dependsOn,
  divideIndex,
  flattenIndex,
  type Index,
  indexKey,
  moduloIndex,
  offsetIndex,
  scaleIndex,
  substituteIndex,
  unflattenIndex,
  variableIndex,
} from "../../src/ir/index_expression.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Emitter } from "../../src/ir/primitive.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { reshapeIndex } from "../../src/ops/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { integer, pick, uniform } from "../cases/random.ts";
import { randomView } from "../cases/views.ts";
import { readIndexText } from "../cases/wgsl_index.ts";

type Point = Readonly<Record<string, number>>;

/** Value of an index in plain integer arithmetic. */
function valueOf(index: Index, point: Point): number {
  return index.terms.reduce((total, { atom, coefficient }) => {
    const { compound } = atom;
    const of = compound ? valueOf(compound.of, point) : 0;
    const value = !compound
      ? point[atom.key]!
      : compound.op === "/"
      ? Math.floor(of / compound.by)
      : of % compound.by;
    return total + coefficient * value;
  }, index.constant);
}

/** Value of the WGSL text of an index, in wrapping `u32` arithmetic. */
function valueOfText(text: string, point: Point): number {
  return readIndexText(text)(point);
}

/** Variables with their extents. */
type Extents = Readonly<Record<string, number>>;

function pointsOf(extents: Extents, count: number, next: () => number): Point[] {
  return Array.from({ length: count }, () =>
    Object.fromEntries(
      Object.entries(extents).map(([key, extent]) => [key, integer(next, 0, extent - 1)]),
    ));
}

function randomIndex(next: () => number, extents: Extents, nested = 2): Index {
  let index = constantIndex(integer(next, 0, 12));
  for (const [key, extent] of Object.entries(extents)) {
    const factor = pick(next, [0, 1, 2, 3, 4, 6, 12, -1, -2]);
    index = addIndex(index, scaleIndex(variableIndex(key, extent), factor));
    // Keep it at least zero, as positions in arrays are.
    if (factor < 0) index = offsetIndex(index, -factor * (extent - 1));
  }
  if (nested === 0) return index;
  const by = pick(next, [1, 2, 3, 4, 6, 12]);
  const inner = randomIndex(next, extents, nested - 1);
  return addIndex(
    index,
    scaleIndex(
      pick(next, [divideIndex, moduloIndex])(inner, by),
      integer(next, 0, 5),
    ),
  );
}

const extents: Extents = { a: 2, b: 3, c: 7, d: 12 };

Deno.test("indices are integer arithmetic: sum, multiple, quotient, remainder, range, text", () => {
  const next = uniform(1);
  for (let round = 0; round < 3000; round++) {
    const index = randomIndex(next, extents);
    const other = randomIndex(next, extents);
    const by = pick(next, [1, 2, 3, 4, 5, 6, 12, 24, 1000]);
    const [sum, quotient, remainder] = [
      addIndex(index, scaleIndex(other, by)),
      divideIndex(index, by),
      moduloIndex(index, by),
    ];
    for (const point of pointsOf(extents, 5, next)) {
      const value = valueOf(index, point);
      const show = `${indexKey(index)} at ${JSON.stringify(point)}, by ${by}`;
      assertEquals(valueOf(sum, point), value + by * valueOf(other, point), show);
      assertEquals(valueOf(quotient, point), Math.floor(value / by), show);
      assertEquals(valueOf(remainder, point), value % by, show);
      for (const each of [index, sum, quotient, remainder]) {
        const found = valueOf(each, point);
        assert(found >= each.min && found <= each.max, `${found} out of range: ${show}`);
        assertEquals(valueOfText(indexKey(each), point), found, show);
      }
    }
  }
});

Deno.test("substituteIndex() is evaluation at one value", () => {
  const next = uniform(2);
  for (let round = 0; round < 2000; round++) {
    const index = randomIndex(next, extents);
    const key = pick(next, Object.keys(extents));
    const value = integer(next, 0, extents[key]! - 1);
    const fixed = substituteIndex(index, key, value);
    assert(!dependsOn(fixed, key));
    for (const point of pointsOf(extents, 4, next)) {
      const show = `${indexKey(index)} with ${key} = ${value}`;
      assertEquals(valueOf(fixed, point), valueOf(index, { ...point, [key]: value }), show);
    }
  }
});

Deno.test("coefficientOf() is the difference of neighbours, dependsOn() excludes any", () => {
  const next = uniform(3);
  let [known, unknown, independent] = [0, 0, 0];
  for (let round = 0; round < 3000; round++) {
    const index = randomIndex(next, extents);
    const key = pick(next, Object.keys(extents));
    const coefficient = coefficientOf(index, key);
    if (coefficient === undefined) unknown++;
    else known++;
    if (!dependsOn(index, key)) {
      independent++;
      assertEquals(coefficient, 0);
    }
    for (const point of pointsOf(extents, 4, next)) {
      if (coefficient === undefined || point[key]! + 1 >= extents[key]!) continue;
      const there = valueOf(index, { ...point, [key]: point[key]! + 1 });
      assertEquals(there - valueOf(index, point), coefficient, indexKey(index));
    }
  }
  assert(Math.min(known, unknown, independent) > 50, `${known}, ${unknown}, ${independent}`);
});

Deno.test("a quotient is guarded, not needed, where the index is negative", () => {
  // Padding with zeros between elements: (i - 3) / 2 is used only where i >= 3.
  const shifted = offsetIndex(variableIndex("i", 12), -3);
  for (let i = 3; i < 12; i++) {
    assertEquals(valueOf(divideIndex(shifted, 2), { i }), Math.floor((i - 3) / 2));
    assertEquals(valueOfText(indexKey(divideIndex(shifted, 2)), { i }), Math.floor((i - 3) / 2));
    assertEquals(valueOfText(indexKey(moduloIndex(shifted, 2)), { i }), (i - 3) % 2);
  }
});

Deno.test("unflattenIndex() undoes flattenIndex() without any arithmetic", () => {
  const shape = [3, 1, 5, 7];
  const index = shape.map((extent, axis) => variableIndex(`v${axis}`, extent));
  const back = unflattenIndex(flattenIndex(index, shape), shape);
  assertEquals(back.map(indexKey), ["v0", "0u", "v2", "v3"]);
});

/** All shapes of `size` elements of at most `rank` axes. */
function shapesOf(size: number, rank: number): number[][] {
  if (rank === 1) return [[size]];
  const firsts = Array.from({ length: size - 2 }, (_, k) => k + 2).filter((one) =>
    size % one === 0
  );
  return [
    [size],
    ...firsts.flatMap((first) => shapesOf(size / first, rank - 1).map((rest) => [first, ...rest])),
  ];
}

for (const lanes of [1, 2, 4]) {
  Deno.test(`flattenIndex() undoes unflattenIndex() where ${lanes} lanes take turns`, () => {
    for (const size of [12, 24, 36, 40, 60, 84, 96, 120]) {
      const blocks = variableIndex("q", size / lanes);
      const flat = addIndex(scaleIndex(blocks, lanes), variableIndex("lane", lanes));
      const there = (at: Index, shape: number[]) => flattenIndex(unflattenIndex(at, shape), shape);
      const shapes = shapesOf(size, 4);
      for (const one of shapes) {
        const seen = there(flat, one);
        assertEquals(indexKey(seen), indexKey(flat), `${one}`);
        for (const other of shapes) {
          assertEquals(indexKey(there(seen, other)), indexKey(flat), `${one}, ${other}`);
        }
      }
    }
  });
}

Deno.test("splitting and joining axes costs no division", () => {
  const index = [variableIndex("y", 6), variableIndex("x", 4)];
  const split = reshapeIndex(index, [6, 4], [3, 2, 2, 2]);
  const joined = reshapeIndex(split, [3, 2, 2, 2], [6, 4]);
  assertEquals(joined.map(indexKey), ["y", "x"]);
});

/** The operand's index that a view reads for the result's index. */
function readIndex(tensor: Tensor, index: readonly Index[]): readonly Index[] {
  const { node } = tensor;
  const { lower } = node.primitive;
  if (lower.kind === "alias") {
    return reshapeIndex([...index], tensor.shape, node.inputs[0]!.shape);
  }
  assert(lower.kind === "pointwise");
  let found: readonly Index[] | undefined;
  const emitter = {
    read: (_: number, at: readonly Index[]) => {
      found = at;
      return "";
    },
  };
  lower.emit(emitter as unknown as Emitter, node, index);
  return found!;
}

Deno.test("index rules of random chains of views read what evaluation reads", () => {
  const next = uniform(5);
  for (let round = 0; round < 400; round++) {
    const given = pick(next, [[24], [4, 6], [3, 5, 2], [12, 1, 5], [2, 2, 2, 2, 3]]);
    const size = sizeOf(given);
    const { program } = trace((x: Tensor) => {
      let view = x;
      for (let step = 0; step < 6; step++) view = randomView(next, view);
      return view;
    }, [{ shape: given, dtype: "i32" }]);
    const [input, output] = [program.inputs[0]!, program.outputs[0]!];
    const [expected] = evaluate(program, [
      ndArray(input, Array.from({ length: size }, (_, k) => k)),
    ]);
    let index: readonly Index[] = output.shape.map((extent, axis) =>
      variableIndex(`v${axis}`, extent)
    );
    for (let at = output; at !== input; at = at.node.inputs[0]!) index = readIndex(at, index);
    const flat = flattenIndex(index, input.shape);
    const strides = output.shape.map((_, axis) => sizeOf(output.shape.slice(axis + 1)));
    expected!.data.forEach((position, k) => {
      const point = Object.fromEntries(
        output.shape.map((extent, axis) => [`v${axis}`, Math.floor(k / strides[axis]!) % extent]),
      );
      assertEquals(valueOf(flat, point), position, indexKey(flat));
      assertEquals(valueOfText(indexKey(flat), point), position, indexKey(flat));
    });
  }
});
