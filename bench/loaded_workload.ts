/**
 * A workload loaded on the WebGPU device, ready to be timed.
 *
 * @module
 */
import { type LoadedGpuProgram, WebGpuBackend } from "../src/engine/webgpu_backend.ts";
import type { BufferPoolOptions } from "../src/gpu/buffers.ts";
import type { AdapterProfile, KernelTable } from "../src/adapter/mod.ts";
import type { DeviceTraits } from "../src/ir/lowering.ts";
import { type Dispatch, timeDispatches, timePasses } from "../src/gpu/timing.ts";
import type { Program } from "../src/ir/program.ts";
import { programFlops } from "../src/ir/program.ts";
import { inlineCalls, simplify, trace } from "../src/transform/mod.ts";
import { conv4Workload } from "../tests/workloads/conv4.ts";
import { fullStep, sampleValues } from "./full_step.ts";

/** What is measured. */
export interface LoadedWorkload {
  /** The device. */
  readonly backend: WebGpuBackend;
  /** The simplified program. */
  readonly program: Program;
  /** The loaded program. */
  readonly loaded: LoadedGpuProgram;
  /** Buffers of the inputs. */
  readonly inputs: readonly GPUBuffer[];
  /** Floating-point operations of one run. */
  readonly flops: number;
  /** Milliseconds of tracing, compiling and loading. */
  readonly firstCall: { readonly trace: number; readonly load: number };
  /** Runs it `count` times and waits for the end; results are freed. */
  run(count: number): Promise<void>;
  /** Gives out `count` runs without waiting for them: what the host needs. */
  give(count: number): Promise<void>;
  /** Nanoseconds of each dispatch of one run, in a pass of its own. */
  timeEach(): Promise<Float64Array>;
  /** Milliseconds of one run on the device, all dispatches in one pass. */
  timeWhole(): Promise<number>;
}

/** How much device memory a workload may take, and what is believed of the adapter. */
export interface LoadOptions extends BufferPoolOptions {
  /** What the adapter can do; that of its class unless told. */
  readonly profile?: AdapterProfile;
  /** Which kernels were measured to be the fastest; the rule's unless told. */
  readonly kernels?: KernelTable;
  /** Traits other than those found: other kernels are chosen. */
  readonly traits?: Partial<DeviceTraits>;
}

/**
 * Loads a workload: a Conv4 meta-gradient, or the `full` step of cifar-maml.
 *
 * @param which Its name or sizes.
 * @param order Exact or first order.
 * @param recompute Whether inner activations are computed again (default) or kept.
 * @param options Budget of memory, traits.
 */
export async function loadWorkload(
  which: Parameters<typeof conv4Workload>[0] | "full",
  order: "exact" | "first",
  recompute: boolean = true,
  options: LoadOptions = {},
): Promise<LoadedWorkload> {
  const backend = await WebGpuBackend.open(options);
  const conv4 = which === "full" ? undefined : conv4Workload(which, { order });
  const { fn, args } = conv4 ?? fullStep(order);
  const start = performance.now();
  const whole = trace(fn, args).program;
  const program = simplify(recompute ? whole : inlineCalls(whole));
  const traced = performance.now();
  const loaded = await backend.load(program);
  const done = performance.now();
  const values = conv4?.values ?? program.inputs.map(sampleValues);
  const inputs = program.inputs.map(({ shape, dtype }, k) =>
    backend.upload({ shape, dtype, data: values[k]! })
  );
  const give = async (count: number): Promise<void> => {
    for (let k = 0; k < count; k++) {
      for (const output of await loaded.run(inputs)) backend.release(output);
    }
  };
  const onDevice = async <T>(time: (dispatches: readonly Dispatch[]) => Promise<T>): Promise<T> => {
    const { buffers } = backend.resources;
    const outputs = loaded.plan.plan.outputs.map((bytes) => buffers.acquire(bytes));
    const times = await time(loaded.plan.bound(inputs, outputs));
    for (const output of outputs) buffers.release(output);
    return times;
  };
  const { gpu } = backend.resources;
  return {
    backend,
    program,
    loaded,
    inputs,
    flops: programFlops(program),
    firstCall: { trace: traced - start, load: done - traced },
    async run(count) {
      await give(count);
      await gpu.finish("run a workload");
    },
    give,
    timeEach: () => onDevice((dispatches) => timeDispatches(gpu, dispatches)),
    timeWhole: () =>
      onDevice(async (dispatches) => {
        const times: number[] = [];
        for (let k = 0; k < 5; k++) times.push((await timePasses(gpu, [dispatches]))[0]! / 1e6);
        return Math.min(...times);
      }),
  };
}
