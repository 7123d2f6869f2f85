/** `deno bench bench/meta_gradient_bench.ts`: whole meta-gradients of the Conv4 workloads. */
import { loadWorkload } from "./loaded_workload.ts";

for (const name of ["small", "mid"] as const) {
  for (
    const [order, recompute] of [["exact", true], ["exact", false], ["first", true]] as const
  ) {
    const workload = await loadWorkload(name, order, recompute);
    await workload.run(1);
    const { adapter } = workload.backend.info;
    Deno.bench({
      name: `W-${name}, ${order} order, activations ${recompute ? "recomputed" : "kept"}, ${
        (workload.flops / 1e9).toFixed(2)
      } GFLOP, ${adapter}`,
      group: `W-${name}`,
      n: name === "small" ? 20 : 5,
      warmup: 1,
      fn: () => workload.run(1),
    });
  }
}
