/**
 * The engines under test: WebGPU compiled for adapters of several kinds, and TensorFlow.js.
 *
 * @module
 */
import { Engine } from "../../src/engine/engine.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { type LoadedGpuProgram, WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { DeviceMemoryError } from "../../src/gpu/buffers.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { Pauses } from "../../src/ir/pauses.ts";
import type { Program } from "../../src/ir/program.ts";
import { adapters, LITTLE_MEMORY } from "./adapters.ts";

/** Names of the engines. */
export const engineNames = ["webgpu", "tfjs"] as const;

/** Name of an engine. */
export type EngineUnderTest = (typeof engineNames)[number];

/** Programs that one device runs before it is closed: its compiled kernels stay with it. */
const PROGRAMS_PER_DEVICE = 150;

/** Opens engines as they are needed, and anew after failures. */
export class Engines {
  #gpu: Gpu | undefined;
  #webgpu = new Map<string, Engine>();
  #tfjs: Engine | undefined;
  #programs = 0;

  /**
   * The engine for a program.
   *
   * @param name Which engine.
   * @param adapter Which of the {@linkcode adapters}; WebGPU only.
   */
  async get(name: EngineUnderTest, adapter: string): Promise<Engine> {
    if (name === "tfjs") return this.#tfjs ??= await openEngine("tfjs");
    if (this.#programs++ >= PROGRAMS_PER_DEVICE) this.reset();
    const gpu = this.#gpu ??= await openGpu();
    // Temporary memory that is there for one program is there for the next.
    const key = adapter === LITTLE_MEMORY ? `${adapter} ${this.#programs}` : adapter;
    let engine = this.#webgpu.get(key);
    if (!engine) {
      const traits = adapters[adapter]!;
      const backend = new WebGpuBackend(gpu, { traits });
      engine = new Engine(
        adapter === LITTLE_MEMORY ? starve(backend) : keepLimits(backend, traits),
      );
      this.#webgpu.set(key, engine);
    }
    return engine;
  }

  /** Closes the device: the next program gets a new one. */
  reset(): void {
    for (const engine of this.#webgpu.values()) engine.close();
    this.#webgpu = new Map();
    this.#gpu?.close();
    this.#gpu = undefined;
    this.#programs = 0;
  }

  /** Closes everything. */
  close(): void {
    this.reset();
    try {
      this.#tfjs?.close();
    } catch {
      // Its memory was damaged, which was reported when it happened.
    }
    this.#tfjs = undefined;
  }
}

/** The backend, which refuses a plan that takes more than the adapter would allow. */
export function keepLimits(backend: WebGpuBackend, traits: Partial<DeviceTraits>): WebGpuBackend {
  const { maxStorageBuffers = Infinity, maxWorkgroupsPerDimension = Infinity } = traits;
  const { maxWorkgroupStorage = Infinity } = traits;
  const load = backend.load.bind(backend);
  backend.load = async (...args): Promise<LoadedGpuProgram> => {
    const loaded = await load(...args);
    for (const { label, places, workgroups, kernel } of loaded.plan.plan.dispatches) {
      const taken = [
        ["buffers", places.length, maxStorageBuffers],
        ["workgroups along an axis", Math.max(...workgroups), maxWorkgroupsPerDimension],
        ["bytes of a workgroup", workgroupBytes(kernel.code), maxWorkgroupStorage],
      ] as const;
      for (const [what, found, most] of taken) {
        if (found > most) throw new Error(`'${label}' takes ${found} ${what}, allowed ${most}.`);
      }
    }
    return loaded;
  };
  return backend;
}

/** Memory that a workgroup of a generated kernel shares. */
function workgroupBytes(code: string): number {
  return [...code.matchAll(/var<workgroup> \w+: array<(vec4<)?\w+>?, (\d+)>/g)]
    .reduce((sum, [, vector, count]) => sum + (vector ? 16 : 4) * Number(count), 0);
}

/**
 * The backend, which lacks the last byte of what a program takes: it is computed in parts, or as it is where it
 * cannot be.
 */
export function starve(backend: WebGpuBackend): WebGpuBackend {
  const { buffers } = backend.resources;
  const load = backend.load.bind(backend);
  let budget = Infinity;
  Object.defineProperty(buffers, "byteBudget", { get: () => budget });
  backend.load = async (program, options): Promise<LoadedGpuProgram> => {
    const temporary = await backend.temporaryBytes(program, new Pauses());
    budget = buffers.stats.liveBytes + wholeBytes(program) + temporary - 1;
    try {
      return await load(program, options);
    } catch (error) {
      if (!(error instanceof DeviceMemoryError)) throw error;
      budget = Infinity;
      return await load(program, options);
    } finally {
      budget = Infinity;
    }
  };
  return backend;
}

/** Bytes of the results and constants of a program, which are never computed in parts. */
function wholeBytes({ outputs, nodes }: Program): number {
  const constants = nodes.filter(({ primitive }) => primitive.name === "literal");
  return [...outputs, ...constants.flatMap((node) => node.outputs)]
    .reduce((sum, { size }) => sum + Math.max(16, 16 * Math.ceil(size / 4)), 0);
}
