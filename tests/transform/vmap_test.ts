import { assertEquals, assertThrows } from "@std/assert";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import { countPrimitives } from "../../src/ir/program.ts";
import { apply, type Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { exp, matmul, mul, sum } from "../../src/ops/mod.ts";
import { grad, trace, vmap } from "../../src/transform/mod.ts";
import { assertClose, randomLike, run, stack } from "../cases/laws.ts";

const f32 = (...shape: number[]): { shape: number[]; dtype: "f32" } => ({ shape, dtype: "f32" });

function transposed(x: NdArray): NdArray {
  return run((t) => [ops.permute(t!, [1, 0])], [x])[0]!;
}

Deno.test("vmap() maps any axis, and leaves null arguments to all examples", () => {
  const x = randomLike(f32(3, 5), 1);
  const y = randomLike(f32(5), 2);
  const dot = (a: Tensor, b: Tensor): Tensor => sum(mul(a, b), [0]);
  const [first] = run((a, b) => [vmap(dot, [0, null])(a!, b!)], [x, y]);
  const [second] = run((a, b) => [vmap(dot, [1, null])(a!, b!)], [transposed(x), y]);
  const [third] = run((a, b) => [vmap(dot, [null, 1])(b!, a!)], [transposed(x), y]);
  const expected = [0, 1, 2].map((row) =>
    Array.from(y.data).reduce(
      (total: number, value: number, k: number) => total + value * x.data[row * 5 + k]!,
      0,
    )
  );
  for (const result of [first!, second!, third!]) {
    assertClose(result, ndArray(f32(3), expected), { tolerance: 1e-14, what: "rows times y" });
  }
});

Deno.test("vmap() maps every tensor of a tree, and repeats results that do not vary", () => {
  const { program, outputs } = trace(
    (p: { w: Tensor; b: Tensor[] }, x: Tensor) =>
      vmap(
        ({ w, b }: typeof p, x: Tensor) => ({ y: mul(w, b[0]!), same: exp(x) }),
        [0, null],
      )(p, x),
    [{ w: f32(3, 5), b: [f32(3, 5)] }, f32(2)],
  );
  assertEquals(outputs.kind, "object");
  assertEquals(program.outputs.map(({ shape }) => shape), [[3, 2], [3, 5]]);
});

Deno.test("vmap() of vmap() maps two axes", () => {
  const [a, b] = [randomLike(f32(3, 5), 1), randomLike(f32(4, 5), 2)];
  const dot = (x: Tensor, y: Tensor): Tensor => sum(mul(x, y), [0]);
  const [table] = run(
    (
      x,
      y,
    ) => [vmap((row: Tensor, all: Tensor) => vmap(dot, [null, 0])(row, all), [0, null])(x!, y!)],
    [a, b],
  );
  const [product] = run((x, y) => [matmul(x!, y!, { transposeB: true })], [a, b]);
  assertClose(table!, product!, { tolerance: 1e-14, what: "outer table" });
});

Deno.test("vmap() of grad() gives the gradient of each example", () => {
  const w = randomLike(f32(3, 2), 1);
  const x = randomLike(f32(4, 3), 2);
  const loss = (w: Tensor, x: Tensor): Tensor => {
    const y = ops.tanh(matmul(ops.reshape(x, [1, 3]), w));
    return sum(mul(y, y), [0, 1]);
  };
  const [each] = run((w, x) => [vmap(grad(loss), [null, 0])(w!, x!)], [w, x]);
  const loop = [0, 1, 2, 3].map((row) =>
    run((w, x) => [grad(loss)(w!, x!)], [
      w,
      ndArray(f32(3), x.data.slice(row * 3, row * 3 + 3)),
    ])[0]!
  );
  assertClose(each!, stack(loop), { tolerance: 1e-14, what: "gradients of examples" });
});

Deno.test("grad() of vmap() sums over examples", () => {
  const w = randomLike(f32(5), 1);
  const x = randomLike(f32(3, 5), 2);
  const each = (w: Tensor, x: Tensor): Tensor => sum(exp(mul(w, x)), [0]);
  const [left] = run((w, x) => [
    grad((w: Tensor) => sum(vmap(each, [null, 0])(w, x!), [0]))(w!),
  ], [w, x]);
  const [right] = run(
    (w, x) => [sum(vmap(grad(each), [null, 0])(w!, x!), [0])],
    [w, x],
  );
  assertClose(left!, right!, { tolerance: 1e-14, what: "sum of gradients" });
});

Deno.test("convolutions with shared filters stay one convolution, with own filters as well", () => {
  const params = {
    input: [5, 5],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
  } as const;
  const conv = (x: Tensor, w: Tensor): Tensor => ops.conv2d(x, w, params);
  for (const axes of [[0, null], [0, 0], [null, 0]]) {
    const x = axes[0] === 0 ? f32(4, 1, 2, 5, 5, 3) : f32(1, 2, 5, 5, 3);
    const w = axes[1] === 0 ? f32(4, 1, 3, 3, 3, 8) : f32(1, 3, 3, 3, 8);
    const { program } = trace(vmap(conv, axes), [x, w]);
    assertEquals(countPrimitives(program).get("conv2d"), 1);
    assertEquals(program.outputs[0]!.shape, [4, 1, 2, 3, 3, 8]);
    const filters = program.nodes.find(({ primitive }) => primitive.name === "conv2d")!.inputs[1]!;
    assertEquals(filters.shape[0], axes[1] === 0 ? 4 : 1, "shared filters are not copied");
  }
});

Deno.test("vmap() throws on missing axes, unequal extents and nothing to map", () => {
  const [a, b] = [ops.input(f32(3)), ops.input(f32(4))];
  assertThrows(
    () => vmap((x: { u: Tensor; v: Tensor }) => x.u)({ u: a, v: b }),
    TypeError,
    "Cannot vectorize over axis 0 of argument 0 at v: found f32[4], expected extent 3 there.",
  );
  assertThrows(
    () => vmap((x: Tensor) => x, [1])(a),
    TypeError,
    "Cannot vectorize over axis 1 of argument 0: found f32[3], expected that axis.",
  );
  assertThrows(() => vmap((x: Tensor) => x, [null])(a), TypeError, "no argument is mapped");
});

Deno.test("a vmap rule that loses the batch axis is named", () => {
  const broken = { ...ops.expP, name: "broken", vmap: () => [ops.fill(0, [3])] };
  assertThrows(
    () => trace(vmap((x: Tensor) => apply(broken, null, [x])), [f32(2, 3)]),
    Error,
    "Cannot vectorize 'broken': its rule gave f32[3], expected f32[2, 3].",
  );
});
