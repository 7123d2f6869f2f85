import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { DType } from "../../src/ir/aval.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { categorical, gumbel, permutation, randomKey, shuffle } from "../../src/random/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { integer, pick, uniform } from "../cases/random.ts";
import { fromIndex } from "./fixtures.ts";
import { webgpuTest } from "../webgpu.ts";

/** NaN above everything; equal elements by position. */
function order(values: readonly number[], descending: boolean): number[] {
  const key = (value: number): [number, number] => Number.isNaN(value) ? [1, 0] : [0, value];
  return values.map((_, k) => k).sort((a, b) => {
    const [[nanA, x], [nanB, y]] = [key(values[a]!), key(values[b]!)];
    const difference = nanA - nanB || (x < y ? -1 : x > y ? 1 : 0);
    return (descending ? -difference : difference) || a - b;
  });
}

Deno.test("sort(), argSort() and topK() agree with a stable sort, ties, NaN and infinities included", () => {
  for (let seed = 0; seed < 120; seed++) {
    const next = uniform(seed);
    const dtype = pick<DType>(next, ["f32", "f32", "i32", "u32"]);
    const shape = [integer(next, 1, 3), integer(next, 1, 7), integer(next, 1, 2)];
    const values = fromIndex(shape, () => {
      const odd = [NaN, Infinity, -Infinity, -0][integer(next, 0, 12)];
      if (dtype === "f32" && odd !== undefined) return odd;
      return dtype === "u32" ? integer(next, 0, 4) * 1e9 : integer(next, -4, 4);
    });
    const axis = integer(next, 0, 2);
    const descending = next() < 0.5;
    const x = t.constant(values, { shape, dtype });
    const line = (index: number[]): number[] =>
      fromIndex([shape[axis]!], (k) => {
        const [i, j, c] = index.with(axis, k!);
        return values[(i! * shape[1]! + j!) * shape[2]! + c!]!;
      });
    const places = fromIndex(shape, (...index) => order(line(index), descending)[index[axis]!]!);
    assertEquals(t.valuesOf(t.argSort(x, { axis, descending })), places);
    const sorted = fromIndex(shape, (...index) => {
      const list = line(index);
      return list[order(list, descending)[index[axis]!]!]!;
    });
    assertEquals(t.valuesOf(t.sort(x, { axis: axis - 3, descending })), sorted);
    const count = integer(next, 0, shape[axis]!);
    const { values: top, indices } = t.topK(x, { count, axis });
    const short = shape.with(axis, count);
    assertEquals([top.shape, indices.shape], [short, short]);
    assertEquals(
      t.valuesOf(indices),
      fromIndex(short, (...index) => order(line(index), true)[index[axis]!]!),
    );
  }
  assertEquals(t.sort(t.zeros([2, 0])).shape, [2, 0]);
  assertThrows(() => t.sort(t.zeros([2], "bool")), TypeError, "Cannot sort bool[2]");
  assertThrows(() => t.topK(t.zeros([2]), { count: 3 }), RangeError, "from 0 to 2");
  assertThrows(() => t.argSort(t.zeros([2 ** 24 + 1])), RangeError, "at most 16777216");
});

Deno.test("derivatives of sort() and topK() go to where elements came from", () => {
  const x = t.constant([3, 1, 2]);
  const weighted = (y: Tensor) => t.sum(t.mul(y, t.constant([1, 10, 100])));
  assertEquals(t.valuesOf(grad((y: Tensor) => weighted(t.sort(y)))(x)), [100, 1, 10]);
  const best = (y: Tensor) => t.sum(t.topK(y, { count: 2 }).values);
  assertEquals(t.valuesOf(grad(best)(x)), [1, 0, 1]);
});

Deno.test("integers are summed, multiplied and compared exactly", () => {
  for (const extent of [1, 2, 3, 7, 8, 100]) {
    const next = uniform(extent);
    const values = fromIndex([2, extent], () => integer(next, -(2 ** 31), 2 ** 31 - 1));
    const x = t.constant(values, { shape: [2, extent], dtype: "i32" });
    const rows = [values.slice(0, extent), values.slice(extent)];
    const wrapped = (list: number[], join: (a: number, b: number) => number): number =>
      list.reduce((a, b) => join(a, b) | 0);
    const each = (fn: (list: number[]) => number): number[] => rows.map(fn);
    const along = { axes: 1 };
    assertEquals(t.valuesOf(t.sum(x, along)), each((list) => wrapped(list, (a, b) => a + b)));
    assertEquals(t.valuesOf(t.prod(x, along)), each((list) => wrapped(list, Math.imul)));
    assertEquals(t.valuesOf(t.max(x, along)), each((list) => Math.max(...list)));
    assertEquals(t.valuesOf(t.min(x, along)), each((list) => Math.min(...list)));
    const first = (list: number[]) => list.indexOf(Math.max(...list));
    assertEquals(t.valuesOf(t.argMax(x, along)), each(first));
    assertEquals(t.valuesOf(t.argMax(x))[0], first(values));
  }
  const words = t.constant([2 ** 32 - 1, 7, 7], { dtype: "u32" });
  assertEquals([t.sum(words), t.max(words), t.min(words)].map(t.valuesOf), [[13], [2 ** 32 - 1], [
    7,
  ]]);
  assertEquals(t.sum(words).dtype, "u32");
  assertEquals(t.valuesOf(t.sum(t.zeros([2, 0], "i32"), { axes: 1, keepAxes: true })), [0, 0]);
});

Deno.test("mod() has the sign of the divisor, for integers and real numbers", () => {
  const floorMod = (a: number, b: number): number => a - b * Math.floor(a / b);
  const pairs = fromIndex([11, 5], (i, j) => (i! - 5) * 100 + [-3, -1, 1, 3, 7][j!]!);
  const [a, b] = [
    pairs.map((p) => Math.round(p / 100)),
    pairs.map((p) => p - 100 * Math.round(p / 100)),
  ];
  for (const dtype of ["i32", "f32"] as const) {
    const found = t.mod(t.constant(a, { dtype }), t.constant(b, { dtype }));
    assertEquals(t.valuesOf(found).map((v) => v + 0), a.map((x, k) => floorMod(x, b[k]!) + 0));
  }
  const fractions = t.valuesOf(
    t.mod(t.constant([5.5, -5.5, 5.5, -5.5]), t.constant([2, 2, -2, -2])),
  );
  assertEquals(fractions, [1.5, 0.5, -0.5, -1.5]);
  assertEquals(t.valuesOf(t.mod(t.constant([7, 8], { dtype: "u32" }), 3)), [1, 2]);
  const [few, far] = [[5, -5, 5, -5, 0], [Infinity, Infinity, -Infinity, -Infinity, Infinity]];
  assertEquals(
    t.valuesOf(t.mod(t.constant(few!), t.constant(far!))),
    [5, Infinity, -Infinity, -5, 0],
  );
  assertEquals(t.valuesOf(t.mod(t.constant([1, Infinity]), t.constant([0, 2]))), [NaN, NaN]);
  const slope = grad((x: Tensor) => t.sum(t.mod(t.constant([5.5, -5.5]), x)))(t.constant([2, 2]));
  assertEquals(t.valuesOf(slope), [-2, 3]);
});

Deno.test("logAddExp() is right far apart, where equal, and at infinities", () => {
  const cases: [number, number, number][] = [
    [0, 0, Math.LN2],
    [1000, 1000, 1000 + Math.LN2],
    [0, -20, Math.log1p(Math.exp(-20))],
    [-20, 0, Math.log1p(Math.exp(-20))],
    [3, -Infinity, 3],
    [-Infinity, -Infinity, -Infinity],
    [Infinity, 3, Infinity],
    [Infinity, Infinity, Infinity],
    [NaN, 1, NaN],
  ];
  for (const [a, b, expected] of cases) {
    const [found] = t.valuesOf(t.logAddExp(t.constant([a]), b));
    if (Number.isFinite(expected)) assertAlmostEquals(found!, expected, 1e-12);
    else assertEquals(found, expected);
  }
  const slopes = grad((x: Tensor) => t.logAddExp(x, 2))(t.constant(2));
  assertEquals(t.valuesOf(slopes), [0.5]);
  assertEquals(t.valuesOf(grad((x: Tensor) => t.logAddExp(x, -Infinity))(t.constant(2))), [1]);
});

Deno.test("nanToNum() replaces what is not finite, without derivative", () => {
  const x = t.constant([1, NaN, Infinity, -Infinity]);
  const greatest = 3.4028234663852886e38;
  assertEquals(t.valuesOf(t.nanToNum(x)), [1, 0, greatest, -greatest]);
  assertEquals(t.valuesOf(t.nanToNum(x, { nan: 5, positive: 6, negative: 7 })), [1, 5, 6, 7]);
  const slope = grad((y: Tensor) => t.sum(t.mul(t.nanToNum(y), y)))(t.constant([3]));
  assertEquals(t.valuesOf(slope), [6]);
  assertEquals(t.valuesOf(grad((y: Tensor) => t.sum(t.nanToNum(y)))(x)), [1, 0, 0, 0]);
});

Deno.test("categorical() draws by the softmax of its scores", () => {
  const probabilities = [0.1, 0.2, 0.7];
  const logits = t.constant(probabilities.map(Math.log), { shape: [3, 1] });
  const count = 6000;
  const drawn = t.valuesOf(categorical(randomKey(1), logits, { axis: 0, shape: [count] }));
  const found = probabilities.map((_, k) => drawn.filter((at) => at === k).length);
  const distance = probabilities.reduce(
    (sum, p, k) => sum + (found[k]! - count * p) ** 2 / (count * p),
    0,
  );
  // The 99.9 % quantile of chi squared with two degrees of freedom.
  assert(distance < 13.8, `${found}`);
  const masked = t.constant([[0, -Infinity, 0], [-Infinity, -Infinity, 1]]);
  const classes = t.valuesOf(categorical(randomKey(2), masked, { shape: [200] }));
  assert(classes.every((at, k) => k % 2 === 0 ? at !== 1 : at === 2));
  assertEquals(new Set(classes.filter((_, k) => k % 2 === 0)).size, 2);
  assertThrows(() => categorical(randomKey(0), masked, { axis: 2 }), RangeError);
});

Deno.test("gumbel() has the distribution that its name says", () => {
  const values = t.valuesOf(gumbel(randomKey(3), [4000])).sort((a, b) => a - b);
  // Kolmogorov and Smirnov at 0.1 %.
  const most = Math.max(
    ...values.map((x, k) => Math.abs(Math.exp(-Math.exp(-x)) - (k + 0.5) / 4000)),
  );
  assert(most < 1.95 / Math.sqrt(4000), `${most}`);
});

Deno.test("permutation() and shuffle() put things into every order alike", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 1200; seed++) {
    const text = t.valuesOf(permutation(randomKey(seed), 3)).join("");
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  assertEquals(counts.size, 6);
  const distance = [...counts.values()].reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0);
  assert(distance < 20.5, `${[...counts]}`);
  const x = t.constant([[1, 2, 3], [4, 5, 6]]);
  const shuffled = t.valuesOf(shuffle(randomKey(4), x, { axis: 1 }));
  assertEquals(shuffled.map((value) => value % 3).slice(0, 3), shuffled.slice(3).map((v) => v % 3));
  assertEquals(t.valuesOf(t.sort(shuffle(randomKey(5), t.range(50)))), t.valuesOf(t.range(50)));
  assertThrows(() => shuffle(randomKey(0), x, { axis: 2 }), RangeError, "found axis 2");
  assertEquals(shuffle(randomKey(0), t.zeros([0, 2])).shape, [0, 2]);
});

/** Sorting, integers and draws on an engine, against the same functions in float64. */
async function assertEngine(engine: Engine): Promise<void> {
  const values = Float32Array.from({ length: 130 }, (_, k) => Math.round(20 * Math.sin(k * k)));
  values[7] = NaN;
  values[9] = Infinity;
  const integers = Int32Array.from({ length: 130 }, (_, k) => Math.imul(k * k, 0x9e3779b1));
  const fn = (x: Tensor, n: Tensor) => [
    t.sort(x),
    t.argSort(x, { descending: true }),
    t.topK(t.reshape(x, [10, 13]), { count: 4, axis: 0 }).indices,
    t.argSort(n),
    ...[t.sum, t.max, t.min, t.argMax, t.prod].map((reduce) => reduce(n)),
    t.sum(t.reshape(n, [13, 10]), { axes: 0 }),
    t.mod(n, 7),
    permutation(randomKey(1), 100),
    categorical(randomKey(2), t.reshape(t.nanToNum(x, { nan: 0, positive: 1 }), [10, 13])),
    t.setRows(
      t.reshape(n, [13, 10]),
      t.constant([3, 3, 99], { dtype: "i32" }),
      t.ones([3, 10], "i32"),
    ),
    t.cumSum(n),
  ];
  const wanted = fn(t.constant(values), t.constant(integers, { dtype: "i32" })).map(t.valuesOf);
  const run = engine.jit(fn);
  for (const others of [true, false]) {
    const [x, n] = others ? [values.toReversed(), integers.toReversed()] : [values, integers];
    const results = await run(hostArray(x!), hostArray(n!, [130], "i32"));
    for (const [k, value] of results.entries()) {
      const { data } = await engine.read(value);
      engine.release(value);
      if (!others) assertEquals(Array.from(data), wanted[k], `result ${k}`);
    }
  }
}

webgpuTest("sorting, integers and draws are the same on WebGPU", async (gpu) => {
  await assertEngine(new Engine(new WebGpuBackend(gpu)));
});

Deno.test("sorting, integers and draws are the same on TensorFlow.js", async () => {
  const engine = await openEngine("tfjs");
  await assertEngine(engine);
  engine.close();
});
