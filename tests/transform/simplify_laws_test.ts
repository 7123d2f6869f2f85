import { assert, assertEquals } from "@std/assert";
import { check } from "../../src/ir/check.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { countPrimitives } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { assertClose, gradientOf, type Subject, subjectOf } from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";

function assertSimplified({ fn, point, name }: Subject): void {
  const { program } = trace(fn, point.map(({ shape, dtype }) => ({ shape, dtype })));
  const simpler = simplify(program);
  check(simpler);
  assert(simplify(simpler) === simpler);
  const expected = evaluate(program, point);
  evaluate(simpler, point).forEach((result, k) => {
    assertClose(result, expected[k]!, { tolerance: 1e-13, what: `simplified ${name}` });
  });
}

Deno.test("simplify() keeps the meaning of every case and of its gradient", () => {
  for (const entry of primitiveCases) {
    const subject = subjectOf(entry);
    assertSimplified(subject);
    const { program } = trace(entry.build, entry.avals);
    if (program.outputs[0]!.dtype === "f32" && entry.differentiable.length > 0) {
      assertSimplified(gradientOf(subject));
      assertSimplified(gradientOf(gradientOf(subject)));
    }
  }
});

Deno.test("simplify() keeps the meaning of every case of constants", () => {
  for (const { avals, build, name } of primitiveCases) {
    const values = [1, 2, 0];
    const fn = (): Tensor[] => [
      build(
        ...avals.map((aval, k) =>
          ops.fill(aval.dtype === "bool" ? 1 : values[k % 3]!, aval.shape, aval.dtype)
        ),
      ),
    ];
    const { program } = trace(fn, []);
    const expected = evaluate(program, [])[0]!;
    if (!expected.data.every((value) => Number.isFinite(value))) continue;
    assertClose(evaluate(simplify(program), [])[0]!, expected, {
      tolerance: 1e-13,
      what: `simplified ${name} of constants`,
    });
  }
});

Deno.test("simplify() merges what is equal and keeps barriers apart", () => {
  const { program } = trace((x: Tensor) => {
    const [one, two] = [ops.barrier(x, 1), ops.barrier(x, 2)];
    return [
      ops.add(ops.exp(x), ops.exp(ops.identity(x))),
      ops.exp(one),
      ops.exp(two),
      ops.exp(one),
    ];
  }, [{ shape: [3], dtype: "f32" }]);
  const counts = countPrimitives(simplify(program));
  assertEquals([counts.get("exp"), counts.get("barrier"), counts.get("identity")], [
    3,
    2,
    undefined,
  ]);
});
