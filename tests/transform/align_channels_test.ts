import { assertEquals } from "@std/assert";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { conv2d, mul, square, sub, sum } from "../../src/tensor/mod.ts";
import { alignChannels, checkpoint, grad, simplify, trace, vmap } from "../../src/transform/mod.ts";
import { uniform } from "../cases/random.ts";

Deno.test("filters of three channels are updated as they are padded: each step as the first", () => {
  const shapes = [[2, 6, 6, 3], [3, 3, 3, 4]];
  const descent = (x: Tensor, start: Tensor): Tensor => {
    let w = start;
    const loss = (filters: Tensor): Tensor => sum(square(conv2d(x, filters)));
    for (let k = 0; k < 3; k++) w = sub(w, mul(grad(loss)(w), 0.01));
    return conv2d(x, w);
  };
  const { program } = trace(descent, shapes.map((shape) => ({ shape, dtype: "f32" as const })));
  const aligned = alignChannels(simplify(program));
  const filters = aligned.nodes.filter(({ primitive: { name } }) => name === "conv2d")
    .map(({ inputs: [, filter] }) => filter!.node);
  assertEquals(filters.map(({ primitive }) => primitive.name), ["pad", "sub", "sub", "sub"]);
  filters.slice(1).forEach(({ inputs }, k) => assertEquals(inputs[0]!.node, filters[k]));
  const point = pointOf(shapes);
  assertEquals(evaluate(aligned, point), evaluate(program, point));
});

Deno.test("a called program gets each of its operands padded, though their shapes are the same", () => {
  const shapes = [[2, 1, 6, 6, 3], [2, 3, 3, 3, 4], [2, 3, 3, 3, 4]];
  const difference = checkpoint((x: Tensor, a: Tensor, b: Tensor) =>
    sub(conv2d(x, a), mul(conv2d(x, b), 2))
  );
  const { program } = trace(
    vmap((x: Tensor, a: Tensor, b: Tensor) => difference(x, b, a)),
    shapes.map((shape) => ({ shape, dtype: "f32" as const })),
  );
  const aligned = alignChannels(simplify(program));
  const call = aligned.nodes.find(({ primitive: { lower } }) => lower.kind === "call")!;
  const names = call.inputs.map(({ node }) => node.primitive.name);
  assertEquals(names.filter((name) => name === "pad").length, shapes.length);
  const point = pointOf(shapes);
  assertEquals(evaluate(aligned, point), evaluate(program, point));
});

/** Numbers between -1/2 and 1/2 for operands of these shapes. */
function pointOf(shapes: readonly (readonly number[])[]): NdArray[] {
  const next = uniform(3);
  return shapes.map((shape) =>
    ndArray({ shape, dtype: "f32" }, Array.from({ length: sizeOf(shape) }, () => next() - 0.5))
  );
}
