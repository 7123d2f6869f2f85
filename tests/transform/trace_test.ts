import { assertEquals, assertThrows } from "@std/assert";
import type { Aval } from "../../src/ir/aval.ts";
import { print } from "../../src/ir/print.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, exp, mul, neg } from "../../src/ops/mod.ts";
import { inline, trace } from "../../src/transform/mod.ts";
import { formatStructure } from "../../src/tree/tree.ts";

const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });

Deno.test("trace() keeps structures and names inputs by their paths", () => {
  const { program, inputs, outputs, inputPaths } = trace(
    ({ w, b }: { w: Tensor; b: Tensor[] }, x: Tensor) => ({ y: [add(mul(w, x), b[0]!)], x }),
    [{ w: f32(3), b: [f32(3)] }, f32(3)],
  );
  assertEquals(formatStructure(inputs), "[{b: [*], w: *}, *]");
  assertEquals(formatStructure(outputs), "{x: *, y: [*]}");
  assertEquals(inputPaths, ["0.b.0", "0.w", "1"]);
  assertEquals(
    print(program),
    `inputs %0 f32[3], %1 f32[3], %2 f32[3]
  %3 f32[3] = mul %1 %2
  %4 f32[3] = add %3 %0
outputs %2, %4`,
  );
});

Deno.test("trace() takes tensors as examples of their shapes", () => {
  const outer = trace((x: Tensor) => trace((y: Tensor) => exp(y), [x]) && x, [f32(2, 3)]);
  assertEquals(outer.program.nodes.length, 1);
});

Deno.test("trace() throws on a result that is no tensor, and says where", () => {
  assertThrows(
    () => trace((x: Tensor) => ({ loss: x, steps: [x, 3] }), [f32()]),
    TypeError,
    "Cannot trace a function: its result at steps.1 is 3, expected a tensor.",
  );
  assertThrows(() => trace(() => undefined, []), TypeError, "its result is undefined");
});

Deno.test("trace() throws on an argument without shape and type", () => {
  assertThrows(
    () => trace((x: Tensor) => x, [{ x: 3 }]),
    TypeError,
    "an argument holds 3, expected { shape, dtype }",
  );
});

Deno.test("trace() throws on a tensor of another trace", () => {
  let leaked: Tensor | undefined;
  trace((x: Tensor) => leaked = exp(x), [f32(3)]);
  assertThrows(
    () => trace((x: Tensor) => add(x, leaked!), [f32(3)]),
    Error,
    "A tensor of another trace has leaked in",
  );
});

Deno.test("inline() applies a program to other tensors", () => {
  const { program } = trace((x: Tensor, y: Tensor) => [mul(x, y), neg(y)], [f32(3), f32(3)]);
  const again = trace((z: Tensor) => inline(program, [z, exp(z)]), [f32(3)]).program;
  assertEquals(
    print(again),
    `inputs %0 f32[3]
  %1 f32[3] = exp %0
  %2 f32[3] = mul %0 %1
  %3 f32[3] = neg %1
outputs %2, %3`,
  );
});
