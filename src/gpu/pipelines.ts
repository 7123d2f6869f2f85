/**
 * Compute pipelines, made once for each kernel and set of constants, in parallel.
 *
 * @module
 */

import type { Gpu } from "./device.ts";
import { type KernelBinding, readWgslInterface, type WgslInterface } from "./wgsl_interface.ts";

/** A kernel to compile. */
export interface KernelSource {
  /** Name in error messages. */
  readonly label: string;
  /** WGSL text with the entry point `main`. */
  readonly code: string;
  /** Values of its `override` constants. */
  readonly overrides?: Readonly<Record<string, number>>;
}

/** A kernel that is ready to run. */
export interface CompiledKernel {
  /** Name in error messages. */
  readonly label: string;
  /** The pipeline. */
  readonly pipeline: GPUComputePipeline;
  /** Layout of its only bind group. */
  readonly layout: GPUBindGroupLayout;
  /** Its buffers in the order of their binding numbers. */
  readonly bindings: readonly KernelBinding[];
}

/** Thrown when a kernel does not compile. */
export class KernelCompileError extends Error {
  /** The name of the class. */
  override readonly name = "KernelCompileError";
}

const BUFFER_TYPE = {
  read: "read-only-storage",
  read_write: "storage",
  uniform: "uniform",
} as const;

/** Compiles kernels for one device and remembers them by text and constants. */
export class PipelineCache {
  readonly #gpu: Gpu;
  readonly #kernels = new Map<string, Promise<CompiledKernel>>();
  readonly #modules = new Map<string, Promise<GPUShaderModule>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  /**
   * Makes an empty cache.
   *
   * @param gpu The device to compile for
   */
  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Number of different kernels asked for so far. */
  get size(): number {
    return this.#kernels.size;
  }

  /**
   * Compiles a kernel, or returns the one compiled before from the same text and constants.
   *
   * Calls that are not awaited one by one compile in parallel.
   *
   * @param source The kernel
   * @returns The kernel, ready to run
   * @throws {KernelCompileError} With the kernel's name, the line and the compiler's message
   */
  get(source: KernelSource): Promise<CompiledKernel> {
    const constants = Object.entries(source.overrides ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
    const key = `${JSON.stringify(constants)}\n${source.code}`;
    const known = this.#kernels.get(key);
    if (known !== undefined) return known;
    const made = this.#compile(source);
    this.#kernels.set(key, made);
    made.catch(() => this.#kernels.delete(key));
    return made;
  }

  /**
   * Compiles many kernels in parallel.
   *
   * @param sources The kernels
   * @returns The kernels in the same order, ready to run
   * @throws {KernelCompileError} The first failure
   */
  getAll(sources: readonly KernelSource[]): Promise<CompiledKernel[]> {
    return Promise.all(sources.map((source) => this.get(source)));
  }

  async #compile(source: KernelSource): Promise<CompiledKernel> {
    const { label, code, overrides = {} } = source;
    const wanted = readWgslInterface(code, label);
    checkOverrides(label, overrides, wanted);
    const layout = this.#layout(wanted.bindings);
    const module = await this.#module(label, code);
    const device = this.#gpu.device;
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main", constants: { ...overrides } },
      });
      return { label, pipeline, layout, bindings: wanted.bindings };
    } catch (error) {
      throw new KernelCompileError(
        `Cannot compile kernel ${label} with the constants ${JSON.stringify(overrides)}: ` +
          `${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  #module(label: string, code: string): Promise<GPUShaderModule> {
    const known = this.#modules.get(code);
    if (known !== undefined) return known;
    const made = this.#createModule(label, code);
    this.#modules.set(code, made);
    made.catch(() => this.#modules.delete(code));
    return made;
  }

  async #createModule(label: string, code: string): Promise<GPUShaderModule> {
    const device = this.#gpu.device;
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label, code });
    const validation = device.popErrorScope();
    const info = await module.getCompilationInfo();
    const failure = await validation;
    const errors = info.messages.filter((message) => message.type === "error");
    if (errors.length === 0 && failure === null) return module;
    const lines = code.split("\n");
    const details = errors.map((message) =>
      `line ${message.lineNum}: ${message.message}\n    ${lines[message.lineNum - 1] ?? ""}`
    );
    if (failure !== null && errors.length === 0) details.push(failure.message);
    throw new KernelCompileError(`Cannot compile kernel ${label}: ${details.join("\n")}`);
  }

  #layout(bindings: readonly KernelBinding[]): GPUBindGroupLayout {
    const key = bindings.map((binding) => binding.access).join(" ");
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const layout = this.#gpu.device.createBindGroupLayout({
      label: key,
      entries: bindings.map(({ binding, access }) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: BUFFER_TYPE[access] },
      })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }
}

/**
 * Binds buffers to a kernel.
 *
 * @param gpu The device
 * @param kernel The kernel
 * @param buffers One buffer for each binding, in the order of the binding numbers
 * @returns The bind group
 * @throws {Error} When the count is wrong, or one buffer is bound to be read and to be written
 */
export function bindBuffers(
  gpu: Gpu,
  kernel: CompiledKernel,
  buffers: readonly GPUBuffer[],
): GPUBindGroup {
  if (buffers.length !== kernel.bindings.length) {
    throw new Error(
      `Cannot bind kernel ${kernel.label}: found ${buffers.length} buffers, expected ` +
        `${kernel.bindings.length} (${kernel.bindings.map(({ name }) => name).join(", ")}).`,
    );
  }
  const written = new Map<GPUBuffer, string>();
  kernel.bindings.forEach(({ access, name, binding }) => {
    if (access === "read_write") written.set(buffers[binding]!, name);
  });
  for (const { binding, access, name } of kernel.bindings) {
    const writer = written.get(buffers[binding]!);
    if (writer === undefined || (access === "read_write" && writer === name)) continue;
    throw new Error(
      `Cannot bind kernel ${kernel.label}: found the same buffer as "${name}" and as the written ` +
        `"${writer}", expected two buffers. WebGPU forbids it within one dispatch.`,
    );
  }
  return gpu.device.createBindGroup({
    label: kernel.label,
    layout: kernel.layout,
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
}

function checkOverrides(
  label: string,
  overrides: Readonly<Record<string, number>>,
  wanted: WgslInterface,
): void {
  const names = [...wanted.overrides.keys()].join(", ") || "none";
  for (const [name, value] of Object.entries(overrides)) {
    if (!wanted.overrides.has(name)) {
      throw new KernelCompileError(
        `Cannot compile kernel ${label}: found a value for the constant ${name}, expected one of ` +
          `${names}.`,
      );
    }
    if (!Number.isFinite(value)) {
      throw new KernelCompileError(
        `Cannot compile kernel ${label}: found ${name} = ${value}, expected a finite number.`,
      );
    }
  }
  for (const [name, needed] of wanted.overrides) {
    if (needed && !(name in overrides)) {
      throw new KernelCompileError(
        `Cannot compile kernel ${label}: found no value for the constant ${name}, expected one ` +
          `for each constant without a default.`,
      );
    }
  }
}
