import { assertEquals, assertThrows } from "@std/assert";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { exp, like, mul, sum } from "../../src/ops/mod.ts";
import { customJvp, grad, trace, vmap } from "../../src/transform/mod.ts";
import { type Fn, run } from "../cases/laws.ts";

function at(fn: Fn, ...rows: number[][]): number[][] {
  const args = rows.map((row) => ndArray({ shape: [row.length], dtype: "f32" }, row));
  return run(fn, args).map(({ data }) => Array.from(data));
}

/** Rounds down, with the derivative of the identity. */
const straightThrough = customJvp((x) => ops.floor(x!), (_, [t]) => t!);

Deno.test("customJvp() replaces the derivative, not the value", () => {
  const results = at((x) => [
    straightThrough(x!),
    grad((y: Tensor) => sum(mul(straightThrough(y), y), [0]))(x!),
  ], [1.5, -0.5]);
  assertEquals(results, [[1, -1], [1 + 1.5, -1 - 0.5]]);
});

Deno.test("customJvp() is differentiated again by its rule", () => {
  // The rule says d f = 3 x^2 dx, whatever f is; so the second derivative is 6 x.
  const strange = customJvp((x) => exp(x!), ([x], [t]) => mul(t!, mul(like(x!, 3), mul(x!, x!))));
  const total = (y: Tensor): Tensor => sum(strange(y), [0]);
  const second = (y: Tensor): Tensor => sum(grad(total)(y), [0]);
  assertEquals(at((x) => [grad(total)(x!), grad(second)(x!)], [2, 5]), [[12, 75], [12, 30]]);
});

Deno.test("customJvp() keeps its rule under vmap()", () => {
  const each = (x: Tensor): Tensor => straightThrough(x);
  const results = at(
    (x) => [grad((y: Tensor) => sum(vmap(each)(y), [0]))(x!), vmap(grad(each))(x!)],
    [1.5, 2.5, 7],
  );
  assertEquals(results, [[1, 1, 1], [1, 1, 1]]);
});

Deno.test("customJvp() gives a zero tangent for operands that do not vary", () => {
  const weighted = customJvp(
    (x, w) => mul(x!, w!),
    ([, w], [dx, dw]) => ops.add(mul(dx!, w!), mul(dw!, like(w!, 100))),
  );
  const results = at(
    (x, w) => [grad((y: Tensor) => sum(weighted(y, w!), [0]))(x!)],
    [1, 2],
    [3, 5],
  );
  assertEquals(results, [[3, 5]]);
});

Deno.test("customJvp() throws on a tangent of another shape", () => {
  const broken = customJvp((x) => exp(x!), () => ops.fill(0, [2]));
  assertThrows(
    () =>
      trace((x: Tensor) => grad((y: Tensor) => sum(broken(y), [0]))(x), [{
        shape: [3],
        dtype: "f32",
      }]),
    Error,
    "Cannot differentiate 'custom_jvp': its tangent rule gave f32[2], expected f32[3].",
  );
});
