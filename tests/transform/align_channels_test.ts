import { assertEquals } from "@std/assert";
import { evaluate } from "../../src/ir/evaluate.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { conv2d, mul, square, sub, sum } from "../../src/tensor/mod.ts";
import { alignChannels, grad, simplify, trace } from "../../src/transform/mod.ts";
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
  const next = uniform(3);
  const point = shapes.map((shape) =>
    ndArray({ shape, dtype: "f32" }, Array.from({ length: sizeOf(shape) }, () => next() - 0.5))
  );
  assertEquals(evaluate(aligned, point), evaluate(program, point));
});
