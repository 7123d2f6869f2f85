/**
 * A plan on a device: pipelines compiled, temporaries allocated, bind groups made once.
 *
 * @module
 */
import type { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/device.ts";
import {
  bindBuffers,
  type CompiledKernel,
  type GetAllOptions,
  type PipelineCache,
} from "../gpu/pipelines.ts";
import { upload } from "../gpu/readback.ts";
import { type Dispatch, encodeDispatches } from "../gpu/timing.ts";
import { bytesOf, type Place, type Plan, type PlannedDispatch } from "./plan.ts";
import type { HostStep } from "../ir/lowering.ts";
import type { Storage } from "./storage.ts";

/** A device with its memory and its compiled kernels. */
export interface Resources {
  /** The device. */
  readonly gpu: Gpu;
  /** Its memory. */
  readonly buffers: BufferPool;
  /** Its compiled kernels. */
  readonly pipelines: PipelineCache;
}

/** A plan and the name of its program, and how its kernels are compiled. */
export interface NamedPlan extends GetAllOptions {
  /** The plan. */
  readonly plan: Plan;
  /** Name for errors. */
  readonly name: string;
}

/** Temporary memory shared by all plans of a device: they never run at the same time. */
export class Arena {
  readonly #pool: BufferPool;
  /** How many plans use each buffer. */
  readonly #users = new Map<GPUBuffer, number>();

  /** An empty arena. */
  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Different buffers of at least the given sizes, for one more plan; if one cannot be had, none is taken. */
  reserve(sizes: readonly number[]): GPUBuffer[] {
    const reserved: GPUBuffer[] = [];
    try {
      for (const [k, found] of this.#match(sizes).entries()) {
        const buffer = found ?? this.#pool.acquire(sizes[k]!, "temporary");
        this.#users.set(buffer, (this.#users.get(buffer) ?? 0) + 1);
        reserved.push(buffer);
      }
    } catch (error) {
      this.leave(reserved);
      throw error;
    }
    return reserved;
  }

  /** Ends a plan's use of buffers; those that no other plan uses are destroyed. */
  leave(buffers: readonly GPUBuffer[]): void {
    for (const buffer of buffers) {
      const others = (this.#users.get(buffer) ?? 1) - 1;
      if (others > 0) {
        this.#users.set(buffer, others);
      } else {
        this.#users.delete(buffer);
        this.#pool.release(buffer);
      }
    }
    // Another program's sizes are others: nobody would take them out of the pool again.
    this.#pool.trim();
  }

  /** Those of the given sizes for which `reserve` would have to allocate. */
  missing(sizes: readonly number[]): number[] {
    const found = this.#match(sizes);
    return sizes.filter((_, k) => !found[k]);
  }

  /** Different buffers that are there; larger sizes choose first. */
  #match(sizes: readonly number[]): (GPUBuffer | undefined)[] {
    const result = new Array<GPUBuffer | undefined>(sizes.length).fill(undefined);
    const free = new Set(this.#users.keys());
    const order = sizes.map((_, k) => k).sort((a, b) => sizes[b]! - sizes[a]!);
    for (const k of order) {
      let best: GPUBuffer | undefined;
      for (const buffer of free) {
        if (buffer.size >= sizes[k]! && buffer.size < (best?.size ?? Infinity)) best = buffer;
      }
      if (best) free.delete(best);
      result[k] = best;
    }
    return result;
  }
}

interface LoadedDispatch {
  readonly planned: PlannedDispatch;
  readonly kernel: CompiledKernel;
  /** Present where no binding is an input or output. */
  readonly fixed: GPUBindGroup | undefined;
  /** Bind groups by the buffers given for inputs and outputs. */
  readonly variable: Map<string, GPUBindGroup>;
}

/** The buffers of one run. */
interface Given {
  readonly inputs: readonly GPUBuffer[];
  readonly outputs: readonly GPUBuffer[];
}

/** Most bind groups kept for one dispatch. */
const MOST_BIND_GROUPS = 16;

/** Ends the use of memory by plans that nobody can run any more: their constants, and their temporaries. */
const unused = /* @__PURE__ */ new FinalizationRegistry<readonly [Arena, readonly GPUBuffer[]]>(
  ([arena, buffers]) => arena.leave(buffers),
);

/** A plan that can be run. Its memory is given back when nobody refers to it any more. */
export class LoadedPlan {
  /** The plan. */
  readonly plan: Plan;
  readonly #gpu: Gpu;
  readonly #program: string;
  readonly #dispatches: LoadedDispatch[] = [];
  readonly #hostSteps: HostStep[] = [];
  readonly #slots: readonly GPUBuffer[];
  readonly #literals: GPUBuffer[] = [];
  readonly #names = new WeakMap<GPUBuffer, number>();
  #nextName = 0;

  private constructor({ gpu }: Resources, { plan, name }: NamedPlan, arena: Arena) {
    this.#gpu = gpu;
    this.#program = name;
    this.plan = plan;
    this.#slots = arena.reserve(plan.slots);
  }

  /**
   * Loads a plan: compiles all kernels in parallel and makes the bind groups.
   *
   * @param resources The device, its memory and its compiled kernels.
   * @param named The plan, and the name of the program for errors.
   * @param arena Temporary memory, shared with other plans of the device.
   * @throws {Error} If a kernel does not compile; names what it computes.
   */
  static async load(resources: Resources, named: NamedPlan, arena: Arena): Promise<LoadedPlan> {
    const loaded = new LoadedPlan(resources, named, arena);
    try {
      await loaded.#load(resources, named);
    } catch (error) {
      arena.leave([...loaded.#slots, ...loaded.#literals]);
      throw error;
    }
    unused.register(loaded, [arena, [...loaded.#slots, ...loaded.#literals]]);
    return loaded;
  }

  async #load(resources: Resources, { plan, name, ...how }: NamedPlan): Promise<void> {
    for (const storage of plan.literals) {
      this.#literals.push(uploadLiteral(resources.gpu, resources.buffers, storage));
    }
    const kernels = await resources.pipelines.getAll(
      plan.dispatches.map(({ label, kernel, overrides }) => ({
        label,
        code: kernel.code,
        overrides,
      })),
      how,
    );
    plan.dispatches.forEach((planned, k) => {
      const kernel = kernels[k]!;
      const outside = planned.places.some(({ kind }) => kind === "input" || kind === "output");
      const fixed = outside ? undefined : this.#bind(planned, kernel, { inputs: [], outputs: [] });
      this.#dispatches.push({ planned, kernel, fixed, variable: new Map() });
    });
    for (const { load } of plan.hostSteps) {
      this.#hostSteps.push(await load(resources.gpu.device));
    }
    resources.gpu.check(`load the program "${name}"`);
  }

  /**
   * Runs the plan: one submission, and one more for each step on the host; nothing is waited for.
   *
   * @param inputs One buffer an input.
   * @param outputs One buffer an output, none of which is an input.
   * @throws {Error} If the device reported an error since the last check.
   */
  run(inputs: readonly GPUBuffer[], outputs: readonly GPUBuffer[]): void {
    const given = { inputs, outputs };
    const dispatches = this.bound(inputs, outputs);
    let done = 0;
    this.plan.hostSteps.forEach(({ after, operands, results }, k) => {
      if (after > done) {
        const before = this.#gpu.device.createCommandEncoder();
        encodeDispatches(before, dispatches.slice(done, after));
        this.#gpu.queue.submit([before.finish()]);
      }
      const buffersAt = (places: readonly Place[]) =>
        places.map((place) => this.#bufferAt(place, given));
      this.#hostSteps[k]!(buffersAt(operands), buffersAt(results));
      done = after;
    });
    const encoder = this.#gpu.device.createCommandEncoder();
    encodeDispatches(encoder, dispatches.slice(done));
    for (const { from, output } of this.plan.copies) {
      const source = this.#bufferAt(from, given);
      encoder.copyBufferToBuffer(source, 0, outputs[output]!, 0, this.plan.outputs[output]!);
    }
    this.#gpu.queue.submit([encoder.finish()]);
    this.#gpu.check(`run the program "${this.#program}"`);
  }

  /** The dispatches of one run, for timing each of them; steps on the host are not among them. */
  bound(inputs: readonly GPUBuffer[], outputs: readonly GPUBuffer[]): Dispatch[] {
    const given = { inputs, outputs };
    return this.#dispatches.map((dispatch) => ({
      kernel: dispatch.kernel,
      bindGroup: dispatch.fixed ?? this.#variableGroup(dispatch, given),
      workgroups: dispatch.planned.workgroups,
    }));
  }

  #variableGroup({ planned, kernel, variable }: LoadedDispatch, given: Given): GPUBindGroup {
    let key = "";
    for (const place of planned.places) {
      if (place.kind === "input" || place.kind === "output") {
        key += `${this.#nameOf(this.#bufferAt(place, given))} `;
      }
    }
    let group = variable.get(key);
    if (!group) {
      if (variable.size >= MOST_BIND_GROUPS) variable.clear();
      variable.set(key, group = this.#bind(planned, kernel, given));
    }
    return group;
  }

  #bind(planned: PlannedDispatch, kernel: CompiledKernel, given: Given): GPUBindGroup {
    const buffers = planned.places.map((place) => this.#bufferAt(place, given));
    return bindBuffers(this.#gpu, kernel, buffers);
  }

  #bufferAt({ kind, index }: Place, given: Given): GPUBuffer {
    switch (kind) {
      case "slot":
        return this.#slots[index]!;
      case "literal":
        return this.#literals[index]!;
      case "input":
        return given.inputs[index]!;
      case "output":
        return given.outputs[index]!;
    }
  }

  #nameOf(buffer: GPUBuffer): number {
    let name = this.#names.get(buffer);
    if (name === undefined) this.#names.set(buffer, name = this.#nextName++);
    return name;
  }
}

function uploadLiteral(gpu: Gpu, pool: BufferPool, storage: Storage): GPUBuffer {
  const Data = storage.dtype === "f32"
    ? Float32Array
    : storage.dtype === "i32"
    ? Int32Array
    : Uint32Array;
  const buffer = pool.acquire(bytesOf(storage), "literal");
  upload(gpu, buffer, Data.from(storage.literal!));
  return buffer;
}
