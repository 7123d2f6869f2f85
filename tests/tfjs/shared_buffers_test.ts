/**
 * One buffer used in many shapes: TensorFlow.js shares the data of reshapes, and keeps prepared operators
 * and arrays by their data.
 */
import { assertEquals } from "@std/assert";
import { sizeOf } from "../../src/ir/aval.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import type { Held } from "../../src/tfjs/held.ts";
import { openTfjs, type TfjsExecutor } from "../../src/tfjs/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { assertClose } from "../cases/laws.ts";
import { pick, shuffled, uniform } from "../cases/random.ts";

const SIZE = 36;

/** Shapes of 36 elements. */
const shapes = [[36], [6, 6], [4, 9], [9, 4], [1, 36], [36, 1], [2, 18], [18, 2], [3, 12], [12, 3]]
  .concat([[2, 3, 6], [3, 2, 6], [4, 3, 3], [1, 4, 9], [1, 9, 4], [2, 2, 3, 3], [3, 3, 2, 2]]);

const window = (height: number, width: number) => ({
  input: [height, width],
  kernel: [3, 3],
  stride: [1, 1],
  padding: [1, 1, 1, 1],
} as const);

const wave = (shape: readonly number[]): Tensor =>
  ops.cos(ops.iota(shape, shape.map((_, axis) => axis), "f32"));

/** The matrix, with a batch axis, that a tensor is in one of its shapes. */
function matrix(x: Tensor): Tensor {
  const columns = x.shape.at(-1)!;
  return ops.reshape(x, [1, x.size / columns, columns]);
}

/** Uses of a buffer in a shape; each result is small numbers. */
const uses: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  "right factor": (x) => {
    const right = matrix(x);
    return ops.matmul(wave([1, 2, right.shape[1]!]), right);
  },
  "left factor": (x) => {
    const left = matrix(x);
    return ops.matmul(left, wave([1, left.shape[2]!, 2]));
  },
  "both factors": (x) => ops.matmul(matrix(x), matrix(x), { transposeB: true }),
  "factors in two shapes": (x) => {
    const right = matrix(x);
    return ops.matmul(ops.reshape(x, [1, right.shape[2]!, right.shape[1]!]), right);
  },
  "factors in a batch": (x) => {
    const right = ops.reshape(x, [2, 3, 6]);
    return ops.matmul(wave([2, 2, 3]), right);
  },
  "filter of 2 to 2": (x) =>
    ops.conv2d(wave([1, 1, 4, 3, 2]), ops.reshape(x, [1, 3, 3, 2, 2]), window(4, 3)),
  "filter of 4 to 1": (x) =>
    ops.conv2d(wave([1, 1, 4, 3, 4]), ops.reshape(x, [1, 3, 3, 4, 1]), window(4, 3)),
  "filter of 1 to 4": (x) =>
    ops.conv2dInputGrad(ops.reshape(x, [1, 3, 3, 1, 4]), wave([1, 1, 4, 3, 4]), window(4, 3)),
  "image": (x) => ops.conv2d(ops.reshape(x, [1, 1, 6, 3, 2]), wave([1, 3, 3, 2, 2]), window(6, 3)),
  "cotangent": (x) => {
    const dy = ops.reshape(x, [1, 1, 3, 6, 2]);
    return ops.conv2dFilterGrad(dy, dy, window(3, 6));
  },
  "sum of the last axis": (x) => ops.sum(x, [x.rank - 1]),
  "sum of the first axis": (x) => ops.sum(x, [0]),
  "largest": (x) => ops.reduceMax(x, [x.rank - 1]),
  "standardization": (x) => ops.standardize(x, [0], 0.1).normal,
  "itself": (x) => x,
  "transposition": (x) => ops.permute(x, x.shape.map((_, axis) => axis).reverse()),
  "slice": (x) =>
    ops.slice(x, {
      start: x.shape.map((extent) => extent > 1 ? 1 : 0),
      shape: x.shape.map((extent) => Math.max(1, extent - 1)),
    }),
  "padding": (x) => ops.pad(x, { low: x.shape.map(() => 1), high: x.shape.map(() => 0) }),
  "concatenation with itself": (x) => ops.concat([x, x], 0),
  "rows": (x) => ops.gather(x, ops.iota([2], [0])),
  "scattered rows": (x) => ops.scatterAdd(x, ops.fill(0, [x.shape[0]!], "i32"), { rows: 2 }),
  "product with itself": (x) => ops.mul(x, x),
  "rectifier": (x) => ops.maximum(x, ops.fill(0, x.shape)),
  "choice": (x) => ops.select(ops.less(x, ops.fill(0, x.shape)), ops.neg(x), x),
};

/** A program of random uses of its first input and of a view of it, in random shapes. */
function randomProgram(next: () => number): { program: Program; what: string } {
  const plan = shuffled(next, Object.keys(uses)).slice(0, 9)
    .map((name) => ({ name, shape: pick(next, shapes), inner: next() < 0.3 }));
  const { program } = trace((x: Tensor) => {
    const inner = ops.tanh(x);
    return plan.map(({ name, shape, inner: within }) =>
      uses[name]!(ops.reshape(within ? inner : x, shape))
    );
  }, [{ shape: [SIZE], dtype: "f32" }]);
  return { program, what: plan.map(({ name, shape }) => `${name} [${shape}]`).join(", ") };
}

async function assertRuns(
  executor: TfjsExecutor,
  { program, what }: { program: Program; what: string },
  { held, point }: { held: Held; point: NdArray },
): Promise<void> {
  const want = evaluate(program, [point]);
  const compiled = executor.compile(program);
  const rounds: Held[][] = [];
  // The second run must not see the first, and must leave its results and the input as they were.
  for (let round = 0; round < 2; round++) rounds.push(compiled.run([held]));
  for (const results of rounds) {
    const read = await executor.download(results.map((handle) => ({ handle })));
    want.forEach((expected, k) => {
      assertClose(ndArray(expected, read[k]!.data), expected, { tolerance: 1e-5, what });
    });
    for (const result of results) executor.release(result);
  }
  const [input] = await executor.download([{ handle: held }]);
  assertEquals(Array.from(input!.data), Array.from(point.data));
}

for (const backend of ["wasm", "cpu"] as const) {
  Deno.test(`one buffer in many shapes and programs gives right results on ${backend}`, async () => {
    const executor = await openTfjs({ backend });
    const { numTensors } = executor.tf.memory();
    const next = uniform(backend === "wasm" ? 1 : 2);
    for (let round = 0; round < 15; round++) {
      const point = ndArray(
        { shape: [SIZE], dtype: "f32" },
        Float32Array.from({ length: SIZE }, () => next() - 0.5),
      );
      const held = executor.upload(point as HostArray);
      for (let k = 0; k < 4; k++) {
        await assertRuns(executor, randomProgram(next), { held, point });
      }
      executor.release(held);
      executor.close();
    }
    assertEquals(executor.tf.memory().numTensors, numTensors);
  });

  Deno.test(`every use of a buffer after every other one is right on ${backend}`, async () => {
    const executor = await openTfjs({ backend });
    const data = Float32Array.from({ length: SIZE }, (_, k) => Math.sin(k + 1));
    const point = ndArray({ shape: [SIZE], dtype: "f32" }, data);
    const products = ["right factor", "factors in two shapes", "filter of 2 to 2", "largest"]
      .concat(["filter of 4 to 1", "filter of 1 to 4", "sum of the first axis", "itself"]);
    for (const first of products) {
      for (const second of products) {
        const held = executor.upload(point as HostArray);
        const { program } = trace((x: Tensor) => [
          uses[first]!(ops.reshape(x, [4, 9])),
          uses[second]!(ops.reshape(x, [9, 4])),
          uses[first]!(ops.reshape(x, [2, 18])),
        ], [point]);
        await assertRuns(executor, { program, what: `${first}, ${second}` }, { held, point });
        executor.release(held);
      }
    }
    executor.close();
  });

  Deno.test(`what was read or given may be changed: arrays on ${backend} stay`, async () => {
    const executor = await openTfjs({ backend });
    for (const dtype of ["f32", "i32", "u32", "bool"] as const) {
      const given = hostArray([1, 0, 1, 1], [4], dtype);
      const held = executor.upload(given);
      given.data.fill(7);
      const { program } = trace((x: Tensor) => [x, ops.reshape(x, [2, 2])], [given]);
      const results = executor.compile(program).run([held]);
      const handles = [held, ...results].map((handle) => ({ handle }));
      for (const { data } of await executor.download(handles)) data.fill(9);
      for (const { data, shape } of await executor.download(handles)) {
        assertEquals([...data], [1, 0, 1, 1], `${dtype}[${shape}] of ${sizeOf(shape)}`);
      }
      for (const { handle } of handles) executor.release(handle);
    }
    executor.close();
  });
}

Deno.test("functions of TensorFlow.js itself multiply rightly too", async () => {
  const { tf } = await openTfjs();
  tf.tidy(() => {
    const b = tf.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
    const [row, rows] = [tf.ones([1, 2]), tf.ones([1, 4]) as ReturnType<typeof tf.ones>];
    for (let round = 0; round < 2; round++) {
      assertEquals([...tf.matMul(row as never, b as never).dataSync()], [6, 8, 10, 12]);
      const tall = b.reshape([4, 2]);
      assertEquals([...tf.matMul(rows as never, tall as never).dataSync()], [16, 20]);
      const fused = { a: rows, b: tall, activation: "relu" } as never;
      assertEquals([...tf.fused.matMul(fused).dataSync()], [16, 20]);
      assertEquals([...tf.fused.matMul({ a: row, b, activation: "relu" } as never).dataSync()], [
        6,
        8,
        10,
        12,
      ]);
    }
  });
});
