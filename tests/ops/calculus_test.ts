import type { Tensor } from "../../src/ir/tensor.ts";
import { primitiveCases } from "../cases/primitives.ts";
import { assertAdjoint, assertForward, gradientOf, subjectOf } from "../cases/laws.ts";
import { assert, assertEquals } from "@std/assert";
import { jvp, trace } from "../../src/transform/mod.ts";

/** Cases whose result is `f32` and depends differentiably on some operand. */
const differentiable = primitiveCases.filter(({ avals, build, differentiable }) =>
  differentiable.length > 0 && trace(build, avals).program.outputs[0]!.dtype === "f32"
);

Deno.test("most primitives are differentiable", () => {
  assert(new Set(differentiable.map(({ primitive }) => primitive)).size >= 35);
});

for (const entry of differentiable) {
  Deno.test(`calculus of ${entry.name}: forward and reverse, orders 1 to 3`, () => {
    const value = subjectOf(entry);
    assertForward(value);
    assertAdjoint(value);
    const gradient = gradientOf(value);
    assertForward(gradient);
    assertAdjoint(gradient);
    const third = gradientOf(gradient, 11);
    assertForward(third, 1e-7);
    assertAdjoint(third, 1e-11);
  });
}

Deno.test("primitives without a derivative have tangent zero", () => {
  const constant = primitiveCases.filter(({ primitive }) =>
    ["sign", "floor", "stop_gradient", "argmax", "less", "equal"].includes(primitive)
  );
  assert(constant.length > 8);
  for (const { name, avals, build } of constant) {
    const { program } = trace(
      (...args: Tensor[]) => {
        const half = args.length / 2;
        return jvp(
          (...tensors: Tensor[]) => build(...tensors),
          args.slice(0, half),
          args.slice(half),
        ).tangent;
      },
      [...avals, ...avals],
    );
    const [{ node }] = program.outputs as [(typeof program.outputs)[number]];
    assertEquals(
      [node.primitive.name, (node.params as { value: number }).value],
      ["fill", 0],
      name,
    );
  }
});
