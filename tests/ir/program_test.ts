import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Aval, formatAval, sameAval, sizeOf, stridesOf } from "../../src/ir/aval.ts";
import { check } from "../../src/ir/check.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { copyStrided, ndArray } from "../../src/ir/nd_array.ts";
import { print } from "../../src/ir/print.ts";
import { countPrimitives, type Program, programFlops, programOf } from "../../src/ir/program.ts";
import { apply, Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { checkpoint, grad, trace } from "../../src/transform/mod.ts";
import { conv2d, matmul, mul, sum } from "../../src/ops/mod.ts";

const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });

function traced(fn: (...tensors: Tensor[]) => unknown, ...avals: Aval[]): Program {
  return trace(fn, avals).program;
}

Deno.test("print() shows a program that a person can read", () => {
  const program = traced(
    (x, w) => {
      const y = ops.matmul(x!, w!, { transposeB: true });
      const kernel = ops.literal(Array.from({ length: 9 }, (_, k) => k), [3, 3]);
      const masked = ops.select(ops.less(y, kernel), y, ops.fill(-0.5, [3, 3]));
      return { total: ops.sum(masked, [0, 1]), best: ops.argMax(y, [1]) };
    },
    f32(3, 5),
    f32(3, 5),
  );
  assertEquals(
    print(program),
    `inputs %0 f32[3, 5], %1 f32[3, 5]
  %2 f32[3, 3] = matmul{transposeA: false, transposeB: true} %0 %1
  %3 f32[3, 3] = literal{shape: [3, 3], dtype: f32, data: <9 values>}
  %4 bool[3, 3] = less %2 %3
  %5 f32[3, 3] = fill{value: -0.5, shape: [3, 3], dtype: f32}
  %6 f32[3, 3] = select %4 %2 %5
  %7 f32[] = sum{axes: [0, 1]} %6
  %8 i32[3] = argmax{axes: [1]} %2
outputs %8, %7`,
  );
});

Deno.test("print() shows calls with all their results", () => {
  const twice = checkpoint((x: Tensor) => [ops.exp(x), ops.neg(x)]);
  assertEquals(
    print(traced((x) => twice(x!), f32(2))),
    `inputs %0 f32[2]
  %1 f32[2], %2 f32[2] = call{program: <program of 3 nodes>} %0
outputs %1, %2`,
  );
});

Deno.test("check() accepts programs made by transformations", () => {
  check(traced((x) => grad((y: Tensor) => sum(mul(y, mul(y, y)), [0]))(x!), f32(3)));
});

Deno.test("check() rejects a tensor that is used before it is computed", () => {
  const program = traced((x) => ops.exp(ops.neg(x!)), f32(3));
  const nodes = [...program.nodes].reverse();
  assertThrows(() => check({ ...program, nodes }), Error, "before it is computed");
});

Deno.test("check() rejects a shape that the shape rule denies", () => {
  const x = ops.input(f32(3));
  let claimed = f32(4);
  const y = apply({ ...ops.expP, avals: () => [claimed] }, null, [x]);
  claimed = f32(3);
  assertThrows(
    () => check(programOf([x], [y])),
    Error,
    "node 1 (exp) claims f32[4], its shape rule says f32[3]",
  );
});

Deno.test("check() rejects a tensor that its node disowns", () => {
  const x = ops.input(f32(3));
  const stray = new Tensor(x.node, 0, f32(3));
  const y = ops.exp(stray);
  const program = { inputs: [x], outputs: [y], nodes: [x.node, y.node] };
  assertThrows(() => check(program), Error, "node 1 (exp) uses a tensor its node disowns");
});

Deno.test("check() rejects an output that is not computed", () => {
  const program = traced((x) => ops.exp(x!), f32(3));
  const nodes = program.nodes.slice(0, -1);
  assertThrows(() => check({ ...program, nodes }), Error, "output f32[3] is not computed");
});

Deno.test("check() rejects inputs that are not given or not inputs", () => {
  const program = traced((x) => ops.exp(x!), f32(3));
  assertThrows(() => check({ ...program, inputs: [] }), Error, "not among its inputs");
  assertThrows(
    () => check({ ...program, inputs: program.outputs }),
    Error,
    "an input is computed by 'exp'",
  );
});

Deno.test("a primitive rejects extents that are no natural numbers, and too many elements", () => {
  for (const shape of [[1.5], [-1], [2 ** 30, 2 ** 30]]) {
    assertThrows(
      () => traced(() => ops.fill(1, shape)),
      TypeError,
      `would have shape [${shape.join(", ")}]`,
    );
  }
});

Deno.test("programOf() rejects an input that it is not given", () => {
  const [x, y] = [ops.input(f32(3)), ops.input(f32(3))];
  assertThrows(() => programOf([x], [ops.add(x, y)]), Error, "Cannot make a program");
});

Deno.test("programOf() leaves out what the outputs do not need", () => {
  const x = ops.input(f32(3));
  ops.exp(x);
  const program = programOf([x], [ops.neg(x)]);
  assertEquals([...countPrimitives(program)], [["input", 1], ["neg", 1]]);
});

Deno.test("evaluate() rejects missing and unfit inputs", () => {
  const program = traced((x, y) => ops.add(x!, y!), f32(3), f32(3));
  const x = ndArray(f32(3), [1, 2, 3]);
  assertThrows(() => evaluate(program, [x]), TypeError, "input 1 is missing, expected f32[3]");
  assertThrows(
    () => evaluate(program, [x, ndArray(f32(2), [1, 2])]),
    TypeError,
    "input 1 is f32[2], expected f32[3]",
  );
  const integers = ndArray({ shape: [3], dtype: "i32" }, [1, 2, 3]);
  assertThrows(() => evaluate(program, [x, integers]), TypeError, "input 1 is i32[3]");
  const short = { ...x, data: new Float64Array(2) };
  assertThrows(() => evaluate(program, [x, short]), TypeError, "input 1 is f32[3]");
});

Deno.test("evaluate() returns inputs, repeated outputs and values that are used later", () => {
  const program = traced((x) => {
    const y = ops.exp(x!);
    return [x, y, ops.neg(y), y];
  }, f32(1));
  const results = evaluate(program, [ndArray(f32(1), [0])]).map(({ data }) => data[0]);
  assertEquals(results, [0, 1, -1, 1]);
});

Deno.test("programFlops() counts contractions, reductions and elementwise work", () => {
  const params = {
    input: [8, 8],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1, 1, 1],
  } as const;
  const program = traced(
    (x, w, v) => {
      const features = conv2d(x!, w!, params);
      const flat = ops.reshape(ops.maximum(features, ops.fill(0, features.shape)), [4, 8 * 8 * 5]);
      return sum(matmul(flat, v!), [0, 1]);
    },
    f32(1, 4, 8, 8, 3),
    f32(1, 3, 3, 3, 5),
    f32(320, 7),
  );
  const conv = 2 * 4 * 8 * 8 * 5 * 3 * 3 * 3;
  const relu = 4 * 8 * 8 * 5;
  const product = 2 * 4 * 320 * 7;
  assertEquals(programFlops(program), conv + relu + product + 28);
});

Deno.test("programFlops() of a convolution's gradients equal those of the convolution", () => {
  const params = { input: [9, 7], kernel: [3, 2], stride: [2, 1], padding: [1, 0, 0, 1] } as const;
  const [x, w] = [f32(2, 3, 9, 7, 4), f32(2, 3, 2, 4, 5)];
  const forward = traced((a, b) => conv2d(a!, b!, params), x, w);
  const y = forward.outputs[0]!;
  const flops = programFlops(forward);
  assertEquals(flops, 2 * sizeOf(y.shape) * 3 * 2 * 4);
  assertEquals(programFlops(traced((b, c) => ops.conv2dInputGrad(b!, c!, params), w, y)), flops);
  assertEquals(programFlops(traced((a, c) => ops.conv2dFilterGrad(a!, c!, params), x, y)), flops);
});

Deno.test("programFlops() counts inside of calls, views and constants count nothing", () => {
  const product = (a: Tensor, b: Tensor): Tensor => matmul(a, b);
  const called = checkpoint(product);
  const twice = traced((a, b) => called(called(a!, b!), b!), f32(3, 3), f32(3, 3));
  assertEquals(programFlops(twice), 2 * 54);
  const views = traced(
    (x) =>
      ops.broadcast(ops.reverse(ops.permute(ops.reshape(x!, [2, 3]), [1, 0]), [0]), [5, 3, 2], [
        1,
        2,
      ]),
    f32(6),
  );
  assertEquals(programFlops(views), 0);
  const rows: Aval = { shape: [7], dtype: "i32" };
  const scatter = traced((x, k) => ops.scatterAdd(x!, k!, { rows: 3 }), f32(7, 2), rows);
  assertEquals(programFlops(scatter), 14);
});

Deno.test("avals are compared, measured and written", () => {
  assertEquals(sizeOf([]), 1);
  assertEquals(sizeOf([3, 0, 5]), 0);
  assertEquals(stridesOf([3, 5, 7]), [35, 7, 1]);
  assertEquals(formatAval({ shape: [2, 3], dtype: "bool" }), "bool[2, 3]");
  assert(sameAval(f32(2, 3), f32(2, 3)));
  assert(!sameAval(f32(2, 3), f32(3, 2)));
  assert(!sameAval(f32(2), { shape: [2], dtype: "i32" }));
  assert(!sameAval(f32(2), f32(2, 1)));
});

Deno.test("ndArray() rejects another number of values", () => {
  assertThrows(() => ndArray(f32(2, 3), [1]), RangeError, "Cannot make f32[2, 3]: found 1 values");
});

Deno.test("copyStrided() walks forwards, backwards and in place", () => {
  const source = ndArray(f32(2, 3), [0, 1, 2, 3, 4, 5]);
  const view = { offset: 5, strides: [-3, 0, -2] };
  assertEquals(Array.from(copyStrided(source, [2, 2, 2], view).data), [5, 3, 5, 3, 2, 0, 2, 0]);
});
