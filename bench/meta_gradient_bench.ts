/**
 * `deno bench -A bench/meta_gradient_bench.ts [--filter TEXT]`: whole meta-gradients of the Conv4 workloads. A
 * workload is loaded when it is first timed, and closed when the next one is.
 *
 * @module
 */
import { type LoadedWorkload, loadWorkload } from "./loaded_workload.ts";

let opened: { readonly name: string; readonly workload: Promise<LoadedWorkload> } | undefined;

async function open(
  name: string,
  load: () => Promise<LoadedWorkload>,
): Promise<LoadedWorkload> {
  if (opened?.name !== name) {
    (await opened?.workload)?.backend.close();
    opened = { name, workload: load() };
  }
  return await opened.workload;
}

for (const which of ["small", "mid"] as const) {
  for (
    const [order, recompute] of [["exact", true], ["exact", false], ["first", true]] as const
  ) {
    const name = `W-${which}, ${order} order, activations ${recompute ? "recomputed" : "kept"}`;
    Deno.bench({
      name,
      group: `W-${which}`,
      n: which === "small" ? 20 : 5,
      warmup: 1,
      fn: async (timer) => {
        const workload = await open(name, () => loadWorkload(which, order, recompute));
        timer.start();
        await workload.run(1);
        timer.end();
      },
    });
  }
}
