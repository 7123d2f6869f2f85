import { assert, assertEquals } from "@std/assert";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { assertClose, gradientOf, type Subject, subjectOf } from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";

const executor = await openTfjs();

function onHost({ shape, dtype, data }: NdArray): HostArray {
  return {
    shape,
    dtype,
    data: dtype === "f32" ? Float32Array.from(data) : data as Int32Array,
  };
}

async function assertAgrees({ name, fn, point }: Subject, tolerance = 1e-5): Promise<void> {
  const { program } = trace(fn, point.map(({ shape, dtype }) => ({ shape, dtype })));
  const before = executor.tf.memory().numTensors;
  const constants = executor.compile(program) && executor.tf.memory().numTensors;
  const results = await executor.run(program, point.map(onHost));
  assert(executor.tf.memory().numTensors === constants, `${name} leaks (${before})`);
  evaluate(program, point).forEach((expected, k) => {
    const { dtype, shape, data } = results[k]!;
    const found = ndArray({ dtype, shape }, data);
    const isFloat = dtype === "f32";
    assertClose(found, expected, { tolerance: isFloat ? tolerance : 0, what: `${name} on tfjs` });
  });
}

for (const entry of primitiveCases) {
  Deno.test(`tfjs agrees with the reference: ${entry.name}`, async () => {
    await assertAgrees(subjectOf(entry));
    const { program } = trace(entry.build, entry.avals);
    if (program.outputs[0]!.dtype === "f32" && entry.differentiable.length > 0) {
      await assertAgrees(gradientOf(subjectOf(entry)));
    }
  });
}

Deno.test("closing the executor frees every tensor", () => {
  executor.close();
  assertEquals(executor.tf.memory().numTensors, 0);
});
