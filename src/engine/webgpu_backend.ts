/**
 * Compiled programs on WebGPU as an engine.
 *
 * @module
 */
import { adapterCosts } from "../adapter/adapter_costs.ts";
import { type AdapterProfile, checkProfile } from "../adapter/adapter_profile.ts";
import { checkKernelTable, type KernelTable } from "../adapter/kernel_table.ts";
import { adapterClassOf, builtInProfile } from "../adapter/built_in_profiles.ts";
import { mostLeaves } from "../compile/choose_buffers.ts";
import { Compiler } from "../compile/compile.ts";
import { Arena, LoadedPlan, type Resources } from "../compile/loaded_plan.ts";
import { makePlan, type Plan } from "../compile/plan.ts";
import { lackOfMemory } from "../compile/plan_memory.ts";
import { storedBytes } from "../compile/stored_bytes.ts";
import { BufferPool, type BufferPoolOptions } from "../gpu/buffers.ts";
import { GarbagePressure } from "../gpu/garbage.ts";
import { borrowGpu, type Gpu, type GpuOptions, openGpu } from "../gpu/device.ts";
import { PipelineCache } from "../gpu/pipelines.ts";
import { readBuffers, upload } from "../gpu/readback.ts";
import { type Aval, sizeOf } from "../ir/aval.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { Pauses } from "../ir/pauses.ts";
import type { Program } from "../ir/program.ts";
import { withKernelSets } from "../ops/variants/kernel_sets.ts";
import { alignChannels } from "../transform/align_channels.ts";
import { shareBroadcasts } from "../transform/share_broadcasts.ts";
import { splitConcats } from "../transform/split_concats.ts";
import type { Backend, EngineInfo, EngineMemory, LoadedProgram } from "./engine.ts";
import type { LoadOptions } from "./engine_watch.ts";
import { fittingProgram } from "./fitting_program.ts";
import type { HostArray, HostData } from "../ir/host_array.ts";

// What profiles need of a device: pages load one file for WebGPU, and profiles take it from there.
export { bytesOf } from "../compile/plan.ts";
export { bindBuffers } from "../gpu/pipelines.ts";
export { timeDispatches } from "../gpu/timing.ts";
export { BufferPool, PipelineCache, upload };

/** A program on the device, with the plan behind it. */
export interface LoadedGpuProgram extends LoadedProgram {
  /** The plan, for profiles. */
  readonly plan: LoadedPlan;
}

/** The profile of an adapter, or who finds it out on a device of the adapter, which it leaves open. */
export type ProfileSource = AdapterProfile | ((device: GPUDevice) => Promise<AdapterProfile>);

/** Which kernels are the fastest for which shapes, or who finds it out on a device, which it leaves open. */
export type KernelSource = KernelTable | ((device: GPUDevice) => Promise<KernelTable>);

/** Options of {@linkcode WebGpuBackend}. */
export interface BackendOptions extends BufferPoolOptions {
  /** What the adapter can do, or who finds it out; that of its class unless told. */
  readonly profile?: ProfileSource;
  /** Which kernels are the fastest for which shapes, or who finds it out; where it says nothing, a rule decides. */
  readonly kernels?: KernelSource;
  /** Whether kernels may compute with numbers of half precision, where the table names one that does. */
  readonly halfPrecision?: boolean;
  /** What programs are compiled for, where it is less than the device has: for tests. */
  readonly traits?: Partial<DeviceTraits>;
}

/** A backend that runs programs on the WebGPU device. */
export class WebGpuBackend implements Backend {
  readonly info: EngineInfo;
  /** The device, its memory and kernels: for profiles and for libraries that share them. */
  readonly resources: Resources;
  readonly #traits: DeviceTraits;
  readonly #named: readonly string[] | "all";
  #compiler?: Promise<Compiler>;
  readonly #arena: Arena;
  readonly #garbage = new GarbagePressure();
  readonly #plans = new WeakMap<Program, Plan>();

  /** Wraps an open device. */
  constructor(
    gpu: Gpu,
    options: BackendOptions & {
      readonly profile?: AdapterProfile;
      readonly kernels?: KernelTable;
    } = {},
  ) {
    const buffers = new BufferPool(gpu, options);
    const { profile = builtInProfile(adapterClassOf(gpu.info)), kernels = {} } = options;
    this.resources = { gpu, buffers, pipelines: new PipelineCache(gpu) };
    this.info = {
      name: "webgpu",
      adapter: gpu.info.label,
      software: gpu.info.software,
      holds: "float32",
      profile,
      kernels,
    };
    const chooseKernel = (shape: string): string | undefined => kernels[shape];
    const { halfPrecision = false } = options;
    const costs = adapterCosts(profile);
    this.#traits = { ...gpu.traits, costs, halfPrecision, chooseKernel, ...options.traits };
    this.#named = options.traits?.chooseKernel ? "all" : Object.values(kernels);
    this.#arena = new Arena(buffers);
  }

  /** Opens the device, or takes that which is given. */
  static async open(
    { profile: source, kernels: table, ...options }: GpuOptions & BackendOptions = {},
    gpu?: Gpu,
  ): Promise<WebGpuBackend> {
    gpu ??= await openGpu(options);
    try {
      const profile = typeof source === "function" ? await source(gpu.device) : source;
      const kernels = typeof table === "function" ? await table(gpu.device) : table;
      return new WebGpuBackend(gpu, {
        ...options,
        ...(profile !== undefined && { profile: checkProfile(profile) }),
        ...(kernels !== undefined && { kernels: checkKernelTable(kernels) }),
      });
    } catch (error) {
      gpu.close();
      throw error;
    }
  }

  /** Takes a device that belongs to someone else, who destroys it, and the adapter that it came from. */
  static async borrow(
    device: GPUDevice,
    { adapter, ...options }: BackendOptions & { readonly adapter?: GPUAdapter } = {},
  ): Promise<WebGpuBackend> {
    return await WebGpuBackend.open(options, await borrowGpu(device, adapter));
  }

  upload(array: HostArray): GPUBuffer {
    const buffer = this.resources.buffers.acquire(deviceBytes(array), "value");
    const data = array.dtype === "bool" ? Uint32Array.from(array.data) : array.data;
    upload(this.resources.gpu, buffer, data as ArrayBufferView<ArrayBuffer>);
    return buffer;
  }

  async download(
    arrays: readonly { readonly aval: Aval; readonly handle: unknown }[],
  ): Promise<HostArray[]> {
    const read = await readBuffers(
      this.resources.gpu,
      arrays.map(({ aval, handle }) => ({
        buffer: handle as GPUBuffer,
        bytes: sizeOf(aval.shape) * 4,
      })),
    );
    return arrays.map(({ aval: { shape, dtype } }, k) => ({
      shape,
      dtype,
      data: toHost(read[k]!, dtype),
    }));
  }

  release(handle: unknown): void {
    this.resources.buffers.release(handle as GPUBuffer);
  }

  async temporaryBytes(program: Program, pauses: Pauses): Promise<number> {
    const { slots } = await this.#plan(program, pauses);
    return slots.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The compiler, once the kernels are there that not every adapter runs. */
  #compiling(): Promise<Compiler> {
    return this.#compiler ??= withKernelSets(this.#traits, this.#named)
      .then((traits) => new Compiler(traits));
  }

  async #plan(program: Program, pauses: Pauses): Promise<Plan> {
    let plan = this.#plans.get(program);
    if (!plan) {
      const compiler = await this.#compiling();
      const aligned = splitConcats(
        shareBroadcasts(alignChannels(program)),
        mostLeaves(compiler.traits),
      );
      plan = makePlan(await pauses.work(compiler.compile(aligned)));
      this.#plans.set(program, plan);
    }
    return plan;
  }

  async load(
    given: Program,
    { name = "anonymous", pauses = new Pauses(), onProgress }: LoadOptions = {},
  ): Promise<LoadedGpuProgram> {
    const { gpu } = this.resources;
    const { traits } = await this.#compiling();
    const binding = Math.min(
      traits.maxStorageBinding,
      gpu.limits.maxBufferSize,
      gpu.limits.maxStorageBufferBindingSize,
    );
    const { program, plan } = await fittingProgram(given, {
      name,
      plan: (program) => this.#plan(program, pauses),
      lack: (plan) => lackOfMemory(plan, this.resources, { arena: this.#arena, binding }),
      stored: (program) => storedBytes(program, traits),
    });
    const named = { plan, name, pauses, ...(onProgress && { onProgress }) };
    const loaded = await LoadedPlan.load(this.resources, named, this.#arena);
    this.#garbage.tick(plan.dispatches.length);
    return {
      dispatches: plan.dispatches.length,
      program,
      plan: loaded,
      run: (inputs: readonly unknown[]) => {
        const { buffers } = this.resources;
        const outputs = plan.outputs.map((bytes) => buffers.acquire(bytes, "value"));
        try {
          loaded.run(inputs as GPUBuffer[], outputs);
        } catch (error) {
          for (const output of outputs) buffers.release(output);
          throw error;
        }
        this.#garbage.tick();
        return outputs;
      },
    };
  }

  memory(): EngineMemory {
    const { liveBytes, peakBytes } = this.resources.buffers.stats;
    return { live: liveBytes, peak: peakBytes };
  }

  resetPeak(): void {
    this.resources.buffers.resetPeak();
  }

  close(): void {
    this.resources.buffers.destroy();
    this.resources.gpu.close();
  }
}

/** Bytes of an array on the device; bindings are whole vectors of four elements. */
function deviceBytes({ shape }: Aval): number {
  return Math.max(16, Math.ceil(sizeOf(shape) / 4) * 16);
}

function toHost(bytes: ArrayBuffer, dtype: Aval["dtype"]): HostData {
  switch (dtype) {
    case "f32":
      return new Float32Array(bytes);
    case "i32":
      return new Int32Array(bytes);
    case "u32":
      return new Uint32Array(bytes);
    case "bool":
      return Uint8Array.from(new Uint32Array(bytes));
  }
}
