import { assert, assertEquals } from "@std/assert";
import { check } from "../src/ir/check.ts";
import { evaluate } from "../src/ir/evaluate.ts";
import { trace } from "../src/transform/trace.ts";
import { type Conv4Reference, conv4Workload } from "./workloads/conv4.ts";

const REFERENCES = new URL("../../shared/workloads/", import.meta.url);

for (
  const [order, file] of [
    ["exact", "w_small.json"],
    ["first", "w_small_first_order.json"],
  ] as const
) {
  Deno.test(`metaGradient() agrees with the float64 reference on W-small, order ${order}`, () => {
    const workload = conv4Workload("small", { order });
    const { program, outputs } = trace(workload.fn, workload.args);
    check(program);
    assertEquals(outputs.kind, "object");
    const results = evaluate(program, workload.arrays).map(({ data }) => data);
    const text = Deno.readTextFileSync(new URL(file, REFERENCES));
    const found = workload.compareTo(JSON.parse(text) as Conv4Reference, results);
    assert(found.loss < 1e-9, `loss: relative error ${found.loss}`);
    assert(found.gradient < 1e-9, `gradient: relative error ${found.gradient}`);
    assert(found.worst.error < 1e-8, `${found.worst.name}: relative error ${found.worst.error}`);
  });
}
