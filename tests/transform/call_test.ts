import { assert, assertEquals, assertThrows } from "@std/assert";
import { countPrimitives, type Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { add, matmul, mul, sin, sum, tanh } from "../../src/ops/mod.ts";
import { constant, valuesOf } from "../../src/tensor/mod.ts";
import { type CallParams, checkpoint, grad, hvp, jvp, trace } from "../../src/transform/mod.ts";
import { assertClose, randomLike, run } from "../cases/laws.ts";

const f32 = (...shape: number[]): { shape: number[]; dtype: "f32" } => ({ shape, dtype: "f32" });

type Layer = { w: Tensor; b: Tensor };

function layer(x: Tensor, { w, b }: Layer): Tensor {
  return tanh(add(matmul(x, w), ops.broadcast(b, [3, 4], [1])));
}

function loss(apply: typeof layer): (p: Layer, x: Tensor) => Tensor {
  return (p, x) => sum(sin(apply(apply(x, p), p)), [0, 1]);
}

const point = [randomLike(f32(4), 1), randomLike(f32(4, 4), 2), randomLike(f32(3, 4), 3)];
const direction = [randomLike(f32(4), 4), randomLike(f32(4, 4), 5)];

Deno.test("checkpoint() changes neither value, gradient nor Hessian-vector product", () => {
  const all =
    (apply: typeof layer) => (b: Tensor, w: Tensor, x: Tensor, db: Tensor, dw: Tensor) => {
      const value = loss(apply)({ w, b }, x);
      const first = grad(loss(apply))({ w, b }, x);
      const second = hvp(loss(apply))({ w, b }, { w: dw, b: db }, x);
      return [value, first.b, first.w, second.b, second.w];
    };
  const inputs = [...point, ...direction];
  const [direct, called] = [layer, checkpoint(layer)].map((apply) =>
    run((...args) => all(apply)(...args as Parameters<ReturnType<typeof all>>), inputs)
  );
  called!.forEach((result, k) => {
    assertClose(result, direct![k]!, { tolerance: 1e-13, what: `result ${k}` });
  });
});

function calledPrograms(program: Program): Program[] {
  return program.nodes.filter(({ primitive }) => primitive.name === "call")
    .map(({ params }) => (params as CallParams).program);
}

Deno.test("equal calls share one program, in every derivative", () => {
  const step = checkpoint((x: Tensor) => tanh(mul(x, x)));
  const chain = (x: Tensor): Tensor => sum(step(step(step(x))), [0]);
  const gradient = calledPrograms(trace((x: Tensor) => grad(chain)(x), [f32(3)]).program);
  // Two calls forward (the value of the third is not needed) and three backward.
  assertEquals([gradient.length, new Set(gradient).size], [5, 2]);
  const again = calledPrograms(trace((x: Tensor) => grad(chain)(x), [f32(3)]).program);
  assertEquals(new Set([...gradient, ...again]).size, 2);
});

Deno.test("a longer chain of calls needs more calls, not more programs, at order 2", () => {
  const step = checkpoint((x: Tensor) => tanh(mul(x, x)));
  const [short, long] = [4, 8].map((length) => {
    const chain = (x: Tensor): Tensor => {
      for (let k = 0; k < length; k++) x = step(x);
      return sum(x, [0]);
    };
    const total = (x: Tensor): Tensor => sum(grad(chain)(x), [0]);
    const { program } = trace((x: Tensor) => grad(total)(x), [f32(3)]);
    assert(!countPrimitives(program).has("tanh"), "everything heavy is inside of calls");
    return calledPrograms(program);
  });
  assert(long!.length >= short!.length + 4 * 3);
  assertEquals(new Set(long!).size, new Set(short!).size);
});

Deno.test("checkpoint() traces once for each shape and structure", () => {
  let count = 0;
  const counted = checkpoint((tree: { x: Tensor }) => {
    count++;
    return tanh(tree.x);
  });
  trace((x: Tensor, y: Tensor) => [counted({ x }), counted({ x }), counted({ x: y })], [
    f32(2),
    f32(3),
  ]);
  assertEquals(count, 2);
});

Deno.test("checkpoint() keeps nothing of its inside for the reverse pass", () => {
  const apply = checkpoint((x: Tensor) => tanh(tanh(tanh(x))));
  const { program } = trace((x: Tensor) => grad((y: Tensor) => sum(apply(y), [0]))(x), [f32(3)]);
  for (const inner of calledPrograms(program)) {
    assert(inner.inputs.every(({ shape }) => shape.join() === "3"));
    assert(inner.outputs.length === 1);
  }
});

Deno.test("checkpoint() throws on a function that uses tensors of its surroundings", () => {
  assertThrows(
    () => trace((x: Tensor) => checkpoint((y: Tensor) => mul(x, y))(x), [f32(3)]),
    Error,
    "pass it as an argument instead",
  );
});

Deno.test("what a called function does not depend on has no derivative, not 0 times infinity", () => {
  const second = checkpoint((_: Tensor, y: Tensor) => mul(y, y));
  const fn = (x: Tensor): Tensor => sum(second(sin(x), x), [0]);
  const x = constant([1, Infinity]);
  assertEquals(valuesOf(grad(fn)(x)), [2, Infinity]);
  assertEquals(valuesOf(jvp(fn, [x], [x]).tangent), [Infinity]);
});

Deno.test("a call differentiates in the operands that vary only", () => {
  const product = checkpoint((x: Tensor, y: Tensor) => mul(x, y));
  const { program } = trace(
    (x: Tensor, y: Tensor, d: Tensor) =>
      jvp((a: Tensor) => product(a, y), [x] as [Tensor], [d] as [Tensor]).tangent,
    [f32(3), f32(3), f32(3)],
  );
  const tangent = calledPrograms(program).at(-1)!;
  assertEquals(tangent.inputs.length, 3);
  assertEquals(countPrimitives(tangent).get("mul"), 1);
});
