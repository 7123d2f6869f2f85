import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as t from "../../src/tensor/mod.ts";
import type { PadMode } from "../../src/tensor/mod.ts";
import { integer, uniform } from "../cases/random.ts";
import { fromIndex } from "./fixtures.ts";

type Pair = readonly [number, number];

/** Image values by position; `undefined` outside. */
function reader(values: readonly number[], [n, h, w, c]: readonly number[]) {
  return (i: number, y: number, x: number, k: number): number | undefined =>
    i < n! && y >= 0 && y < h! && x >= 0 && x < w!
      ? values[((i * h! + y) * w! + x) * c! + k]
      : undefined;
}

Deno.test("maxPool2d() and avgPool2d() agree with loops for every window, stride and padding", () => {
  for (let seed = 0; seed < 100; seed++) {
    const next = uniform(seed);
    const pair = (
      low: number,
      high: number,
    ): Pair => [integer(next, low, high), integer(next, low, high)];
    const window = pair(1, 3);
    const stride = pair(1, 3);
    const padding = [0, 1, 0, 1].map((k) => integer(next, 0, window[k]! - 1)) as [
      ...Pair,
      ...Pair,
    ];
    const shape = [2, integer(next, 3, 6), integer(next, 3, 6), 2];
    const values = fromIndex(shape, () => integer(next, -9, 9));
    const at = reader(values, shape);
    const rows = Math.floor((shape[1]! + padding[0] + padding[2] - window[0]) / stride[0]) + 1;
    const columns = Math.floor((shape[2]! + padding[1] + padding[3] - window[1]) / stride[1]) + 1;
    const seen = (n: number, r: number, q: number, c: number): number[] =>
      fromIndex(
        window,
        (y, x) => at(n, r * stride[0] + y! - padding[0], q * stride[1] + x! - padding[1], c)!,
      )
        .filter((value) => value !== undefined);
    const each = (fn: (values: number[]) => number): number[] =>
      fromIndex([2, rows, columns, 2], (n, r, q, c) => fn(seen(n!, r!, q!, c!)));
    const images = t.constant(values, { shape });
    const options = { window, stride, padding };
    const total = (list: number[]): number => list.reduce((a, b) => a + b, 0);
    const what = JSON.stringify({ shape, ...options });
    const largest = t.maxPool2d(images, options);
    assertEquals(largest.shape, [2, rows, columns, 2], what);
    assertEquals(t.valuesOf(largest), each((list) => Math.max(...list)), what);
    const compare = (actual: number[], wanted: number[]): void =>
      wanted.forEach((value, k) => assertAlmostEquals(actual[k]!, value, 1e-12, what));
    compare(t.valuesOf(t.avgPool2d(images, options)), each((list) => total(list) / list.length));
    compare(
      t.valuesOf(t.avgPool2d(images, { ...options, countPadding: true })),
      each((list) => total(list) / (window[0] * window[1])),
    );
  }
});

Deno.test("pooling says what does not fit", () => {
  const images = t.ones([1, 3, 3, 1]);
  assertThrows(() => t.maxPool2d(images, { window: 4 }), RangeError, "larger than the images");
  assertThrows(() => t.maxPool2d(images, { padding: 2 }), RangeError, "less than the window [2,2]");
  assertThrows(() => t.avgPool2d(images, { stride: 0 }), RangeError, "stride [0,0]");
  assertThrows(() => t.avgPool2d(images, { window: 1.5 }), RangeError, "window [1.5,1.5]");
  assertThrows(() => t.avgPool2d(t.ones([3, 3])), TypeError, "expected images");
});

Deno.test("pad() agrees with numpy's modes", () => {
  // np.pad([1, 2, 3, 4], ...) of numpy 2.
  const cases: [PadMode, [number, number], number[]][] = [
    ["edge", [2, 5], [1, 1, 1, 2, 3, 4, 4, 4, 4, 4, 4]],
    ["reflect", [3, 2], [4, 3, 2, 1, 2, 3, 4, 3, 2]],
    ["symmetric", [4, 3], [4, 3, 2, 1, 1, 2, 3, 4, 4, 3, 2]],
    ["wrap", [3, 4], [2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]],
    ["constant", [1, 0], [0, 1, 2, 3, 4]],
    ["reflect", [0, 1], [1, 2, 3, 4, 3]],
  ];
  for (const [mode, widths, expected] of cases) {
    for (const dtype of ["f32", "i32"] as const) {
      const x = t.constant([1, 2, 3, 4], { dtype });
      assertEquals(t.valuesOf(t.pad(x, [widths], { mode })), expected, mode);
    }
  }
  const both = t.pad(t.constant([[1, 2], [3, 4]]), [[1, 0], [0, 1]], { mode: "reflect" });
  assertEquals(t.valuesOf(both), [3, 4, 3, 1, 2, 1, 3, 4, 3]);
  const x = t.range(3);
  assertThrows(() => t.pad(x, [[3, 0]], { mode: "reflect" }), RangeError, "at most 2");
  assertThrows(() => t.pad(x, [[0, 4]], { mode: "symmetric" }), RangeError, "at most 3");
  assertThrows(() => t.pad(x, [[0, 4]], { mode: "wrap" }), RangeError, "at most 3");
  assertThrows(() => t.pad(t.zeros([0]), [[0, 1]], { mode: "edge" }), RangeError, "at most 0");
});

Deno.test("resizeImages() agrees with PyTorch's interpolate", () => {
  // x = arange(12).reshape(3, 4) ** 2 % 17; F.interpolate of torch 2.13, modes bilinear, nearest-exact,
  // bilinear with antialias=True.
  const x = t.constant(Array.from({ length: 12 }, (_, k) => k ** 2 % 17), { shape: [3, 4, 1] });
  const cases: [Parameters<typeof t.resizeImages>[1], number[]][] = [
    [{ height: 5, width: 6 }, [
      0,
      0.5,
      1.5,
      3.5,
      6.5,
      9,
      6.400001,
      5.1,
      3.7,
      3.3,
      7.3,
      11.4,
      16,
      12,
      7,
      3,
      8.5,
      15,
      14.2,
      12.6,
      10.8,
      10,
      8.5,
      7.199998,
      13,
      13,
      13.33333,
      14.66667,
      8.5,
      2,
    ]],
    [{ height: 2, width: 3 }, [3.791667, 3.125, 9.333335, 13.41667, 11.75, 6.333332]],
    [{ height: 5, width: 3, method: "nearest" }, [
      0,
      4,
      9,
      0,
      4,
      9,
      16,
      2,
      15,
      13,
      15,
      2,
      13,
      15,
      2,
    ]],
    [{ height: 2, width: 7, method: "nearest" }, [0, 0, 1, 4, 4, 9, 9, 13, 13, 13, 15, 15, 2, 2]],
    [{ height: 2, width: 2, antialias: true }, [4.589286, 6.732143, 12.26786, 8.875]],
    [{ height: 1, width: 3, antialias: true }, [9.628572, 6.857142, 8.585714]],
  ];
  for (const [options, expected] of cases) {
    const resized = t.resizeImages(x, options);
    assertEquals(resized.shape, [options.height, options.width, 1]);
    t.valuesOf(resized).forEach((value, k) => assertAlmostEquals(value, expected[k]!, 1e-5));
  }
  assert(cases.length === 6);
  assertEquals(t.resizeImages(x, { height: 3, width: 4 }), x);
  assertThrows(() => t.resizeImages(x, { height: 0, width: 4 }), RangeError, "whole sizes from 1");
  assertThrows(
    () => t.resizeImages(t.ones([3, 4]), { height: 1, width: 4 }),
    TypeError,
    "expected",
  );
});
