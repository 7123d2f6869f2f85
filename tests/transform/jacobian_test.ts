import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import {
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  trace,
  valueAndGrad,
  vmap,
} from "../../src/transform/mod.ts";
import { uniform } from "../cases/random.ts";

function numbers(shape: readonly number[], seed: number): Tensor {
  const next = uniform(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return t.constant(Array.from({ length: size }, () => 2 * next() - 1), { shape });
}

function assertSame(a: Tensor, b: Tensor): void {
  assertEquals(a.shape, b.shape);
  const [found, expected] = [t.valuesOf(a), t.valuesOf(b)];
  found.forEach((value, k) => assertAlmostEquals(value, expected[k]!, 1e-12));
}

/** Two results, one a matrix, of two arguments, one a tree. */
const model = ({ w, b }: { w: Tensor; b: Tensor }, x: Tensor) => ({
  y: t.tanh(t.add(t.matmul(x, w), b)),
  s: t.sum(t.mul(w, w)),
});
const params = { w: numbers([3, 2], 1), b: numbers([2], 2) };
const x = numbers([4, 3], 3);

Deno.test("jacrev() and jacfwd() agree, and with the Jacobian of a matrix product", () => {
  const [back, forth] = [jacrev(model)(params, x), jacfwd(model)(params, x)];
  assertEquals(back.y.w.shape, [4, 2, 3, 2]);
  assertEquals(back.s.b.shape, [2]);
  for (const side of ["y", "s"] as const) {
    for (const by of ["w", "b"] as const) assertSame(back[side][by], forth[side][by]);
  }
  assertSame(back.s.w, t.mul(params.w, 2));
  // d (A x)_i / d A_jk = delta_ij x_k.
  const product = (a: Tensor, v: Tensor) => t.matmul(a, v);
  const [a, v] = [numbers([2, 3], 4), numbers([3], 5)];
  const byMatrix = t.valuesOf(jacrev(product)(a, v));
  const vector = t.valuesOf(v);
  assertEquals(byMatrix, [...vector, 0, 0, 0, 0, 0, 0, ...vector]);
  assertSame(jacfwd(product, { argument: 1 })(a, v), a);
});

Deno.test("a Jacobian times a direction is the directional derivative", () => {
  const direction = numbers([4, 3], 6);
  const of = (at: Tensor) => model(params, at).y;
  const jacobian = jacfwd(model, { argument: 1 })(params, x).y;
  const { tangent } = jvp(of, [x], [direction]);
  assertSame(t.einsum("ijkl,kl->ij", [jacobian, direction]), tangent);
});

Deno.test("hessian() agrees with products with every direction, and is symmetric", () => {
  const loss = (p: typeof params, at: Tensor) => t.sum(t.sin(model(p, at).y));
  const whole = hessian(loss)(params, x);
  assertEquals(whole.w.b.shape, [3, 2, 2]);
  assertSame(t.transpose(whole.w.b, [2, 0, 1]), whole.b.w);
  const direction = { w: numbers([3, 2], 7), b: numbers([2], 8) };
  const product = hvp(loss)(params, direction, x);
  assertSame(
    t.add(
      t.einsum("ijkl,kl->ij", [whole.w.w, direction.w]),
      t.einsum("ijk,k->ij", [whole.w.b, direction.b]),
    ),
    product.w,
  );
  const both = hessian((u: Tensor, v: Tensor) => t.sum(t.mul(t.mul(u, u), v)), {
    argument: [0, 1],
  });
  const [[uu, uv], [vu, vv]] = both(t.constant([1, 2]), t.constant([3, 4]));
  assertEquals([uu, uv, vu, vv].map(t.valuesOf), [[6, 0, 0, 8], [2, 0, 0, 4], [2, 0, 0, 4], [
    0,
    0,
    0,
    0,
  ]]);
});

Deno.test("Jacobians compile inside of traced functions and of vmap", () => {
  const { program } = trace((at: Tensor) => jacrev((y: Tensor) => t.exp(y))(at), [
    { shape: [3], dtype: "f32" },
  ]);
  assertEquals(program.outputs[0]!.shape, [3, 3]);
  const each = vmap(jacfwd((y: Tensor) => t.mul(y, t.sum(y))))(numbers([4, 3], 9));
  assertEquals(each.shape, [4, 3, 3]);
});

Deno.test("integers have zero blocks, and wrong positions are named", () => {
  const pick = (rows: Tensor, at: Tensor) => [t.takeRows(rows, at), at];
  const [taken, index] = jacrev(pick, { argument: [0, 1] })(
    numbers([3], 1),
    t.constant([2], { dtype: "i32" }),
  );
  assertEquals(t.valuesOf(taken![0]), [0, 0, 1]);
  assertEquals([taken![1].shape, index![0].shape, index![1].dtype], [[1, 1], [1, 3], "f32"]);
  const forward = jacfwd(pick, { argument: [0, 1] })(
    numbers([3], 1),
    t.constant([2], { dtype: "i32" }),
  );
  assertEquals(forward.map((row) => row.map(t.valuesOf)), [[[0, 0, 1], [0]], [[0, 0, 0], [0]]]);
  const square = (y: Tensor) => t.mul(y, y);
  assertThrows(
    () => jacrev(square, { argument: 1 })(x),
    RangeError,
    "Cannot vary argument 1: found 1",
  );
  assertThrows(() => grad(square, { argument: [0, 0] }), RangeError, "distinct whole numbers");
  assertThrows(() => grad(square, { argument: -1 }), RangeError, "[-1]");
});

Deno.test("grad() and valueAndGrad() vary the arguments that are named", () => {
  const fn = (a: Tensor, { b }: { b: Tensor }, c: Tensor) => t.sum(t.mul(t.mul(a, b), c));
  const [a, b, c] = [t.constant([2]), t.constant([3]), t.constant([5])];
  assertEquals(t.valuesOf(grad(fn)(a, { b }, c)), [15]);
  assertEquals(t.valuesOf(grad(fn, { argument: 1 })(a, { b }, c).b), [10]);
  const [byC, byA] = grad(fn, { argument: [2, 0] })(a, { b }, c);
  assertEquals([byC, byA].map(t.valuesOf), [[6], [15]]);
  const { value, grad: slope } = valueAndGrad(fn, { argument: 2 })(a, { b }, c);
  assertEquals([value, slope].map(t.valuesOf), [[30], [6]]);
});

Deno.test("vmap() maps each tensor of an argument along its own axis", () => {
  const fn = ({ a, b }: { a: Tensor; b: readonly [Tensor, Tensor] }, c: Tensor) => ({
    p: t.add(t.matmul(a, b[0]), c),
    q: t.mul(b[1], 2),
  });
  const a = numbers([4, 5, 3], 1);
  const [b0, b1] = [numbers([3, 2], 2), numbers([6, 4], 3)];
  const c = numbers([2, 4], 4);
  const { p, q } = vmap(fn, [{ a: 0, b: [null, -1] }, 1], { outAxes: { p: 1, q: -1 } })(
    { a, b: [b0, b1] },
    c,
  );
  assertEquals([p.shape, q.shape], [[5, 4, 2], [6, 4]]);
  for (let k = 0; k < 4; k++) {
    const one = fn({ a: t.slice(a, [k]), b: [b0, t.slice(b1, [null, k])] }, t.slice(c, [null, k]));
    assertSame(t.slice(p, [null, k]), one.p);
    assertSame(t.slice(q, [null, k]), one.q);
  }
  const wrong: [Parameters<typeof vmap>[1], string][] = [
    [
      [{ a: 0 }, 0],
      '{"a":0} of argument 0: expected axes that follow its structure {a: *, b: [*, *]}',
    ],
    [[{ a: 0, b: [0] }, 0], "expected axes that follow"],
    [[{ a: 0, c: 0 }, 0], "expected axes that follow"],
    [[{ a: 7, b: null }, 0], "Cannot vectorize over axis 7 of argument 0"],
    [[{ a: 0, b: [1, null] }, null], "found f32[3, 2], expected extent 4"],
    [[{ a: null, b: null }], "no argument is mapped"],
  ];
  for (const [axes, message] of wrong) {
    assertThrows(() => vmap(fn, axes)({ a, b: [b0, b1] }, c), TypeError, message);
  }
  const far = () => vmap((y: Tensor) => y, [0], { outAxes: 3 })(numbers([2, 2], 1));
  assertThrows(far, TypeError, "Cannot put the batch axis at 3 of the result");
});
