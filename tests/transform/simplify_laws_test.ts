import { assert, assertEquals } from "@std/assert";
import { Engine } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { check } from "../../src/ir/check.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import { countPrimitives } from "../../src/ir/program.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { abs, div, max, mul, sqrt, sum } from "../../src/tensor/mod.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { assertClose, gradientOf, type Subject, subjectOf } from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";
import { webgpuTest } from "../webgpu.ts";

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

/** The norm of `x`, of which no square leaves the range of `f32`. */
function scaledNorm(x: Tensor): Tensor {
  const largest = max(abs(x));
  const scaled = mul(x, div(1, largest));
  return mul(sqrt(sum(mul(scaled, scaled))), largest);
}

webgpuTest(
  "simplify() multiplies in the order of the program, in which numbers stay in range",
  async (gpu) => {
    const engine = new Engine(new WebGpuBackend(gpu));
    const products = (x: Tensor) => ({
      norm: scaledNorm(x),
      mean: sum(mul(mul(x, 1 / 4096), mul(x, 1 / x.size))),
    });
    for (const unit of [1e25, 1, 1e-25, 1e-35]) {
      const x = hostArray([3 * unit, 4 * unit, 12 * unit], [3]);
      const found = await engine.read(await engine.jit(products)(x));
      const relative = found.norm.data[0]! as number / (13 * unit);
      assert(
        Math.abs(relative - 1) < 1e-5,
        `the norm of ${unit} times (3, 4, 12) is ${relative} times`,
      );
    }
    const x = hostArray([1e20, -1e20], [2]);
    const { mean } = await engine.read(await engine.jit(products)(x));
    const relative = mean.data[0]! as number / (1e40 / 4096);
    assert(Math.abs(relative - 1) < 1e-5, `the scaled sum is ${relative} times what it is`);
  },
);

for (
  const [what, fn, shape] of [
    ["some results", (x: Tensor) => {
      const { normal, mean, scale } = ops.standardize(x, [0], 1e-5);
      return [normal, mean, scale, mul(mean, scale)];
    }, [0, 3]],
    ["all results", (x: Tensor) => Object.values(ops.eigh(x)), [0, 2, 2]],
  ] as [string, (x: Tensor) => readonly Tensor[], number[]][]
) {
  Deno.test(`simplify() knows ${what} of a primitive with several to have no elements`, () => {
    const nothing = ndArray({ shape, dtype: "f32" }, []);
    const { program } = trace((x: Tensor) => [...fn(x)], [{ shape, dtype: "f32" }]);
    const simpler = simplify(program);
    assertEquals(evaluate(simpler, [nothing]), evaluate(program, [nothing]));
    assertEquals([...countPrimitives(simpler).keys()].filter((name) => name !== "fill"), []);
  });
}
