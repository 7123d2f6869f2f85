import { assert } from "@std/assert";
import { evaluate } from "../../src/ir/evaluate.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { assertClose } from "../cases/laws.ts";
import { conv4Workload } from "../workloads/conv4.ts";

for (const order of ["exact", "first"] as const) {
  Deno.test(`the ${order} meta-gradient of a convolutional network agrees`, async () => {
    const size = { way: 2, shot: 1, queries: 1, filters: 3, tasks: 2, innerSteps: 2 };
    const { fn, args, arrays } = conv4Workload(size, { order });
    const { program } = trace(fn, args as readonly unknown[]);
    const executor = await openTfjs();
    const simpler = simplify(program);
    const inputs = arrays.map((array) => ({
      ...array,
      data: array.dtype === "f32" ? Float32Array.from(array.data) : array.data,
    }));
    const constants = executor.compile(simpler) && executor.tf.memory().numTensors;
    const results = await executor.run(simpler, inputs as HostArray[]);
    assert(executor.tf.memory().numTensors === constants);
    evaluate(simpler, arrays).forEach((expected, k) => {
      assertClose(ndArray(expected, results[k]!.data), expected, {
        tolerance: 2e-5,
        what: `output ${k}`,
      });
    });
    executor.close();
  });
}
