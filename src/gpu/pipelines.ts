/**
 * Compute pipelines, made once for each kernel and set of constants, in parallel.
 *
 * @module
 */

import type { Pauses } from "../ir/pauses.ts";
import type { CompilesWhen, LateKernel } from "./compile_ahead.ts";
import type { Gpu } from "./device.ts";
import { Recent } from "./recent.ts";
import {
  type BindingAccess,
  type KernelBinding,
  readWgslInterface,
  type SizeMember,
  type WgslInterface,
} from "./wgsl_interface.ts";

/** A kernel to compile. */
export interface KernelSource {
  /** Name in error messages. */
  readonly label: string;
  /** WGSL text with the entry point `main`. */
  readonly code: string;
  /** Values of its `override` constants and of the members of its `struct Sizes`. */
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
  /** Its buffers in the order of their binding numbers, without its sizes. */
  readonly bindings: readonly KernelBinding[];
  /** Its sizes, bound after the buffers; `undefined` if it has none. */
  readonly sizes: GPUBuffer | undefined;
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

/** Most kernels that compile at the same time. */
const AHEAD = 8;

/**
 * Kernels that stay known when no loaded program uses them any more: more than one large program has (a step of
 * cifar-maml 359). A driver may keep hundreds of kilobytes for each.
 */
const MOST_KNOWN = 512;

/** Options of {@linkcode PipelineCache.getAll}. */
export interface GetAllOptions {
  /** Pauses between kernels: a driver may compile each of them while the program waits. */
  readonly pauses?: Pauses;
  /** Told now and then how many of how many kernels have been begun. */
  readonly onProgress?: (begun: number, total: number) => void;
}

/** A compiled pipeline that kernels of different sizes share. */
interface SharedPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/**
 * Compiles kernels for one device and remembers the latest by text and constants.
 *
 * Kernels that differ in their sizes only share one pipeline; each has a small buffer of its sizes,
 * which lives as long as the kernel.
 */
export class PipelineCache {
  readonly #gpu: Gpu;
  readonly #kernels = new Recent<CompiledKernel>();
  readonly #pipelines = new Recent<SharedPipeline>();
  readonly #modules = new Recent<GPUShaderModule>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  /**
   * Makes an empty cache.
   *
   * @param gpu The device to compile for
   */
  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Number of different kernels that are known. */
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
    return this.#kernels.get(keyOf(source.code, source.overrides), () => this.#compile(source));
  }

  /**
   * Compiles many kernels in parallel, and forgets kernels that were not asked for of late.
   *
   * @param sources The kernels
   * @param options How to pause, and who is told how far it is
   * @returns The kernels in the same order, ready to run
   * @throws {KernelCompileError} The first failure
   * @throws {unknown} The reason of an aborted signal
   */
  async getAll(
    sources: readonly KernelSource[],
    { pauses, onProgress }: GetAllOptions = {},
  ): Promise<CompiledKernel[]> {
    const when = compilesAlone(this.#gpu);
    if (when !== undefined) {
      // Few drivers need it.
      const { compileAhead } = await import("./compile_ahead.ts");
      await compileAhead(this.#gpu, this.#late(sources), { when, pauses, onProgress });
    }
    const made: Promise<CompiledKernel>[] = [];
    for (const source of sources) {
      made.push(this.get(source));
      // Deno compiles before it returns: without a wait here all would be compiled before a pause.
      await made.at(-AHEAD);
      if (!pauses?.due) continue;
      onProgress?.(made.length, sources.length);
      await pauses.take();
    }
    const kernels = await Promise.all(made);
    // Not before: a kernel that is compiled ahead is asked for once more.
    for (const known of [this.#kernels, this.#pipelines, this.#modules]) known.trim(MOST_KNOWN);
    return kernels;
  }

  /** One kernel for each pipeline that is still to be made. */
  #late(sources: readonly KernelSource[]): LateKernel[] {
    const late = new Map<string, LateKernel>();
    const seen = new Set<string>();
    for (const source of sources) {
      const exact = keyOf(source.code, source.overrides);
      if (seen.has(exact) || this.#kernels.has(exact)) continue;
      seen.add(exact);
      const { wanted, constants, key } = readSource(source);
      if (this.#pipelines.has(key) || late.has(key)) continue;
      late.set(key, {
        code: textFor(this.#gpu, source.code),
        constants,
        types: wanted.bindings.map(({ access }) => BUFFER_TYPE[access]),
        sizes: sizesOf(source, wanted.sizes),
        make: () => this.get(source),
      });
    }
    return [...late.values()];
  }

  async #compile(source: KernelSource): Promise<CompiledKernel> {
    const { label, code } = source;
    const { wanted, constants, key } = readSource(source);
    const shared = this.#pipelines.get(
      key,
      () => this.#pipeline({ label, code, overrides: constants }, wanted),
    );
    const data = sizesOf(source, wanted.sizes);
    const sizes = data && this.#sizesBuffer(data, label);
    return { label, bindings: wanted.bindings, sizes, ...await shared };
  }

  async #pipeline(source: KernelSource, wanted: WgslInterface): Promise<SharedPipeline> {
    const { label, code, overrides = {} } = source;
    const layout = this.#layout(wanted);
    const module = await this.#modules.get(
      code,
      () => createShaderModule(this.#gpu, { label, code }),
    );
    const device = this.#gpu.device;
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main", constants: { ...overrides } },
      });
      return { pipeline, layout };
    } catch (error) {
      throw new KernelCompileError(
        `Cannot compile kernel ${label} with the constants ${JSON.stringify(overrides)}: ` +
          `${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }

  #sizesBuffer(data: ArrayBuffer, label: string): GPUBuffer {
    const buffer = this.#gpu.device.createBuffer({
      label: `sizes of ${label}`,
      size: data.byteLength,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    this.#gpu.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  #layout({ bindings, sizes }: WgslInterface): GPUBindGroupLayout {
    const accesses: BindingAccess[] = bindings.map(({ access }) => access);
    if (sizes.length > 0) accesses.push("uniform");
    const key = accesses.join(" ");
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const layout = this.#gpu.device.createBindGroupLayout({
      label: key,
      entries: accesses.map((access, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: BUFFER_TYPE[access] },
      })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }
}

/** What is known by its text and constants. */
function keyOf(code: string, constants: Readonly<Record<string, number>> = {}): string {
  const sorted = Object.entries(constants).sort(([a], [b]) => a < b ? -1 : 1);
  return `${JSON.stringify(sorted)}\n${code}`;
}

/** What a kernel declares, the values of its `override` constants, and what its pipeline is known by. */
function readSource({ label, code, overrides = {} }: KernelSource): {
  readonly wanted: WgslInterface;
  readonly constants: Readonly<Record<string, number>>;
  readonly key: string;
} {
  const wanted = readWgslInterface(code, label);
  checkConstants(label, overrides, wanted);
  const constants: Record<string, number> = {};
  for (const name of wanted.overrides.keys()) {
    const value = overrides[name];
    if (value !== undefined) constants[name] = value;
  }
  return { wanted, constants, key: keyOf(code, constants) };
}

/** The contents of a kernel's `struct Sizes`; `undefined` if it has none. */
function sizesOf(
  { overrides }: KernelSource,
  members: readonly SizeMember[],
): ArrayBuffer | undefined {
  if (members.length === 0) return undefined;
  const data = new DataView(new ArrayBuffer(16 * Math.ceil(members.length / 4)));
  members.forEach(({ name, type }, index) => {
    const value = overrides?.[name] ?? 0;
    if (type === "f32") data.setFloat32(4 * index, value, true);
    else if (type === "i32") data.setInt32(4 * index, value, true);
    else data.setUint32(4 * index, value, true);
  });
  return data.buffer;
}

/**
 * Compiles WGSL, without a pipeline.
 *
 * @param gpu The device
 * @param source Name in errors, and the text
 * @returns The module
 * @throws {KernelCompileError} With the kernel's name, every line that is wrong and what the compiler says of it
 */
export async function createShaderModule(
  gpu: Gpu,
  { label, code: text }: Pick<KernelSource, "label" | "code">,
): Promise<GPUShaderModule> {
  const { device } = gpu;
  const code = textFor(gpu, text);
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

/** When a driver compiles that does so in one thread, for all devices: `compileAhead()` then has all cores do it. */
function compilesAlone({ info: { description } }: Gpu): CompilesWhen | undefined {
  if (typeof Worker !== "function" || typeof SharedArrayBuffer !== "function") return undefined;
  return /llvmpipe/.test(description)
    ? "dispatched"
    : /^NVIDIA/.test(description)
    ? "made"
    : undefined;
}

/** Deno's compiler allows subgroups without `enable subgroups;`, which it does not know. */
function textFor({ subgroups }: Gpu, code: string): string {
  return subgroups?.directive === false ? code.replace(/^enable subgroups;$/m, "") : code;
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
  const all = kernel.sizes === undefined ? buffers : [...buffers, kernel.sizes];
  return gpu.device.createBindGroup({
    label: kernel.label,
    layout: kernel.layout,
    entries: all.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
}

function checkConstants(
  label: string,
  given: Readonly<Record<string, number>>,
  wanted: WgslInterface,
): void {
  const types = new Map(wanted.sizes.map(({ name, type }) => [name, type]));
  for (const [name, value] of Object.entries(given)) {
    const type = types.get(name);
    if (type === undefined && !wanted.overrides.has(name)) {
      const names = [...wanted.overrides.keys(), ...types.keys()].join(", ") || "none";
      throw new KernelCompileError(
        `Cannot compile kernel ${label}: found a value for the constant ${name}, expected one of ` +
          `${names}.`,
      );
    }
    const low = type === "u32" ? 0 : type === "i32" ? -(2 ** 31) : -Infinity;
    const high = type === "u32" ? 2 ** 32 : type === "i32" ? 2 ** 31 : Infinity;
    const whole = type === "u32" || type === "i32";
    if (!Number.isFinite(value) || value < low || value >= high || (whole && value % 1 !== 0)) {
      throw new KernelCompileError(
        `Cannot compile kernel ${label}: found ${name} = ${value}, expected a finite number` +
          `${whole ? ` of the type ${type}` : ""}.`,
      );
    }
  }
  const needed = [...types.keys()];
  for (const [name, must] of wanted.overrides) if (must) needed.push(name);
  for (const name of needed) {
    if (name in given) continue;
    throw new KernelCompileError(
      `Cannot compile kernel ${label}: found no value for the constant ${name}, expected one ` +
        `for each size and each override without a default.`,
    );
  }
}
