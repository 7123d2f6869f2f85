import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as t from "../../src/tensor/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { grad } from "../../src/transform/mod.ts";
import { integer, pick, uniform } from "../cases/random.ts";
import { fromIndex } from "./fixtures.ts";

const ints = (values: number[]): Tensor => t.constant(values, { dtype: "i32" });

Deno.test("tile(), repeat() and roll() agree with numpy", () => {
  const x = t.constant([[1, 2, 3], [4, 5, 6]]);
  const cases: [Tensor, readonly number[], number[]][] = [
    [t.tile(x, [1, 2]), [2, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]],
    [t.tile(x, [2]), [2, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]],
    [t.tile(t.constant([1, 2]), [2, 2]), [2, 4], [1, 2, 1, 2, 1, 2, 1, 2]],
    [t.tile(x, [0, 1]), [0, 3], []],
    [t.tile(t.constant(7), [3]), [3], [7, 7, 7]],
    [t.repeat(x, 2), [4, 3], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6]],
    [t.repeat(x, 2, { axis: -1 }), [2, 6], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]],
    [t.repeat(x, 0), [0, 3], []],
    [t.roll(x, 1, { axis: 1 }), [2, 3], [3, 1, 2, 6, 4, 5]],
    [t.roll(x, -4, { axis: 1 }), [2, 3], [2, 3, 1, 5, 6, 4]],
    [t.roll(x, 3), [2, 3], [4, 5, 6, 1, 2, 3]],
    [t.roll(t.zeros([0, 2]), 5), [0, 2], []],
  ];
  for (const [found, shape, values] of cases) {
    assertEquals([found.shape, t.valuesOf(found)], [shape, values]);
  }
  assertThrows(() => t.tile(x, [1.5]), RangeError, "Cannot tile f32[2, 3]: found the counts [1.5]");
  assertThrows(() => t.repeat(x, -1), RangeError, "whole numbers from 0");
  assertThrows(() => t.roll(x, 0.5), RangeError, "a whole number of places");
});

Deno.test("diag(), tril() and triu() agree with numpy at every offset", () => {
  for (const [rows, columns] of [[3, 3], [2, 4], [4, 2], [1, 1]] as const) {
    const values = fromIndex([2, rows, columns], (n, i, j) => 100 * n! + 10 * i! + j! + 1);
    const x = t.constant(values, { shape: [2, rows, columns] });
    for (let offset = -4; offset <= 4; offset++) {
      const on = fromIndex(
        [2, rows, columns],
        (n, i, j) => j! - i! === offset ? 1000 * n! + i! : -1,
      )
        .flatMap((mark, k) => mark < 0 ? [] : [values[k]!]);
      assertEquals(t.valuesOf(t.diag(x, { offset })), on);
      const keep = (test: (difference: number) => boolean) =>
        fromIndex(
          [2, rows, columns],
          (n, i, j) => test(j! - i!) ? values[(n! * rows + i!) * columns + j!]! : 0,
        );
      assertEquals(t.valuesOf(t.tril(x, { offset })), keep((difference) => difference <= offset));
      assertEquals(t.valuesOf(t.triu(x, { offset })), keep((difference) => difference >= offset));
    }
  }
  for (const length of [0, 1, 3]) {
    for (let offset = -2; offset <= 2; offset++) {
      const vector = fromIndex([length], (k) => k! + 1);
      const matrix = t.diag(t.constant(vector, { shape: [length] }), { offset });
      const size = length + Math.abs(offset);
      assertEquals(matrix.shape, [size, size]);
      const expected = fromIndex(
        [size, size],
        (i, j) => j! - i! === offset ? vector[Math.min(i!, j!)]! : 0,
      );
      assertEquals(t.valuesOf(matrix), expected, `${length} at ${offset}`);
    }
  }
  assertThrows(() => t.diag(t.constant(1)), TypeError, "a vector or matrices");
  assertThrows(() => t.diag(t.ones([2]), { offset: 0.5 }), RangeError, "a whole number");
  assertThrows(() => t.tril(t.ones([2])), TypeError, "expected matrices");
});

Deno.test("cumSum() and cumProd() agree with loops in every direction", () => {
  for (const extent of [0, 1, 2, 3, 5, 8, 13]) {
    const shape = [2, extent, 3];
    const next = uniform(extent);
    const values = fromIndex(shape, () => integer(next, -3, 3));
    for (const dtype of ["f32", "i32"] as const) {
      const x = t.constant(values, { shape, dtype });
      for (const reverse of [false, true]) {
        for (const exclusive of [false, true]) {
          const walk = (start: number, join: (a: number, b: number) => number): number[] =>
            fromIndex(shape, (n, i, c) => {
              let total = start;
              for (let j = 0; j < extent; j++) {
                const counts = reverse ? j > i! : j < i!;
                if (counts || (j === i && !exclusive)) {
                  total = join(total, values[(n! * extent + j) * 3 + c!]!);
                }
              }
              return total;
            });
          const options = { axis: 1, reverse, exclusive };
          const plain = (values: number[]): number[] => values.map((value) => value + 0);
          assertEquals(plain(t.valuesOf(t.cumSum(x, options))), walk(0, (a, b) => a + b));
          assertEquals(
            plain(t.valuesOf(t.cumProd(x, options))),
            plain(walk(1, (a, b) => a * b)),
          );
        }
      }
    }
  }
});

Deno.test("prod() and cumProd() have the right derivative where elements are 0", () => {
  const x = t.constant([2, 0, 3, 5]);
  assertEquals(t.valuesOf(grad((y: Tensor) => t.prod(y))(x)), [0, 30, 0, 0]);
  const two = t.constant([2, 0, 0]);
  assertEquals(t.valuesOf(grad((y: Tensor) => t.prod(y))(two)), [0, 0, 0]);
  assertEquals(t.valuesOf(grad((y: Tensor) => t.sum(t.cumProd(y)))(x)), [1, 2 + 6 + 30, 0, 0]);
  assertEquals(t.valuesOf(t.prod(t.zeros([2, 0]), { axes: 1 })), [1, 1]);
  assertEquals(t.valuesOf(t.prod(t.constant([[1, 2, 3]]), { axes: [0, 1], keepAxes: true })), [6]);
  assertEquals(t.prod(t.ones([2, 3, 4]), { axes: [0, 2], keepAxes: true }).shape, [1, 3, 1]);
});

Deno.test("take() and takeAt() index as numpy does", () => {
  const x = t.constant(fromIndex([2, 3, 4], (i, j, k) => 100 * i! + 10 * j! + k!), {
    shape: [2, 3, 4],
  });
  const at = t.constant([[2, 0], [1, 9]], { dtype: "i32" });
  for (const axis of [0, 1, 2]) {
    const taken = t.take(x, at, { axis });
    const extents = [2, 3, 4];
    const shape = [...extents.slice(0, axis), 2, 2, ...extents.slice(axis + 1)];
    const expected = fromIndex(shape, (...index) => {
      const chosen = [[2, 0], [1, 9]][index[axis]!]![index[axis + 1]!]!;
      const place = [
        ...index.slice(0, axis),
        Math.min(chosen, extents[axis]! - 1),
        ...index.slice(axis + 2),
      ];
      return 100 * place[0]! + 10 * place[1]! + place[2]!;
    });
    assertEquals([taken.shape, t.valuesOf(taken)], [shape, expected]);
  }
  const [rows, columns] = [t.constant([[0], [1]], { dtype: "i32" }), ints([2, 0, -5])];
  const elements = t.takeAt(x, [rows, columns]);
  assertEquals(elements.shape, [2, 3, 4]);
  assertEquals(
    t.valuesOf(elements),
    fromIndex([2, 3, 4], (i, j, k) => 100 * i! + 10 * [2, 0, 0][j!]! + k!),
  );
  assertEquals(t.valuesOf(t.takeAt(x, [ints([1]), ints([2]), ints([3])])), [123]);
  assertThrows(() => t.takeAt(x, []), TypeError, "expected 1 to 3 indices");
  assertThrows(
    () => t.takeAt(x, [ints([0, 1]), ints([0, 1, 2])]),
    TypeError,
    "whose shapes broadcast",
  );
  assertThrows(() => t.take(x, t.ones([1])), TypeError, "expected i32 indices");
});

Deno.test("segments and rows are summed, averaged, maximised, added and set as in loops", () => {
  for (let seed = 0; seed < 40; seed++) {
    const next = uniform(seed);
    const [rows, count, width] = [integer(next, 1, 6), integer(next, 1, 4), integer(next, 1, 3)];
    const values = fromIndex([rows, width], () => integer(next, -9, 9));
    const where = fromIndex([rows], () => integer(next, -1, count));
    const x = t.constant(values, { shape: [rows, width] });
    const at = ints(where);
    const members = (segment: number, c: number): number[] =>
      where.flatMap((place, r) => place === segment ? [values[r * width + c]!] : []);
    const each = (fn: (list: number[]) => number): number[] =>
      fromIndex([count, width], (s, c) => fn(members(s!, c!)));
    const total = (list: number[]): number => list.reduce((a, b) => a + b, 0);
    assertEquals(t.valuesOf(t.segmentSum(x, at, { count })), each(total));
    t.valuesOf(t.segmentMean(x, at, { count })).forEach((mean, k) =>
      assertAlmostEquals(mean, each((list) => total(list) / Math.max(1, list.length))[k]!, 1e-12)
    );
    assertEquals(t.valuesOf(t.segmentMax(x, at, { count })), each((list) => Math.max(...list)));
    const old = fromIndex([count, width], () => integer(next, -9, 9));
    const base = t.constant(old, { shape: [count, width] });
    assertEquals(
      t.valuesOf(t.addRows(base, at, x)),
      each(total).map((sum, k) => sum + old[k]!),
    );
    assertEquals(
      t.valuesOf(t.setRows(base, at, x)),
      fromIndex([count, width], (s, c) => members(s!, c!).at(-1) ?? old[s! * width + c!]!),
    );
  }
  assertEquals(t.segmentSum(t.ones([2, 3]), ints([0, 1]), { count: 0 }).shape, [0, 3]);
  const bad = () => t.segmentSum(t.ones([2]), ints([0]), { count: 1 });
  assertThrows(bad, TypeError, "expected one i32 for each row");
  assertThrows(() => t.segmentMax(t.ones([1]), ints([0]), { count: 1.5 }), RangeError, "1.5");
  assertThrows(() => t.setRows(t.ones([2]), ints([0]), t.ones([2])), TypeError, "one row for each");
});

Deno.test("einsum() agrees with loops for diagonals, ellipses and several operands", () => {
  const extents: Record<string, number> = { a: 2, b: 3, c: 1, d: 4, e: 2 };
  for (let seed = 0; seed < 60; seed++) {
    const next = uniform(seed);
    const letters = (most: number): string =>
      Array.from({ length: integer(next, 0, most) }, () => pick(next, [..."abcde"])).join("");
    const groups = Array.from({ length: integer(next, 1, 4) }, () => letters(3));
    const known = [...new Set(groups.join(""))];
    const output = next() < 0.3 ? undefined : known.filter(() => next() < 0.5).join("");
    const equation = output === undefined ? groups.join() : `${groups.join()}->${output}`;
    const once = known.filter((name) => groups.join("").split(name).length === 2).sort().join("");
    const names = [...new Set([...(output ?? once), ...known])];
    const shapes = groups.map((group) => [...group].map((name) => extents[name]!));
    const values = shapes.map((shape) => fromIndex(shape, () => integer(next, -3, 3)));
    const shape = [...(output ?? once)].map((name) => extents[name]!);
    const expected = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0);
    fromIndex(names.map((name) => extents[name]!), (...index) => {
      const at = (list: string): number =>
        [...list].reduce((place, name) => place * extents[name]! + index[names.indexOf(name)]!, 0);
      expected[at(output ?? once)]! += groups.reduce(
        (product, list, k) => product * values[k]![at(list)]!,
        1,
      );
      return 0;
    });
    const result = t.einsum(equation, shapes.map((shape, k) => t.constant(values[k]!, { shape })));
    assertEquals(result.shape, shape, equation);
    assertEquals(t.valuesOf(result).map((v) => v + 0), expected.map((v) => v + 0), equation);
  }
});

Deno.test("einsum() broadcasts further axes, aligned at the end", () => {
  const ellipses: [string, readonly (readonly number[])[], readonly number[]][] = [
    ["...ij,...jk->...ik", [[5, 1, 2, 3], [4, 3, 2]], [5, 4, 2, 2]],
    ["...ij,...jk", [[2, 3], [4, 3, 2]], [4, 2, 2]],
    ["i...,...->i...", [[2, 1], [3]], [2, 3]],
    ["b...c->...", [[2, 3, 4, 5]], [3, 4]],
    ["...->...", [[1, 1]], [1, 1]],
    ["...ii->...i", [[2, 3, 3]], [2, 3]],
    ["...,...", [[2, 1], [1, 3]], [2, 3]],
    ["k...i,k...j->...ij", [[2, 1, 2], [2, 3, 2]], [3, 2, 2]],
  ];
  for (const [equation, shapes, shape] of ellipses) {
    const operands = shapes.map((extents) => t.ones(extents));
    const result = t.einsum(equation, operands);
    assertEquals(result.shape, shape, equation);
    assertEquals(new Set(t.valuesOf(result)).size, 1);
  }
  const a = t.constant([[1, 2], [3, 4]]);
  const b = t.constant([[[1], [10]], [[100], [1000]]]);
  assertEquals(t.valuesOf(t.einsum("ij,...jk->...ik", [a, b])), [21, 43, 2100, 4300]);
});

Deno.test("attention() is a weighted mean of the values that may be seen", () => {
  const next = uniform(1);
  const [heads, queries, keys, width, channels] = [2, 3, 4, 5, 2];
  const draw = (shape: readonly number[]) => fromIndex(shape, () => 4 * next() - 2);
  const q = draw([heads, queries, width]);
  const k = draw([heads, keys, width]);
  const v = draw([heads, keys, channels]);
  const visible = fromIndex([queries, keys], () => integer(next, 0, 1));
  const expected = (sees: (i: number, j: number) => boolean): number[] =>
    fromIndex([heads, queries, channels], (h, i, c) => {
      const scores = fromIndex([keys], (j) => {
        const products = fromIndex(
          [width],
          (d) => q[(h! * queries + i!) * width + d!]! * k[(h! * keys + j!) * width + d!]!,
        );
        return products.reduce((a, b) => a + b) / Math.sqrt(width);
      });
      const some = scores.some((_, j) => sees(i!, j));
      const weights = scores.map((score, j) => some ? sees(i!, j) ? Math.exp(score) : 0 : 1);
      const total = weights.reduce((a, b) => a + b);
      return weights.reduce(
        (sum, weight, j) => sum + weight * v[(h! * keys + j) * channels + c!]!,
        0,
      ) / total;
    });
  const tensors = [
    t.constant(q, { shape: [heads, queries, width] }),
    t.constant(k, { shape: [heads, keys, width] }),
    t.constant(v, { shape: [heads, keys, channels] }),
  ] as const;
  const compare = (found: Tensor, wanted: number[]): void =>
    t.valuesOf(found).forEach((value, at) => assertAlmostEquals(value, wanted[at]!, 1e-12));
  compare(t.attention(...tensors), expected(() => true));
  compare(t.attention(...tensors, { causal: true }), expected((i, j) => j <= i + keys - queries));
  const mask = t.constant(visible, { shape: [queries, keys], dtype: "bool" });
  compare(t.attention(...tensors, { mask }), expected((i, j) => visible[i * keys + j] === 1));
  const none = t.zeros([queries, keys], "bool");
  compare(t.attention(...tensors, { mask: none }), expected(() => false));
  assert(t.valuesOf(t.attention(...tensors, { scale: 0 })).every(Number.isFinite));
  const [qs, ks, vs] = tensors;
  assertThrows(() => t.attention(qs, vs, ks), TypeError, "Cannot attend with queries f32[2, 3, 5]");
  assertThrows(() => t.attention(qs, ks, vs, { mask: t.ones([3, 4]) }), TypeError, "expected bool");
});
