/**
 * Peak device bytes of an exact meta-gradient against the number of inner steps, W-mid shape, one
 * task: `deno run -A bench/memory.ts`.
 *
 * @module
 */
import { sizeOf } from "../src/ir/aval.ts";
import { loadWorkload } from "./loaded_workload.ts";

const MIB = 2 ** 20;
let base = 0;
console.log("inner steps   dispatches   peak MiB   less S x parameters   over S = 1");
for (const innerSteps of [1, 2, 5, 10, 20]) {
  const size = { way: 5, shot: 1, queries: 15, filters: 32, tasks: 1, innerSteps };
  const workload = await loadWorkload(size, "exact");
  await workload.run(1);
  const { peak } = workload.backend.memory();
  const gradients = workload.program.outputs.slice(0, -1);
  const parameters = 4 * gradients.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const rest = peak - innerSteps * parameters;
  if (base === 0) base = rest;
  const cells = [
    String(innerSteps).padStart(11),
    String(workload.loaded.dispatches).padStart(12),
    (peak / MIB).toFixed(2).padStart(10),
    (rest / MIB).toFixed(2).padStart(21),
    (rest / base).toFixed(3).padStart(12),
  ];
  console.log(cells.join(" "));
  workload.backend.close();
}
