/**
 * Kernels compiled before they first run, on all cores, for drivers that compile in one thread.
 *
 * llvmpipe compiles a kernel when it is first dispatched, in a thread of the device, NVIDIA's driver when its pipeline
 * is made, in the thread that makes it. Both keep the machine code in a cache on disk, where all devices find it. So
 * workers with devices of their own take part: a dispatch without workgroups compiles and does nothing else. Results
 * do not change.
 *
 * @module
 */
import type { Pauses } from "../ir/pauses.ts";
import type { Gpu } from "./device.ts";
import type { CompiledKernel } from "./pipelines.ts";

/** A kernel that the driver has perhaps not compiled. */
export interface LateKernel {
  /** The text that its pipeline is made of. */
  readonly code: string;
  /** Values of its `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** How its buffers are bound, without its sizes. */
  readonly types: readonly GPUBufferBindingType[];
  /** What its sizes are; `undefined` if it has none. */
  readonly sizes: ArrayBuffer | undefined;
  /** Makes its pipeline on the device of this thread, at the first call. */
  readonly make: () => Promise<CompiledKernel>;
}

/** When a driver compiles a kernel: when its pipeline is made, or when that is first dispatched. */
export type CompilesWhen = "made" | "dispatched";

/** How {@linkcode compileAhead} works. */
export interface CompileAheadOptions {
  /** When the driver compiles; when a pipeline is dispatched unless told. */
  readonly when?: CompilesWhen;
  /** Pauses between kernels. */
  readonly pauses?: Pauses | undefined;
  /** Told now and then how many of how many kernels are compiled or being compiled. */
  readonly onProgress?: ((begun: number, total: number) => void) | undefined;
  /** Threads, this one among them; as many as there are cores, at most 8, unless told. */
  readonly threads?: number;
}

/** How many kernels were compiled where. */
export interface CompiledAhead {
  /** In this thread. */
  readonly here: number;
  /** In workers. */
  readonly elsewhere: number;
}

/** Fewer kernels are compiled before workers have started. */
const FEWEST = 8;

/** Most threads. */
const MOST_THREADS = 8;

/** Milliseconds of a first dispatch that has compiled something: the wait for it takes 10 itself. */
const COMPILED = 25;

/**
 * Milliseconds that making all pipelines must take for workers to be worth it, whose devices take a second to open.
 * NVIDIA's driver takes 40 for one, with its cache 4.
 */
const LONG = 3000;

/** Bytes of the buffers that are bound to dispatches without workgroups. */
const IDLE_BYTES = 4096;

/** Pipelines of other kernels that are made while the driver compiles one: workers take about every second. */
const MADE_MEANWHILE = 2;

/** What a worker gets. */
interface Job {
  readonly kernels: readonly Omit<LateKernel, "make">[];
  /** One `i32`: the next kernel that nobody has begun. */
  readonly next: SharedArrayBuffer;
  /** What the adapter says of itself: another one would not help. */
  readonly adapter: string;
  readonly features: readonly string[];
  readonly idleBytes: number;
}

/** What a worker says: which kernel it has compiled, in how many milliseconds; without one, that it is done. */
interface Report {
  readonly compiled?: number;
  readonly took?: number;
}

/**
 * Makes the pipelines of kernels and has the driver compile them, if the first that is tried was not compiled before.
 *
 * @param gpu The device that they are for.
 * @param kernels The kernels.
 * @param options Pauses, progress and threads.
 * @returns How many were compiled where; `undefined` if they seem to be in the driver's cache, or are too few.
 * @throws {KernelCompileError} If a kernel does not compile.
 * @throws {unknown} The reason of an aborted signal.
 */
export async function compileAhead(
  gpu: Gpu,
  kernels: readonly LateKernel[],
  {
    when = "dispatched",
    pauses,
    onProgress,
    threads = Math.min(MOST_THREADS, navigator.hardwareConcurrency),
  }: CompileAheadOptions = {},
): Promise<CompiledAhead | undefined> {
  if (kernels.length < FEWEST) return undefined;
  // The longest first: none is left to one thread at the end.
  const sorted = kernels.toSorted((a, b) => b.code.length - a.code.length);
  const device = new IdleDevice(gpu);
  try {
    const started = performance.now();
    const kernel = await sorted[sorted.length >> 1]!.make();
    const made = performance.now() - started;
    const isSoon = when === "made"
      ? made * kernels.length < LONG
      : await device.time(kernel) < COMPILED;
    if (isSoon) return undefined;
    const next = new Int32Array(new SharedArrayBuffer(4));
    const crew = new Crew(jobOf(gpu, sorted, next), Math.max(0, threads - 1));
    try {
      const share = when === "made" ? makeWithOthers : shareWork;
      return await share(sorted, { device, crew, next, pauses, onProgress });
    } finally {
      crew.end();
    }
  } finally {
    device.free();
  }
}

/** Who compiles kernels. */
interface Workforce extends Pick<CompileAheadOptions, "pauses" | "onProgress"> {
  readonly device: IdleDevice;
  readonly crew: Crew;
  /** The next kernel that nobody has begun. */
  readonly next: Int32Array;
}

/** Makes the pipelines that workers have not begun, and waits for them. */
async function makeWithOthers(
  kernels: readonly LateKernel[],
  { crew, next, pauses, onProgress }: Workforce,
): Promise<CompiledAhead> {
  let here = 0;
  for (;;) {
    const k = Atomics.add(next, 0, 1);
    onProgress?.(Math.min(k + 1, kernels.length), kernels.length);
    if (k >= kernels.length) break;
    await kernels[k]!.make();
    here++;
    // Workers are heard between kernels, too.
    await pauses?.take();
  }
  await crew.done;
  return { here, elsewhere: crew.compiled };
}

/** Compiles what workers have not begun, and waits for them. */
async function shareWork(
  kernels: readonly LateKernel[],
  { device, crew, next, pauses, onProgress }: Workforce,
): Promise<CompiledAhead> {
  let here = 0;
  let made = 0;
  let checked = false;
  let before: Promise<unknown> = Promise.resolve();
  const begin = (): Promise<CompiledKernel> | undefined => kernels[Atomics.add(next, 0, 1)]?.make();
  for (let kernel = await begin(); kernel !== undefined; here++) {
    await device.dispatch(kernel);
    // While the driver compiles it, the next pipelines are made.
    kernel = await begin();
    onProgress?.(Math.min(Atomics.load(next, 0), kernels.length), kernels.length);
    if (pauses?.due) await pauses.take();
    pauses?.signal?.throwIfAborted();
    const last = Math.min(made + MADE_MEANWHILE, kernels.length);
    while (made < last) await kernels[made++]!.make();
    // Deno sleeps for 10 ms after it has waited: the driver compiles the next one in that time.
    const done = device.finish();
    done.catch(() => {});
    await before;
    before = done;
    const { first } = crew;
    if (checked || first === undefined) continue;
    checked = true;
    // A driver without its cache compiles what the workers have compiled again.
    const took = await device.time(await kernels[first.compiled]!.make());
    if (took > COMPILED + first.took / 2) crew.end();
  }
  await Promise.all([before, crew.done]);
  return { here, elsewhere: crew.compiled };
}

/** A device that compiles kernels by dispatches that do nothing. */
class IdleDevice {
  readonly #gpu: Gpu;
  readonly #buffers: GPUBuffer[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Begins to compile a kernel. */
  async dispatch(kernel: CompiledKernel): Promise<void> {
    const { device, queue } = this.#gpu;
    while (this.#buffers.length < kernel.bindings.length) {
      this.#buffers.push(device.createBuffer({
        label: "idle",
        size: IDLE_BYTES,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM,
      }));
    }
    // A kernel that wants larger buffers is compiled when it runs.
    device.pushErrorScope("validation");
    const encoder = device.createCommandEncoder({ label: "compile" });
    const pass = encoder.beginComputePass();
    pass.setPipeline(kernel.pipeline);
    const buffers = this.#buffers.slice(0, kernel.bindings.length);
    if (kernel.sizes) buffers.push(kernel.sizes);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: kernel.layout,
        entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
      }),
    );
    pass.dispatchWorkgroups(0);
    pass.end();
    queue.submit([encoder.finish()]);
    await device.popErrorScope();
  }

  /** Waits for the kernels that it compiles. */
  finish(): Promise<void> {
    return this.#gpu.finish("compile kernels");
  }

  /** Compiles a kernel; milliseconds that it took. */
  async time(kernel: CompiledKernel): Promise<number> {
    const started = performance.now();
    await this.dispatch(kernel);
    await this.finish();
    return performance.now() - started;
  }

  /** Frees its memory. */
  free(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}

/** Workers that compile kernels until none is left. */
class Crew {
  /** Resolves when all are done. */
  readonly done: Promise<unknown>;
  /** Kernels that they have compiled. */
  compiled = 0;
  /** The first of these, and its milliseconds. */
  first: { readonly compiled: number; readonly took: number } | undefined;
  readonly #workers: Worker[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(job: Job, count: number) {
    const url = `data:text/javascript,${encodeURIComponent(`(${compileKernels})()`)}`;
    this.done = Promise.all(Array.from({ length: count }, () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const worker = new Worker(url, { type: "module" });
      worker.onmessage = ({ data: { compiled, took } }: MessageEvent<Report>) => {
        if (compiled === undefined || took === undefined) return resolve();
        this.compiled++;
        this.first ??= { compiled, took };
      };
      // What it has not compiled is compiled when it runs.
      worker.onerror = (event) => {
        event.preventDefault();
        resolve();
      };
      worker.postMessage(job);
      this.#workers.push(worker);
      this.#ends.push(resolve);
      return promise;
    }));
  }

  /** Ends them, whatever they are at. */
  end(): void {
    for (const worker of this.#workers) worker.terminate();
    for (const end of this.#ends) end();
  }
}

/** What workers get of kernels in this order. */
function jobOf(gpu: Gpu, kernels: readonly LateKernel[], next: Int32Array): Job {
  return {
    kernels: kernels.map(({ make: _, ...source }) => source),
    next: next.buffer as SharedArrayBuffer,
    adapter: gpu.info.description,
    features: [...gpu.features],
    idleBytes: IDLE_BYTES,
  };
}

/** What a worker does. Its text is the worker's module: it may use nothing of this one. */
function compileKernels(): void {
  const scope = globalThis as unknown as {
    onmessage: (event: MessageEvent<Job>) => void;
    postMessage(report: Report): void;
    close(): void;
  };
  scope.onmessage = async ({ data: job }) => {
    const next = new Int32Array(job.next);
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter?.info.description === job.adapter) {
      const limits = adapter.limits as unknown as Record<string, number>;
      const names = Object.keys(Object.getPrototypeOf(limits)).filter((name) => /^max/.test(name));
      const device = await adapter.requestDevice({
        requiredLimits: Object.fromEntries(names.map((name) => [name, limits[name]!])),
        requiredFeatures: job.features as GPUFeatureName[],
      });
      const idle: GPUBuffer[] = [];
      const encode = ({ code, constants, types: given, sizes }: Job["kernels"][number]) => {
        while (idle.length < given.length) {
          idle.push(device.createBuffer({
            size: job.idleBytes,
            usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM,
          }));
        }
        const types = [...given];
        const buffers = idle.slice(0, types.length);
        if (sizes !== undefined) {
          types.push("uniform");
          buffers.push(device.createBuffer({
            size: sizes.byteLength,
            usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
          }));
          // The driver compiles for these sizes, if that makes the kernel much shorter.
          device.queue.writeBuffer(buffers.at(-1)!, 0, sizes);
        }
        const layout = device.createBindGroupLayout({
          entries: types.map((type, binding) => ({
            binding,
            visibility: GPUShaderStage.COMPUTE,
            buffer: { type },
          })),
        });
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(device.createComputePipeline({
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module: device.createShaderModule({ code }), entryPoint: "main", constants },
        }));
        pass.setBindGroup(
          0,
          device.createBindGroup({
            layout,
            entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
          }),
        );
        pass.dispatchWorkgroups(0);
        pass.end();
        return encoder.finish();
      };
      let before: Promise<void> | undefined;
      for (;;) {
        const k = Atomics.add(next, 0, 1);
        if (k >= job.kernels.length) break;
        const started = performance.now();
        device.queue.submit([encode(job.kernels[k]!)]);
        const done = device.queue.onSubmittedWorkDone().then(() =>
          scope.postMessage({ compiled: k, took: performance.now() - started })
        );
        // It begins the next one before the wait for this one ends, though not before it knows how long the first took.
        await (before ?? done);
        before = done;
      }
      await before;
      device.destroy();
    }
    scope.postMessage({});
    scope.close();
  };
}
