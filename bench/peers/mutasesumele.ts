/**
 * This library through its public interface: `engine.jit` compiles the whole meta-gradient to one
 * submission. By default it keeps the activations of the inner steps, as PyTorch does, where memory
 * allows; or it is told to compute them again on the way back.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { Engine, type JitOptions, type Value } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { type HostArray, hostData } from "../../src/ir/host_array.ts";
import type { NdArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { trace } from "../../src/transform/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";
import type { Conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Peer } from "./peer.ts";

/** Opens it; tracing and compiling are part of the first run. */
export function open(workload: Conv4Workload): Promise<Peer> {
  return build(workload, {});
}

/** Opens it, to compute the activations of the inner steps again. */
export function openRecomputing(workload: Conv4Workload): Promise<Peer> {
  return build(workload, { recompute: true });
}

async function build(workload: Conv4Workload, options: JitOptions): Promise<Peer> {
  const backend = await WebGpuBackend.open();
  const engine = new Engine(backend);
  const { inputs } = trace(workload.fn, workload.args);
  const metaGradient = engine.jit(
    (...tensors: Tensor[]) =>
      flatten<Tensor>(workload.fn(...unflatten<Parameters<Conv4Workload["fn"]>>(inputs, tensors)))
        .leaves,
    options,
  );
  const args: readonly Value[] = engine.put(workload.arrays.map(onHost));
  let results: readonly Value[] = [];
  const read = async (from: number) =>
    (await engine.read(results.slice(from))).map(({ data }) => data);
  return {
    version: config.version,
    adapter: engine.info.adapter,
    async run(count) {
      for (let k = 0; k < count; k++) {
        engine.release(results);
        results = await metaGradient(...args);
      }
      await read(results.length - 1);
    },
    results: () => read(0),
    deviceBytes: () => backend.memory().peak,
  };
}

function onHost({ shape, dtype, data }: NdArray): HostArray {
  return { shape, dtype, data: hostData(Array.from(data), dtype) };
}
