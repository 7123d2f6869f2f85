import { assertStringIncludes, assertThrows } from "@std/assert";
import type { DType, Shape } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";

const t = (shape: Shape, dtype: DType = "f32"): Tensor => ops.input({ shape, dtype });
const window = { stride: [1, 1], padding: [0, 0, 0, 0] } as const;

/** What must not be accepted, and what the message must say. */
const rejected: readonly (readonly [string, () => unknown, string])[] = [
  ["add() of two shapes", () => ops.add(t([3]), t([1])), "'add' to (f32[3], f32[1])"],
  ["add() of two types", () => ops.add(t([3]), t([3], "i32")), "all of one type"],
  ["add() of booleans", () => ops.add(t([3], "bool"), t([3], "bool")), "f32, i32, u32"],
  ["exp() of integers", () => ops.exp(t([3], "i32")), "'exp' to (i32[3])"],
  ["neg() of unsigned integers", () => ops.neg(t([3], "u32")), "f32, i32"],
  ["not() of numbers", () => ops.not(t([3])), "bool"],
  ["xor() of signed integers", () => ops.xor(t([3], "i32"), t([3], "i32")), "u32"],
  ["less() of booleans", () => ops.less(t([3], "bool"), t([3], "bool")), "f32, i32, u32"],
  ["select() by numbers", () => ops.select(t([3]), t([3]), t([3])), "bool condition"],
  [
    "select() between two types",
    () => ops.select(t([3], "bool"), t([3]), t([3], "i32")),
    "two operands of one type",
  ],
  ["reshape() to another size", () => ops.reshape(t([2, 3]), [5]), "6"],
  ["permute() with a repeated axis", () => ops.permute(t([2, 3]), [0, 0]), "no order"],
  ["permute() with too few axes", () => ops.permute(t([2, 3]), [0]), "no order"],
  ["broadcast() of another extent", () => ops.broadcast(t([2]), [3, 4], [0]), "do not place"],
  [
    "broadcast() along an axis of extent 1",
    () => ops.broadcast(t([1, 3]), [2, 3], [0, 1]),
    "do not place",
  ],
  ["broadcast() in another order", () => ops.broadcast(t([3, 3]), [3, 3], [1, 0]), "do not place"],
  ["reverse() of a missing axis", () => ops.reverse(t([3]), [1]), "rank 1"],
  ["slice() that leaves", () => ops.slice(t([3]), { start: [2], shape: [2] }), "leaves f32[3]"],
  ["slice() of all from 1 on", () => ops.slice(t([3]), { start: [1], shape: [3] }), "leaves"],
  [
    "slice() of all in steps of 2",
    () => ops.slice(t([3]), { start: [0], shape: [3], stride: [2] }),
    "leaves",
  ],
  ["pad() by less than nothing", () => ops.pad(t([3]), { low: [-1], high: [0] }), ">= 0"],
  ["pad() of booleans", () => ops.pad(t([3], "bool"), { low: [1], high: [0] }), "numeric"],
  ["concat() of unequal rows", () => ops.concat([t([2, 3]), t([2, 4])], 0), "along axis 0 only"],
  ["concat() of two types", () => ops.concat([t([2]), t([2], "i32")], 0), "axis 0 only"],
  ["concat() along a missing axis", () => ops.concat([t([2]), t([2])], 1), "no axis"],
  ["sum() of integers", () => ops.sum(t([3], "i32"), [0]), "expected f32"],
  ["sum() over axes that do not increase", () => ops.sum(t([3, 4]), [1, 0]), "increasing"],
  ["reduceMax() over a missing axis", () => ops.reduceMax(t([3]), [1]), "rank 1"],
  ["argMax() of booleans", () => ops.argMax(t([3], "bool"), [0]), "expected f32"],
  ["gather() by numbers", () => ops.gather(t([3]), t([2])), "expected i32 indices"],
  ["gather() of no rows", () => ops.gather(t([0]), t([2], "i32")), "fit f32[0]"],
  [
    "gather() with other batch axes",
    () => ops.gather(t([3, 5]), t([2, 7], "i32"), 1),
    "1 batch axes",
  ],
  [
    "scatterAdd() of another count",
    () => ops.scatterAdd(t([3]), t([2], "i32"), { rows: 5 }),
    "leading axes",
  ],
  [
    "scatterAdd() of integers",
    () => ops.scatterAdd(t([3], "i32"), t([3], "i32"), { rows: 5 }),
    "expected f32",
  ],
  ["matmul() of unequal inner axes", () => ops.matmul(t([2, 3]), t([4, 5])), "inner extents"],
  ["matmul() of unequal batches", () => ops.matmul(t([2, 3, 4]), t([3, 4, 5])), "batch axes"],
  ["matmul() of a vector", () => ops.matmul(t([2, 3]), t([3])), "expected matrices"],
  [
    "matmul() of a transposed vector",
    () => ops.matmul(t([2, 3]), t([3]), { transposeB: true }),
    "expected matrices",
  ],
  [
    "conv2d() of other channels",
    () =>
      ops.conv2d(t([1, 2, 5, 5, 3]), t([1, 3, 3, 4, 8]), {
        ...window,
        input: [5, 5],
        kernel: [3, 3],
      }),
    "images is [1, 2, 5, 5, 3], expected [1, any, 5, 5, 4]",
  ],
  [
    "conv2d() of a window that does not fit",
    () =>
      ops.conv2d(t([1, 2, 2, 5, 3]), t([1, 3, 3, 3, 8]), {
        ...window,
        input: [2, 5],
        kernel: [3, 3],
      }),
    "does not fit",
  ],
  [
    "conv2dInputGrad() of a cotangent of another size",
    () =>
      ops.conv2dInputGrad(t([1, 3, 3, 3, 8]), t([1, 2, 5, 5, 8]), {
        ...window,
        input: [5, 5],
        kernel: [3, 3],
      }),
    "expected [1, any, 3, 3, 8]",
  ],
  [
    "conv2dFilterGrad() of other images",
    () =>
      ops.conv2dFilterGrad(t([1, 2, 5, 5, 3]), t([1, 4, 3, 3, 8]), {
        ...window,
        input: [5, 5],
        kernel: [3, 3],
      }),
    "expected [1, 2, 3, 3, any]",
  ],
  ["randomBits() of half a key", () => ops.randomBits(t([1], "u32"), [3]), "u32[batch..., 2]"],
  ["randomBits() of a signed key", () => ops.randomBits(t([2], "i32"), [3]), "u32[batch..., 2]"],
  ["fill() of half an integer", () => ops.fill(0.5, [2], "i32"), "found 0.5 at position 0"],
  ["fill() of a negative u32", () => ops.fill(-1, [2], "u32"), "0 to 2^32 - 1"],
  ["fill() of NaN as an integer", () => ops.fill(NaN, [2], "i32"), "found NaN"],
  ["fill() beyond f32", () => ops.fill(1e39, [2]), "found 1e+39"],
  ["fill() of half an axis", () => ops.fill(0, [2.5]), "[2.5]"],
  ["iota() of less than nothing", () => ops.iota([-2], [0]), "[-2]"],
  ["literal() of 1.5 as an integer", () => ops.literal([1, 1.5], [2], "i32"), "1.5 at position 1"],
  ["literal() of 2^32 + 5", () => ops.literal([2 ** 32 + 5], [1], "i32"), "4294967301"],
  ["literal() of 2 as a truth", () => ops.literal([2], [1], "bool"), "expected 0 or 1"],
  ["literal() of another size", () => ops.literal([1, 2], [3]), "found 2 values, expected 3"],
  ["iota() of booleans", () => ops.iota([3], [0], "bool"), "numeric type"],
  ["iota() over a missing axis", () => ops.iota([3], [1]), "rank 1"],
];

for (const [what, build, message] of rejected) {
  Deno.test(`rejects ${what}`, () => {
    const error = assertThrows(build, TypeError);
    assertStringIncludes(error.message, "Cannot apply '");
    assertStringIncludes(error.message, message);
  });
}
