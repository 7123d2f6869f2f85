/** Arrays large enough for what TensorFlow.js does with large ones only: pooling, views made by the host. */
import { assert, assertEquals } from "@std/assert";
import { type DType, type Shape, sizeOf } from "../../src/ir/aval.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { pooledMax, pooledSum } from "../../src/tfjs/windows.ts";
import { trace } from "../../src/transform/mod.ts";
import { integer, pick, shuffled, uniform } from "../cases/random.ts";
import { assertAgreesOn } from "./agreement.ts";

const executor = await openTfjs();
const { tf } = executor;

function random(
  next: () => number,
  shape: Shape,
  dtype: DType = "f32",
  element = () => integer(next, -8, 8),
): NdArray {
  return ndArray({ shape, dtype }, Array.from({ length: sizeOf(shape) }, element));
}

const SHAPES: readonly Shape[] = [
  ...[[1, 8, 16, 16, 8], [1, 6, 15, 2, 15, 2, 8], [64, 9, 10], [4096], [3, 2048], [2048, 3]],
  ...[[5, 1000], [1, 1, 5120], [7, 2, 300, 2, 1], [2, 2100, 2], [12, 2, 2, 2, 2, 2, 2, 2, 2, 2]],
];

/** Some axes, at least one. */
function someAxes(next: () => number, shape: Shape): number[] {
  const axes = shuffled(next, shape.map((_, axis) => axis)).slice(0, integer(next, 1, 3));
  return axes.sort((a, b) => a - b);
}

Deno.test("sums and maxima of whole numbers over any axes of large arrays are exact", async () => {
  const next = uniform(11);
  for (const shape of SHAPES) {
    for (let round = 0; round < 4; round++) {
      const axes = someAxes(next, shape);
      await assertAgreesOn(
        executor,
        (x) => [ops.sum(x!, axes), ops.reduceMax(x!, axes), ops.argMax(x!, axes)],
        [random(next, shape)],
        { tolerance: 0, what: `[${shape}] over ${axes}` },
      );
    }
  }
});

Deno.test("sums and maxima of large arrays keep NaN and infinities where they belong", async () => {
  const next = uniform(12);
  const special = [NaN, -NaN, Infinity, -Infinity];
  for (const shape of SHAPES) {
    const axes = someAxes(next, shape);
    const x = random(next, shape);
    for (let k = 0; k < 4; k++) x.data[integer(next, 0, x.data.length - 1)] = pick(next, special);
    const { program } = trace(
      (x: Tensor) => [ops.sum(x, axes), ops.reduceMax(x, axes)],
      [x],
    );
    const found = await executor.run(program, [
      { shape, dtype: "f32", data: Float32Array.from(x.data) },
    ]);
    evaluate(program, [x]).forEach(({ data }, k) => {
      assertEquals(Array.from(found[k]!.data), Array.from(data), `[${shape}] over ${axes}`);
    });
  }
});

Deno.test("large sums and maxima are pooled where that is fast", () => {
  const found = tf.tidy(() => [
    pooledSum(tf, tf.fill([64 * 900, 8], 2), [0])?.dataSync().length,
    pooledSum(tf, tf.fill([960, 2, 15, 2, 8], 2), [1, 3])?.dataSync()[0],
    pooledMax(tf, tf.fill([960, 2, 15, 2, 8], 2), [1, 3])?.dataSync()[0],
    pooledSum(tf, tf.fill([960, 3, 15, 3, 8], 2), [1, 3]),
    pooledSum(tf, tf.fill([10, 8], 2), [0]),
    // Many channels would be written beyond wasm's stack.
    pooledSum(tf, tf.fill([256, 40_000], 2), [0]),
    pooledMax(tf, tf.fill([256, 40_000], 2), [0]),
  ]);
  assertEquals(found, [225 * 8, 8, 2, undefined, undefined, undefined, undefined]);
});

Deno.test("sums of large arrays leave other memory alone", () => {
  const others = Array.from({ length: 32 }, (_, k) => tf.fill([64], k));
  const whole = tf.fill([2 ** 23], 1);
  for (let columns = 1; columns <= 2 ** 17; columns *= 2) {
    const sums = tf.tidy(() => {
      const rows = whole.size / columns;
      const part = pooledSum(tf, whole.reshape([rows, columns]), [0]);
      return part && tf.sum(part.reshape([part.size / columns, columns]), 0).dataSync();
    });
    assert(!sums || sums.every((sum) => sum === whole.size / columns), `${columns} columns`);
  }
  others.forEach((other, k) => {
    assert(other.dataSync().every((value) => value === k));
    other.dispose();
  });
  whole.dispose();
});

Deno.test("slices, reversals and concatenations of large arrays are exact", async () => {
  const next = uniform(13);
  for (const shape of SHAPES) {
    for (const dtype of ["f32", "i32", "bool"] as const) {
      const start = shape.map((extent) => integer(next, 0, Math.floor(extent / 3)));
      const size = shape.map((extent, axis) => integer(next, 1, extent - start[axis]!));
      const stride = size.map((extent) => extent > 3 && next() < 0.2 ? 2 : 1);
      const count = size.map((extent, axis) => Math.ceil(extent / stride[axis]!));
      const axes = someAxes(next, shape);
      const axis = integer(next, 0, shape.length - 1);
      await assertAgreesOn(
        executor,
        (x) => [
          ops.slice(x!, { start, shape: count, stride }),
          ops.reverse(x!, axes),
          ...dtype === "bool" ? [] : [ops.concat([x!, ops.reverse(x!, axes), x!], axis)],
        ],
        [random(next, shape, dtype, () => dtype === "bool" ? integer(next, 0, 1) : next())],
        { tolerance: dtype === "f32" ? 1e-7 : 0, what: `${dtype}[${shape}]` },
      );
    }
  }
});

Deno.test("words are unpacked as the reference does it", async () => {
  const next = uniform(14);
  const word = () => integer(next, 0, 2 ** 32 - 1);
  const pairs = [ops.and, ops.or, ops.xor];
  for (let round = 0; round < 40; round++) {
    const shape = pick(next, [[], [3], [2, 5], [4, 1, 3], [2, 3, 4]] as const);
    const kept = shape.flatMap((_, axis) => next() < 0.6 ? [axis] : []);
    const a = random(next, shape, "u32", word);
    const b = random(next, kept.map((axis) => shape[axis]!), "u32", word);
    await assertAgreesOn(
      executor,
      (x, y) => {
        const spread = ops.broadcast(y!, shape, kept);
        const bits = ops.and(spread, ops.fill(31, shape, "u32"));
        const all = [
          ...pairs.flatMap((op) => [op(x!, spread), op(spread, bits)]),
          ...[ops.shiftLeft(x!, bits), ops.shiftRight(x!, bits), ops.shiftRight(bits, bits)],
        ];
        return [
          ...all,
          ...all.map((words) => ops.reshape(words, [sizeOf(shape)])),
          ...all.map((words) => ops.convert(words, pick(next, ["i32", "bool"] as const))),
          ops.convert(ops.shiftRight(spread, ops.fill(9, shape, "u32")), "f32"),
          ops.broadcast(bits, [2, ...shape], shape.map((_, axis) => axis + 1)),
        ];
      },
      [a, b],
      { tolerance: 0, what: `words [${shape}] and [${b.shape}]` },
    );
  }
});

Deno.test("what is repeated stays what it is: -0, large integers, NaN", async () => {
  const { program } = trace(
    (x: Tensor, n: Tensor) => {
      const wide = ops.broadcast(x, [3, 4, 2], [1]);
      return [
        ops.div(ops.fill(1, [3, 4, 2]), wide),
        ops.concat([wide, wide], 0),
        ops.concat([ops.broadcast(n, [2, 3, 2], [1]), ops.broadcast(n, [2, 3, 2], [1])], 0),
        ops.concat([ops.broadcast(ops.slice(n, { start: [0], shape: [1] }), [2, 1], [1])], 0),
      ];
    },
    [{ shape: [4], dtype: "f32" }, { shape: [3], dtype: "i32" }],
  );
  const x = ndArray({ shape: [4], dtype: "f32" }, [-0, 0, NaN, Infinity]);
  const n = ndArray({ shape: [3], dtype: "i32" }, [2 ** 31 - 1, 2 ** 24 + 1, -(2 ** 31)]);
  const found = await executor.run(program, [
    { shape: [4], dtype: "f32", data: Float32Array.from(x.data) },
    { shape: [3], dtype: "i32", data: Int32Array.from(n.data) },
  ]);
  evaluate(program, [x, n]).forEach(({ data }, k) => {
    assertEquals(Array.from(found[k]!.data), Array.from(data));
    found[k]!.data.forEach((value, at) => assert(Object.is(value, data[at]), `${k} at ${at}`));
  });
});

Deno.test("the executor closes", () => executor.close());
