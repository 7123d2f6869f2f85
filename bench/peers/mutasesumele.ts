/**
 * This library: one compiled program for the whole meta-gradient, one submission. It computes the
 * activations of the inner steps again on the way back, or keeps them, as PyTorch does.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { inlineCalls } from "../../src/transform/inline_calls.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import type { Conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Peer } from "./peer.ts";

/** Opens it; tracing and compiling are part of the first run. */
export function open(workload: Conv4Workload): Promise<Peer> {
  return build(workload, { recompute: true });
}

/** Opens it, to keep the activations of the inner steps. */
export function openKeeping(workload: Conv4Workload): Promise<Peer> {
  return build(workload, { recompute: false });
}

async function build(
  workload: Conv4Workload,
  { recompute }: { readonly recompute: boolean },
): Promise<Peer> {
  const backend = await WebGpuBackend.open();
  const inputs = workload.arrays.map(({ shape, dtype }, k) =>
    backend.upload({ shape, dtype, data: workload.values[k]! })
  );
  const load = async () => {
    const traced = trace(workload.fn, workload.args).program;
    const program = simplify(recompute ? traced : inlineCalls(traced));
    return { program, loaded: await backend.load(program) };
  };
  let state: Awaited<ReturnType<typeof load>> | undefined;
  let handles: readonly unknown[] = [];
  const read = (from: number) =>
    backend.download(
      handles.map((handle, k) => ({ aval: state!.program.outputs[k]!, handle })).slice(from),
    );
  return {
    version: config.version,
    adapter: backend.info.adapter,
    async run(count) {
      state ??= await load();
      for (let k = 0; k < count; k++) {
        for (const handle of handles) backend.release(handle);
        handles = await state.loaded.run(inputs);
      }
      await read(handles.length - 1);
    },
    async results() {
      return (await read(0)).map(({ data }) => data);
    },
  };
}
