import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ndArray } from "../../src/ir/nd_array.ts";
import { apply, type Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { add, exp, like, mul, sin, sum } from "../../src/ops/mod.ts";
import {
  grad,
  hvp,
  jvp,
  trace,
  valueAndGrad,
  valueAndGradAux,
  vjp,
} from "../../src/transform/mod.ts";
import { assertClose, type Fn, randomLike, run } from "../cases/laws.ts";

/** Value of a function of scalars. */
function at(fn: Fn, ...values: number[]): number[] {
  const args = values.map((value) => ndArray({ shape: [], dtype: "f32" }, [value]));
  return run(fn, args).map(({ data }) => data[0]!);
}

const cube = (x: Tensor): Tensor => mul(x, mul(x, x));

Deno.test("grad() of grad() of grad() of x^3 is 6", () => {
  const third = grad(grad(grad(cube)));
  assertEquals(at((x) => [cube(x!), grad(cube)(x!), grad(grad(cube))(x!), third(x!)], 2), [
    8,
    12,
    12,
    6,
  ]);
});

Deno.test("nested derivatives do not confuse their perturbations", () => {
  // d/dx (x * d/dy (x + y)) = 1; confusion would give 2.
  const reverse = grad((x: Tensor) => mul(x, grad((y: Tensor) => add(x, y))(x)));
  const inner = (x: Tensor): Tensor =>
    jvp((y: Tensor) => add(x, y), [x] as [Tensor], [like(x, 1)] as [Tensor]).tangent;
  const forward = (x: Tensor): Tensor =>
    jvp((z: Tensor) => mul(z, inner(z)), [x] as [Tensor], [like(x, 1)] as [Tensor]).tangent;
  assertEquals(at((x) => [reverse(x!), forward(x!)], 5), [1, 1]);
});

Deno.test("derivatives agree forward over reverse, reverse over forward, and twice the same", () => {
  const f = (x: Tensor): Tensor => exp(mul(sin(x), x));
  const one = (x: Tensor): [Tensor] => [like(x, 1)];
  const forward = (g: (x: Tensor) => Tensor) => (x: Tensor): Tensor => jvp(g, [x], one(x)).tangent;
  const all = at(
    (x) => [
      grad(grad(f))(x!),
      forward(grad(f))(x!),
      grad(forward(f))(x!),
      forward(forward(f))(x!),
    ],
    0.7,
  );
  const x = 0.7;
  const [s, c] = [Math.sin(x), Math.cos(x)];
  const inner = s + x * c;
  const expected = Math.exp(x * s) * (inner * inner + 2 * c - x * s);
  all.forEach((value) => assertAlmostEquals(value, expected, 1e-12));
});

Deno.test("jvp() returns value and tangent, zero where nothing varies", () => {
  const results = at(
    (x, y, dx) => {
      const { value, tangent } = jvp(
        (a: Tensor) => ({ product: mul(a, y!), other: y! }),
        [x!] as [Tensor],
        [dx!] as [Tensor],
      );
      return [value.product, value.other, tangent.product, tangent.other];
    },
    3,
    5,
    2,
  );
  assertEquals(results, [15, 5, 10, 0]);
});

Deno.test("jvp() throws on a tangent of another shape or structure", () => {
  const a = ops.input({ shape: [3], dtype: "f32" });
  const b = ops.input({ shape: [4], dtype: "f32" });
  assertThrows(
    () => jvp((x: { w: Tensor }) => x, [{ w: a }], [{ w: b }]),
    TypeError,
    "Cannot take a directional derivative: the tangent at 0.w is f32[4], expected f32[3].",
  );
  assertThrows(
    () => jvp((x: unknown) => x, [{ w: a }], [[a]]),
    TypeError,
    "Cannot take a directional derivative: found the structure [[*]], expected [{w: *}].",
  );
});

Deno.test("vjp() pulls a tree of cotangents back to a tree of arguments", () => {
  const results = at(
    (x, y, c, d) => {
      const { value, pullback } = vjp(
        ({ x, y }: { x: Tensor; y: Tensor }) => [mul(x, y), exp(x)],
        [{ x: x!, y: y! }] as [{ x: Tensor; y: Tensor }],
      );
      const [cotangents] = pullback([c!, d!]);
      return [...value, cotangents.x, cotangents.y];
    },
    0,
    5,
    2,
    3,
  );
  assertEquals(results, [0, 1, 2 * 5 + 3, 0]);
});

Deno.test("vjp() throws on a cotangent of another structure", () => {
  const x = ops.input({ shape: [], dtype: "f32" });
  const { pullback } = vjp((y: Tensor) => [y, y] as Tensor[], [x] as [Tensor]);
  assertThrows(() => pullback([x]), TypeError, "Cannot pull a cotangent back");
});

Deno.test("grad() has the structure of its argument, zeros where it is unused or not f32", () => {
  const { program, outputs } = trace(
    (p: { k: Tensor; unused: Tensor; w: Tensor[] }, x: Tensor) =>
      grad(({ w }: typeof p) => sum(mul(w[0]!, x), [0]))(p),
    [
      {
        k: { shape: [2], dtype: "i32" },
        unused: { shape: [3], dtype: "f32" },
        w: [{
          shape: [3],
          dtype: "f32",
        }],
      },
      { shape: [3], dtype: "f32" },
    ],
  );
  assertEquals(JSON.stringify(outputs).match(/leaf/g)?.length, 3);
  assertEquals(program.outputs.map(({ dtype, shape }) => [dtype, shape]), [
    ["i32", [2]],
    ["f32", [3]],
    ["f32", [3]],
  ]);
  assertEquals(program.outputs.map(({ node }) => node.primitive.name).slice(0, 2), [
    "fill",
    "fill",
  ]);
});

Deno.test("grad() throws on anything but a scalar f32", () => {
  const x = ops.input({ shape: [3], dtype: "f32" });
  assertThrows(
    () => grad((y: Tensor) => exp(y))(x),
    TypeError,
    "Cannot take a gradient: the function returned f32[3], expected a scalar f32[].",
  );
  assertThrows(
    () => grad((y: Tensor) => ops.convert(sum(y, [0]), "i32"))(x),
    TypeError,
    "returned i32[]",
  );
  assertThrows(() => grad(() => 3 as unknown as Tensor)(x), TypeError, "returned number");
});

Deno.test("valueAndGrad() and valueAndGradAux() return all they name", () => {
  const results = at(
    (x, y) => {
      const { value, grad } = valueAndGrad(mul)(x!, y!);
      const more = valueAndGradAux((a: Tensor, b: Tensor) => ({
        loss: mul(a, b),
        aux: { sum: add(a, b) },
      }))(x!, y!);
      return [value, grad, more.value, more.grad, more.aux.sum];
    },
    3,
    5,
  );
  assertEquals(results, [15, 5, 15, 5, 8]);
});

Deno.test("an operand that is used twice gets both contributions", () => {
  assertEquals(at((x) => [grad((y: Tensor) => add(mul(y, y), mul(y, y)))(x!)], 3), [12]);
});

Deno.test("hvp() is the dense Hessian times the direction, over trees", () => {
  type P = { a: Tensor; b: Tensor };
  const f = ({ a, b }: P, scale: Tensor): Tensor => {
    const hidden = ops.tanh(ops.matmul(a, ops.reshape(b, [3, 1])));
    return mul(scale, sum(mul(hidden, mul(hidden, hidden)), [0, 1]));
  };
  const a = randomLike({ shape: [2, 3], dtype: "f32" }, 1);
  const b = randomLike({ shape: [3], dtype: "f32" }, 2);
  const [va, vb] = [randomLike(a, 3), randomLike(b, 4)];
  const scale = ndArray({ shape: [], dtype: "f32" }, [1.5]);
  const product = run((a, b, va, vb, s) => {
    const { a: ha, b: hb } = hvp(f)({ a: a!, b: b! }, { a: va!, b: vb! }, s!);
    return [ha, hb];
  }, [a, b, va, vb, scale]);
  const gradient = (step: number): typeof product => {
    const moved = [[a, va], [b, vb]].map(([x, v]) =>
      ndArray(x!, Array.from(x!.data, (value, k) => value + step * v!.data[k]!))
    );
    return run((a, b, s) => {
      const g = grad(f)({ a: a!, b: b! }, s!);
      return [g.a, g.b];
    }, [...moved, scale]);
  };
  const h = 1e-5;
  const [up, down] = [gradient(h), gradient(-h)];
  product.forEach((result, k) => {
    const difference = Array.from(
      result.data,
      (_, at) => (up[k]!.data[at]! - down[k]!.data[at]!) / (2 * h),
    );
    assertClose(result, ndArray(result, difference), { tolerance: 1e-8, what: "H v" });
  });
});

Deno.test("stopGradient() blocks, identity() and barrier() pass", () => {
  const results = at((x) => {
    const through = (wrap: (y: Tensor) => Tensor): Tensor =>
      grad((y: Tensor) => mul(y, wrap(y)))(x!);
    return [
      through(ops.stopGradient),
      through(ops.identity),
      through((y) => ops.barrier(y, 1)),
      grad(grad((y: Tensor) => mul(cube(y), ops.stopGradient(y))))(x!),
    ];
  }, 3);
  assertEquals(results, [3, 6, 6, 54]);
});

Deno.test("a rule that returns a wrong shape is named", () => {
  const broken = {
    ...ops.expP,
    name: "broken",
    jvp: () => [like({ shape: [2], dtype: "f32" }, 0)],
  };
  const x = ops.input({ shape: [3], dtype: "f32" });
  const fn = (y: Tensor): Tensor => applied(broken, y);
  assertThrows(
    () => jvp(fn, [x] as [Tensor], [x] as [Tensor]),
    Error,
    "Cannot differentiate 'broken': its tangent rule gave f32[2], expected f32[3].",
  );
  const twisted = {
    ...ops.negP,
    name: "twisted",
    jvp: (_: unknown, [t]: readonly (Tensor | null)[]) => [applied(twisted, t!)],
    transpose: () => [like({ shape: [2], dtype: "f32" as const }, 0)],
  };
  assertThrows(
    () => grad((y: Tensor) => sum(applied(twisted, y), [0]))(x),
    Error,
    "Cannot transpose 'twisted': its rule gave f32[2] for operand 0, expected f32[3].",
  );
  const bent = { ...ops.expP, name: "bent", jvp: twisted.jvp, transpose: "not linear" as const };
  const loop = {
    ...bent,
    jvp: (_: unknown, [t]: readonly (Tensor | null)[]) => [applied(bent, t!)],
  };
  assertThrows(
    () => grad((y: Tensor) => sum(applied(loop, y), [0]))(x),
    Error,
    "Cannot transpose 'bent': it is not linear.",
  );
});

function applied(primitive: typeof ops.expP, x: Tensor): Tensor {
  return apply(primitive, null, [x]);
}
