import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { type Aval, sizeOf } from "../../src/ir/aval.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { mergeAxes } from "../../src/tfjs/axes.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { tile } from "../../src/tensor/mod.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { checkpoint, trace } from "../../src/transform/mod.ts";
import { type Fn, randomLike } from "../cases/laws.ts";
import { integer, pick, uniform } from "../cases/random.ts";
import { randomView } from "../cases/views.ts";
import { type Agreement, assertAgreesOn } from "./agreement.ts";

const executor = await openTfjs();

function f32(...shape: number[]): Aval {
  return { shape, dtype: "f32" };
}

const assertAgrees: Agreement = (fn, point, options) =>
  assertAgreesOn(executor, fn, point, options);

function traced(fn: Fn, ...avals: Aval[]): Program {
  return trace(fn, avals).program;
}

Deno.test("held arrays go from run to run and stay the caller's", async () => {
  const { numTensors } = executor.tf.memory();
  const step = executor.compile(traced((x) => [ops.add(x!, x!)], f32(3)));
  let held = executor.upload({ ...f32(3), data: new Float32Array([1, 2, 3]) });
  for (let k = 0; k < 10; k++) {
    const [next] = step.run([held]);
    executor.release(held);
    held = next!;
  }
  const [result] = await executor.download([{ handle: held }]);
  assertEquals(result, { ...f32(3), data: new Float32Array([1024, 2048, 3072]) });
  executor.release(held);
  assertEquals(executor.tf.memory().numTensors, numTensors);
});

Deno.test("outputs may be inputs, constants, repeated, or repetitions", async () => {
  const program = traced((x) => {
    const y = ops.exp(x!);
    return [x!, y, y, ops.fill(2, [2, 2]), ops.broadcast(x!, [2, 3], [1]), ops.iota([2, 2], [1])];
  }, f32(3));
  const input = { ...f32(3), data: new Float32Array(3) };
  for (let round = 0; round < 2; round++) {
    const results = await executor.run(program, [input]);
    assertEquals(results.map(({ data }) => Array.from(data)), [
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
      [2, 2, 2, 2],
      [0, 0, 0, 0, 0, 0],
      [0, 1, 0, 1],
    ]);
  }
});

Deno.test("every element type goes in and out", async () => {
  const arrays: HostArray[] = [
    { shape: [2], dtype: "f32", data: new Float32Array([1.5, -2]) },
    { shape: [2], dtype: "i32", data: new Int32Array([-7, 2 ** 31 - 1]) },
    { shape: [2], dtype: "u32", data: new Uint32Array([7, 2 ** 32 - 1]) },
    { shape: [2], dtype: "bool", data: new Uint8Array([1, 0]) },
  ];
  assertEquals(await executor.run(traced((...all) => all, ...arrays), arrays), arrays);
});

Deno.test("empty arrays go through", async () => {
  const program = traced((x) => [ops.sum(ops.exp(x!), [0]), ops.concat([x!, x!], 0)], f32(0, 2));
  const results = await executor.run(program, [{ ...f32(0, 2), data: new Float32Array(0) }]);
  assertEquals(results.map(({ shape, data }) => [shape, Array.from(data)]), [
    [[2], [0, 0]],
    [[0, 2], []],
  ]);
});

Deno.test("calls are compiled once and give back all their results", async () => {
  const inner = checkpoint((x: Tensor, y: Tensor) => [ops.mul(x, y), x]);
  const program = traced((x) => {
    const [a, b] = inner(x!, x!) as [Tensor, Tensor];
    return [...inner(a, b), b];
  }, f32(2));
  const { dispatches } = executor.compile(program);
  assertEquals(dispatches, 2);
  const results = await executor.run(program, [{ ...f32(2), data: new Float32Array([2, 3]) }]);
  assertEquals(results.map(({ data }) => Array.from(data)), [[8, 27], [4, 9], [2, 3]]);
});

Deno.test("unfit and missing inputs are rejected", async () => {
  const program = traced((x, y) => [ops.add(x!, y!)], f32(3), f32(3));
  const x = { ...f32(3), data: new Float32Array(3) };
  await assertRejects(() => executor.run(program, [x]), TypeError, "input 1 is missing");
  const y = { ...f32(2), data: new Float32Array(2) };
  const { numTensors } = executor.tf.memory();
  await assertRejects(() => executor.run(program, [x, y]), TypeError, "input 1 is f32[2]");
  assertEquals(executor.tf.memory().numTensors, numTensors);
  assertThrows(() => executor.upload({ ...f32(3), data: new Float32Array(2) }), Error);
});

Deno.test("random chains of views, repetitions and arithmetic on many axes agree exactly", async () => {
  const next = uniform(3);
  let most = 0;
  for (let round = 0; round < 150; round++) {
    const shape = pick(next, [[24], [4, 6], [3, 5, 2], [1, 12, 1, 5], [2, 2, 2, 2, 3, 2]]);
    const dtype = pick(next, ["f32", "f32", "i32", "bool", "u32"] as const);
    const x = ndArray(
      { shape, dtype },
      Array.from({ length: sizeOf(shape) }, () => integer(next, 0, dtype === "bool" ? 1 : 99)),
    );
    await assertAgrees(
      (x) => {
        let view = x!;
        for (let step = 0; step < 7; step++) {
          view = randomView(next, view);
          most = Math.max(most, view.rank);
          const isRepeated = step % 2 === 1 && view.size < 500 && dtype === "f32";
          if (!isRepeated) continue;
          const last = ops.sum(view, [view.rank - 1]);
          const kept = last.shape.map((_, axis) => axis);
          view = ops.sub(view, ops.broadcast(last, view.shape, kept));
        }
        return [view];
      },
      [x],
      { tolerance: 1e-6, what: `chain ${round} of ${dtype}` },
    );
  }
  assert(most > 6, `found at most ${most} axes`);
});

Deno.test("what repeats along many axes apart is whole where it is joined", async () => {
  for (const dtype of ["f32", "i32", "bool", "u32"] as const) {
    const x = ndArray({ shape: [2, 2, 2, 1], dtype }, [0, 1, 1, 0, 1, 0, 0, 1]);
    await assertAgrees((x) => [tile(x!, [3, 2, 3])], [x], { tolerance: 0, what: dtype });
  }
});

Deno.test("reductions over random sets of many axes agree", async () => {
  const next = uniform(4);
  for (let round = 0; round < 60; round++) {
    const shape = Array.from({ length: integer(next, 1, 7) }, () => integer(next, 1, 3));
    const axes = shape.map((_, axis) => axis).filter(() => next() < 0.5);
    const x = randomLike({ shape, dtype: "f32" }, round);
    const rounded = ndArray(x, Array.from(x.data, Math.fround));
    await assertAgrees(
      (x) => [
        ops.sum(x!, axes),
        ops.reduceMax(x!, axes),
        axes.length === 0 ? x! : ops.argMax(x!, axes),
        ...(axes.length === 0 ? [] : Object.values(ops.standardize(x!, axes, 0.1))),
      ],
      [rounded],
      { tolerance: 1e-5, what: `reduction of [${shape}] over [${axes}]` },
    );
  }
});

Deno.test("convolutions of larger odd sizes agree, with all gradients", async () => {
  const params = {
    input: [33, 17],
    kernel: [3, 3],
    stride: [2, 1],
    padding: [1, 1, 0, 1],
  } as const;
  const [height, width] = ops.conv2dOutputSize(params);
  const arrays = [f32(2, 3, 33, 17, 5), f32(2, 3, 3, 5, 7), f32(2, 3, height, width, 7)].map(
    (aval, k) => ndArray(aval, Array.from(randomLike(aval, k).data, Math.fround)),
  );
  await assertAgrees(
    (x, w, dy) => [
      ops.conv2d(x!, w!, params),
      ops.conv2dInputGrad(w!, dy!, params),
      ops.conv2dFilterGrad(x!, dy!, params),
    ],
    arrays,
    { tolerance: 1e-5, what: "convolution" },
  );
});

Deno.test("memory is freed as soon as nobody needs it", () => {
  const bytes = 4 * 2 ** 18;
  const program = traced((x) => {
    let y = x!;
    for (let k = 0; k < 20; k++) y = ops.sin(ops.mul(y, y));
    return [y];
  }, f32(2 ** 18));
  const input = executor.upload({ ...f32(2 ** 18), data: new Float32Array(2 ** 18) });
  executor.resetPeak();
  const { live } = executor.memory();
  const [output] = executor.compile(program).run([input]);
  assert(executor.memory().peak - live <= 3 * bytes, `peak ${executor.memory().peak - live}`);
  executor.release(output);
  executor.release(input);
});

Deno.test("mergeAxes() joins what no operation tells apart", () => {
  assertEquals(mergeAxes([[2, 3, 4]]), { merged: [[24]], firstAxes: [0] });
  assertEquals(mergeAxes([[2, 1, 4, 5], [2, 3, 1, 1]]), {
    merged: [[2, 1, 20], [2, 3, 1]],
    firstAxes: [0, 1, 2],
  });
  assertEquals(mergeAxes([[2, 1, 3]]).merged, [[6]]);
  assertEquals(mergeAxes([[1, 1, 2, 3]], ["", "", "sum", ""]), {
    merged: [[2, 3]],
    firstAxes: [2, 3],
  });
  assertEquals(mergeAxes([[1, 1]]), { merged: [[1]], firstAxes: [0] });
  assertEquals(mergeAxes([[2, 3, 4]], ["", undefined, ""]), {
    merged: [[2, 3, 4]],
    firstAxes: [0, 1, 2],
  });
  assertEquals(mergeAxes([[2, 3, 4, 5]], ["keep", "sum", "sum", "keep"]).merged, [[2, 12, 5]]);
});

Deno.test("the executor says what it runs on", () => {
  assertStringIncludes(executor.info.adapter, "TensorFlow.js 4.22.0 wasm simd");
  assertEquals([executor.info.name, executor.info.software], ["tfjs", true]);
});

Deno.test("a missing permission is an error that says what to do", async () => {
  const module = new URL("../../src/tfjs/mod.ts", import.meta.url).href;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-lock", `--config=${config}`, "-"],
    stdin: "piped",
    stderr: "piped",
    stdout: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(
    `const { openTfjs } = await import("${module}"); await openTfjs();`,
  ));
  await writer.close();
  const output = await child.output();
  const [code, stderr] = [output.code, new TextDecoder().decode(output.stderr)];
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot start the backend 'wasm' of TensorFlow.js");
  assertStringIncludes(stderr, "Give --allow-read for Deno's cache folder");
});

Deno.test("closing the executor frees its constants", () => {
  executor.close();
  assertEquals(executor.tf.memory().numTensors, 0);
});
