/**
 * Computes a workload's reference file with the float64 interpreter:
 * `deno run --allow-write tests/workloads/make_reference.ts small|mid exact|first`.
 *
 * @module
 */
import { evaluate } from "../../src/ir/evaluate.ts";
import { trace } from "../../src/transform/trace.ts";
import { conv4Workload, referenceLayout } from "./conv4.ts";

/** Leading elements of each tensor that a reference lists. */
const LISTED = 96;

const [name, order] = Deno.args as ["small" | "mid", "exact" | "first"];
const workload = conv4Workload(name, { order });
const { program } = trace(workload.fn, workload.args);
const results = evaluate(program, workload.arrays);
const tensors = workload.names.map((tensor, k) => {
  const { values, shape } = referenceLayout(tensor, results[k]!);
  return {
    name: tensor,
    shape,
    l2: Math.hypot(...values),
    values: Array.from(values.slice(0, LISTED)),
  };
});
const reference = { name, order, loss: results[workload.names.length]!.data[0], tensors };
await Deno.writeTextFile(
  new URL(`w_${name}_${order}.json`, import.meta.url),
  JSON.stringify(reference) + "\n",
);
