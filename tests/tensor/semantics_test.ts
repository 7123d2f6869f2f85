import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as t from "../../src/tensor/mod.ts";
import type { SliceRange } from "../../src/tensor/mod.ts";
import { integer, uniform } from "../cases/random.ts";
import { fromIndex } from "./fixtures.ts";

function numbers(shape: readonly number[], seed: number): number[] {
  const next = uniform(seed);
  return fromIndex(shape, () => Math.round(next() * 20 - 10));
}

Deno.test("add() and its relatives broadcast as loops do", () => {
  const next = uniform(3);
  const ops: [
    (a: t.Operand, b: t.Operand) => ReturnType<typeof t.add>,
    (a: number, b: number) => number,
  ][] = [
    [t.add, (a, b) => a + b],
    [t.sub, (a, b) => a - b],
    [t.mul, (a, b) => a * b],
    [t.maximum, Math.max],
    [t.minimum, Math.min],
    [t.equal, (a, b) => Number(a === b)],
    [t.notEqual, (a, b) => Number(a !== b)],
    [t.less, (a, b) => Number(a < b)],
    [t.lessEqual, (a, b) => Number(a <= b)],
    [t.greater, (a, b) => Number(a > b)],
    [t.greaterEqual, (a, b) => Number(a >= b)],
  ];
  for (let round = 0; round < 30; round++) {
    const shape = Array.from({ length: integer(next, 0, 4) }, () => integer(next, 1, 3));
    const part = (): number[] =>
      shape.slice(integer(next, 0, shape.length)).map((extent) => next() < 0.4 ? 1 : extent);
    const [one, other] = [shape.map((extent) => next() < 0.2 ? 1 : extent), part()];
    const full = shape.map((_, k) => {
      const behind = k - (shape.length - other.length);
      return Math.max(one[k]!, behind >= 0 ? other[behind]! : 1);
    });
    const [a, b] = [numbers(one, round), numbers(other, round + 100)];
    const at = (values: number[], own: readonly number[], index: number[]): number => {
      let position = 0;
      own.forEach((extent, k) => {
        const along = index[index.length - own.length + k]!;
        position = position * extent + (extent === 1 ? 0 : along);
      });
      return values[position]!;
    };
    const [fn, plain] = ops[round % ops.length]!;
    const result = fn(t.constant(a, { shape: one }), t.constant(b, { shape: other }));
    assertEquals(result.shape, full);
    assertEquals(
      t.valuesOf(result).map((value) => value + 0),
      fromIndex(full, (...index) => plain(at(a, one, index), at(b, other, index))).map((v) =>
        v + 0
      ),
    );
  }
});

Deno.test("numbers take the element type of the tensor beside them", () => {
  assertEquals(t.add(t.range(2), 1).dtype, "i32");
  assertEquals(t.mul(2, t.constant([1, 2], { dtype: "u32" })).dtype, "u32");
  assertThrows(() => t.add(t.range(2), 0.5), RangeError, "Cannot add the number 0.5 beside");
  assertThrows(() => t.mul(t.ones([1]), NaN), RangeError, "NaN");
  assertThrows(() => t.sub(t.ones([1], "u32"), -1), RangeError, "-1");
});

Deno.test("add() throws on operands that do not fit", () => {
  assertThrows(
    () => t.add(t.zeros([2, 3]), t.zeros([2])),
    TypeError,
    "Cannot add f32[2, 3] and f32[2]: the shapes do not broadcast",
  );
  assertThrows(
    () => t.add(t.zeros([2]), t.range(2)),
    TypeError,
    "Cannot add f32[2] and i32[2]: expected one element type",
  );
  assertThrows(() => t.where(t.zeros([2]), 1, 0), TypeError, "expected bool");
  assertThrows(() => t.broadcastTo(t.zeros([2]), [3]), TypeError, "Cannot broadcast f32[2] to [3]");
  assertThrows(() => t.broadcastTo(t.zeros([2, 2]), [2]), TypeError, "Cannot broadcast");
});

Deno.test("where() broadcasts condition and operands", () => {
  const condition = t.constant([[1], [0]], { dtype: "bool" });
  assertEquals(t.valuesOf(t.where(condition, t.constant([1, 2, 3]), 0)), [1, 2, 3, 0, 0, 0]);
});

Deno.test("reductions agree with loops", () => {
  const shape = [2, 3, 4];
  const values = numbers(shape, 5);
  const x = t.constant(values, { shape });
  const at = (i: number, j: number, k: number): number => values[(i * 3 + j) * 4 + k]!;
  const line = (i: number, j: number): number[] => [0, 1, 2, 3].map((k) => at(i, j, k));
  const mean = (list: number[]): number => list.reduce((a, b) => a + b) / list.length;
  const rows = (fn: (list: number[]) => number): number[] =>
    fromIndex([2, 3], (i, j) => fn(line(i!, j!)));
  assertEquals(t.valuesOf(t.max(x, { axes: -1 })), rows((list) => Math.max(...list)));
  assertEquals(t.valuesOf(t.min(x, { axes: 2 })), rows((list) => Math.min(...list)));
  assertEquals(t.valuesOf(t.mean(x, { axes: [2] })), rows(mean));
  assertEquals(
    t.valuesOf(t.argMax(x, { axes: -1 })),
    rows((list) => list.indexOf(Math.max(...list))),
  );
  assertEquals(
    t.valuesOf(t.sum(x, { axes: [0, 2] })),
    [0, 1, 2].map((j) => [0, 1].flatMap((i) => line(i, j)).reduce((a, b) => a + b)),
  );
  const spread = t.valuesOf(t.variance(x, { axes: 2, correction: 1 }));
  rows((list) => list.reduce((total, v) => total + (v - mean(list)) ** 2, 0) / 3)
    .forEach((expected, k) => assertAlmostEquals(spread[k]!, expected, 1e-12));
  assertEquals(t.sum(x, { axes: [0, -1], keepAxes: true }).shape, [1, 3, 1]);
  assertEquals(t.sum(x).shape, []);
  assertThrows(
    () => t.sum(x, { axes: 3 }),
    RangeError,
    "Cannot sum: found axis 3 for f32[2, 3, 4]",
  );
  assertThrows(() => t.mean(x, { axes: [0, -3] }), RangeError, "distinct axes");
  assertThrows(() => t.variance(t.ones([1]), { correction: 1 }), RangeError, "variance of 1");
});

Deno.test("slice() follows Python on random ranges", () => {
  type Walk = [from: number | null, to: number | null, step: number];
  const walk = (extent: number, [from, to, step]: Walk): number[] => {
    const wrap = (position: number): number => position < 0 ? position + extent : position;
    const taken: number[] = [];
    let at = from === null ? (step > 0 ? 0 : extent - 1) : wrap(from);
    const before = (): boolean => to === null || (step > 0 ? at < wrap(to) : at > wrap(to));
    for (; at >= 0 && at < extent && before(); at += step) taken.push(at);
    return taken;
  };
  const next = uniform(11);
  for (let round = 0; round < 200; round++) {
    const extent = integer(next, 1, 6);
    const end = (): number | null => next() < 0.3 ? null : integer(next, -extent, extent);
    const step = [1, 2, 3, -1, -2][integer(next, 0, 4)]!;
    const from = next() < 0.3 ? null : integer(next, -extent, extent - 1);
    const range: Walk = [from, end(), step];
    const sliced = t.slice(t.range(extent), [range]);
    assertEquals(t.valuesOf(sliced), walk(extent, range), `[${range}] of ${extent}`);
  }
  const clamped: [SliceRange, number[]][] = [
    [[-9, 9], [0, 1, 2]],
    [[9, null, -1], [2, 1, 0]],
    [[2, -9, -1], [2, 1, 0]],
    [[5, 9], []],
  ];
  for (const [range, expected] of clamped) {
    assertEquals(t.valuesOf(t.slice(t.range(3), [range])), expected);
  }
  assertThrows(() => t.slice(t.range(3), [3]), RangeError, "expected -3 to 2");
  assertThrows(() => t.slice(t.range(3), [[0, 3, 0]]), RangeError, "a step that is not 0");
  assertThrows(() => t.slice(t.range(3), [0, 0]), RangeError, "expected at most 1");
});

Deno.test("reshape() computes one extent and throws where it cannot", () => {
  const x = t.range(12);
  assertEquals(t.reshape(x, [2, -1, 3]).shape, [2, 2, 3]);
  assertEquals(t.reshape(t.zeros([0, 3]), [0, 5]).shape, [0, 5]);
  assertThrows(() => t.reshape(x, [5, -1]), TypeError, "Cannot reshape i32[12] to [5, -1]");
  assertThrows(() => t.reshape(x, [-1, -1]), TypeError, "at most one -1");
  assertThrows(() => t.reshape(x, [5]), TypeError, "expected 5");
});

Deno.test("axes may be named from the end", () => {
  const x = t.zeros([2, 3, 4]);
  assertEquals(t.expandDims(x, -1).shape, [2, 3, 4, 1]);
  assertEquals(t.expandDims(x, 0).shape, [1, 2, 3, 4]);
  assertEquals(t.transpose(x, [-1, 0, 1]).shape, [4, 2, 3]);
  assertEquals(t.squeeze(t.zeros([1, 2, 1]), -1).shape, [1, 2]);
  assertEquals(t.stack([x, x], { axis: -1 }).shape, [2, 3, 4, 2]);
  assertEquals(t.concat([x, x], { axis: -2 }).shape, [2, 6, 4]);
  assertThrows(() => t.squeeze(x, 0), RangeError, "found extent 2");
  assertThrows(() => t.transpose(x, [0, 1]), RangeError, "every axis once");
  assertThrows(() => t.concat([]), TypeError, "found none");
  assertThrows(() => t.stack([x, t.zeros([2])]), TypeError, "expected equal shapes");
  assertThrows(() => t.split(x, { parts: 3, axis: 2 }), RangeError, "into 3 equal parts");
});

Deno.test("rotate90() turns counter-clockwise, four times to the start", () => {
  const x = t.reshape(t.range(6, "f32"), [2, 3, 1]);
  assertEquals(t.valuesOf(t.rotate90(x, 1)), [2, 5, 1, 4, 0, 3]);
  assertEquals(t.valuesOf(t.rotate90(x, -1)), [3, 0, 4, 1, 5, 2]);
  assertEquals(t.valuesOf(t.rotate90(x, 2)), [5, 4, 3, 2, 1, 0]);
  let turned = x;
  for (let k = 0; k < 4; k++) turned = t.rotate90(turned, 1);
  assertEquals(t.valuesOf(turned), t.valuesOf(x));
  assertThrows(
    () => t.crop(x, { top: 1, left: 1, height: 2, width: 1 }),
    RangeError,
    "inside of 2 x 3",
  );
});

Deno.test("einsum() agrees with nested loops", () => {
  const equations = [
    "ij,jk->ik",
    "ij,kj->ki",
    "bij,bjk->bik",
    "ij,ij->",
    "i,j->ij",
    "bi,bj->ijb",
    "ij->i",
    "ijk->kij",
    "ij,k->j",
  ];
  const extents: Record<string, number> = { b: 2, i: 3, j: 4, k: 2 };
  for (const equation of equations) {
    const [left, output] = equation.split("->") as [string, string];
    const inputs = left.split(",");
    const shapes = inputs.map((names) => [...names].map((name) => extents[name]!));
    const values = shapes.map((shape, k) => numbers(shape, k + 1));
    const inner = [...new Set(left.replace(",", ""))].filter((name) => !output.includes(name));
    const names = [...output, ...inner];
    const outShape = [...output].map((name) => extents[name]!);
    const expected = new Array<number>(outShape.reduce((a, b) => a * b, 1)).fill(0);
    fromIndex(names.map((name) => extents[name]!), (...index) => {
      const at = (list: string): number =>
        [...list].reduce(
          (position, name) => position * extents[name]! + index[names.indexOf(name)]!,
          0,
        );
      const product = inputs.reduce((total, list, k) => total * values[k]![at(list)]!, 1);
      expected[at(output)] = expected[at(output)]! + product;
      return 0;
    });
    const result = t.einsum(equation, shapes.map((shape, k) => t.constant(values[k]!, { shape })));
    assertEquals(result.shape, outShape);
    assertEquals(t.valuesOf(result), expected, equation);
  }
  const a = t.ones([2, 3]);
  assertThrows(() => t.einsum("ij->k", [a]), SyntaxError, "no operand names the axis k");
  assertThrows(() => t.einsum("ij->ii", [a]), SyntaxError, "the result names the axis i twice");
  assertThrows(() => t.einsum("i1->i", [a]), SyntaxError, "Cannot read the equation 'i1->i'");
  assertThrows(() => t.einsum("...i...->i", [a]), SyntaxError, "at most one '...'");
  assertThrows(() => t.einsum("...ijk->i", [a]), TypeError, "operand 0 needs at least 3 axes");
  assertThrows(() => t.einsum("ii->i", [a]), TypeError, "axis i has the extents 2 and 3");
  assertThrows(
    () => t.einsum("...i,...i", [a, t.ones([3, 3])]),
    TypeError,
    "axis of '...' has the extents 2 and 3",
  );
  assertThrows(() => t.einsum("ij,jk->ik", [a, a]), TypeError, "axis j has the extents 3 and 2");
  assertThrows(() => t.einsum("ij,jk->ik", [a]), TypeError, "expected 2 operands");
});

Deno.test("matmul() throws on inner extents that differ", () => {
  const wrong = () => t.matmul(t.ones([2, 3]), t.ones([2, 3]));
  assertThrows(wrong, TypeError, "Cannot multiply the matrices f32[2, 3] and f32[2, 3]");
  assertThrows(() => t.matmul(t.ones([2, 2, 3]), t.ones([3, 3, 2])), TypeError, "batch axes");
  assertThrows(() => t.matmul(t.ones([]), t.ones([1])), TypeError, "Cannot multiply");
});

Deno.test("conv2d() pads 'same' to ceil(size / stride), the odd zero behind", () => {
  for (const size of [4, 5, 6, 7]) {
    for (const kernel of [1, 2, 3, 5]) {
      for (const stride of [1, 2, 3]) {
        const y = t.conv2d(t.ones([1, size, size, 1]), t.ones([kernel, kernel, 1, 1]), {
          stride,
          padding: "same",
        });
        assertEquals(y.shape, [1, Math.ceil(size / stride), Math.ceil(size / stride), 1]);
      }
    }
  }
  const edge = t.conv2d(t.ones([1, 1, 3, 1]), t.ones([1, 2, 1, 1]), { padding: "same" });
  assertEquals(t.valuesOf(edge), [2, 2, 1]);
  assertThrows(
    () => t.conv2d(t.ones([1, 3, 3, 2]), t.ones([3, 3, 1, 1])),
    TypeError,
    "Cannot convolve",
  );
  assertThrows(
    () => t.conv2d(t.ones([1, 3, 3, 1]), t.ones([3, 3, 1, 1]), { stride: 0 }),
    RangeError,
  );
});

Deno.test("pooling cuts the rest of odd sizes", () => {
  const x = t.reshape(t.range(15, "f32"), [1, 3, 5, 1]);
  assertEquals(t.valuesOf(t.maxPool2d(x)), [6, 8]);
  assertEquals(t.valuesOf(t.avgPool2d(x)), [3, 5]);
  assertEquals(t.maxPool2d(x, { window: 3 }).shape, [1, 1, 1, 1]);
  assertThrows(() => t.maxPool2d(x, { window: 4 }), RangeError, "larger than the images");
});

Deno.test("oneHot() ignores classes that do not exist", () => {
  const classes = t.constant([-1, 2, 3], { dtype: "i32" });
  assertEquals(t.valuesOf(t.oneHot(classes, 3)), [0, 0, 0, 0, 0, 1, 0, 0, 0]);
  assertThrows(() => t.oneHot(t.ones([2]), 3), TypeError, "expected i32");
});

Deno.test("constant() checks nesting and counts", () => {
  assertThrows(
    () => t.constant([[1], [2, 3]]),
    TypeError,
    "found nested arrays of the shapes [1], [2]",
  );
  assertThrows(() => t.constant([1, 2], { shape: [3] }), TypeError, "found 2 values, expected 3");
  assertEquals(t.constant(Int32Array.of(4, 5), { dtype: "i32" }).shape, [2]);
  assert(t.constant(3).rank === 0);
});
