/**
 * Where the time of a program goes, dispatch by dispatch.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import type { LoadedPlan } from "../compile/loaded_plan.ts";
import { flattenArrays, handleOf, uploadTo } from "../engine/arrays.ts";
import type { Engine } from "../engine/engine.ts";
import { Value } from "../engine/value.ts";
import type { Dispatch } from "../gpu/timing.ts";
import { type Aval, sizeOf } from "../ir/aval.ts";
import { callNotes } from "../ir/call_notes.ts";
import { describe } from "../ir/describe.ts";
import { type HostArray, hostData } from "../ir/host_array.ts";
import { requireArguments, requireCall, requireCounts, requireOptions } from "../ir/options.ts";
import { type Ceiling, leastTime, measureCeiling } from "./ceiling.ts";
import { invocationsOf } from "./invocations.ts";
import { type MemoryInUse, memoryOver } from "./memory_over.ts";

/** Options of {@linkcode profile}. */
export interface ProfileOptions {
  /** What it is called in tables and traces; the name of the function unless told. */
  readonly name?: string;
  /** As for `Engine.jit`. */
  readonly recompute?: boolean | "auto";
  /** How often all dispatches are timed, of which the fastest time counts; 3 unless told. */
  readonly runs?: number;
  /** Whether the adapter's ceilings are measured, which takes seconds; true unless told. */
  readonly roofline?: boolean;
}

/** One dispatch of a program. */
export interface ProfiledDispatch {
  /** What it computes, with the shape of the result. */
  readonly label: string;
  /** Name of the hand-written kernel, or `generated`. */
  readonly kernel: string;
  /** Its WGSL. */
  readonly wgsl: string;
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
  /** Invocations; absent where the kernel's text computes the size of a workgroup. */
  readonly invocations?: number;
  /** Floating-point operations (a multiply-add counts 2). */
  readonly flops: number;
  /** Bytes of everything that it binds: what is read and written if all is touched once. */
  readonly bytes: number;
  /** Nanoseconds by the clock of the device; absent where the adapter has no timestamps. */
  readonly nanoseconds?: number;
  /** Nanoseconds that it takes at least, by the roofline. */
  readonly least?: number;
  /** Bytes on the device while it runs. */
  readonly memory: MemoryInUse;
}

/** Where the time of a program goes. */
export interface Profile {
  /** What was measured. */
  readonly name: string;
  /** The adapter, in words; says so if it is software. */
  readonly adapter: string;
  /** The dispatches in order. */
  readonly dispatches: readonly ProfiledDispatch[];
  /** Steps on the host between them, such as functions of TensorFlow.js, which are not timed. */
  readonly hostSteps: number;
  /** What is computed in parts, because it would not fit: `split in 4 over axis 0 of size 32`. */
  readonly splits?: readonly string[];
  /** Floating-point operations of the algorithm, which computes nothing twice. */
  readonly flops: number;
  /** Milliseconds of tracing, compiling and loading. */
  readonly prepared: number;
  /** Invocations that keep the adapter busy, by its profile; absent for a processor, which a workgroup a core fills. */
  readonly busy?: number;
  /** The adapter's ceilings, unless they were not wanted or the adapter has no timestamps. */
  readonly ceiling?: Ceiling;
}

/**
 * Compiles a function as `Engine.jit` does, runs it and times every dispatch, each in a pass of its own, by the
 * device's clock. {@linkcode formatProfile} makes a table of it, {@linkcode profileTrace} a file for Perfetto.
 *
 * @param engine An engine on WebGPU.
 * @param fn A function of trees of tensors.
 * @param args Its arguments: trees of values, host arrays, or shapes `{ shape, dtype }` for which numbers are made
 *   up.
 * @param options Name, recomputation, number of runs, whether there is a roofline.
 * @returns The dispatches, their times, bytes and operations.
 * @throws {TypeError} If the engine does not compute on WebGPU, or an option is not known.
 * @throws {Error} What compiling and running throw.
 *
 * @example
 * ```ts
 * import { exp, formatProfile, mean, openEngine, profile, type Tensor } from "@mutasesumele/toolkit";
 * import { assertEquals, assertStringIncludes } from "@std/assert";
 *
 * using engine = await openEngine("auto");
 * if (engine.info.name === "webgpu") {
 *   const loss = (x: Tensor) => mean(exp(x));
 *   const measured = await profile(engine, loss, [{ shape: [7, 9], dtype: "f32" }], { roofline: false });
 *   assertEquals(measured.dispatches.length, 1);
 *   assertStringIncludes(formatProfile(measured), "1 dispatches");
 * }
 * ```
 */
export async function profile<A extends readonly unknown[]>(
  engine: Engine,
  fn: (...args: A) => unknown,
  args: readonly unknown[],
  options: ProfileOptions = {},
): Promise<Profile> {
  requireCall("profile", arguments, 3, 4);
  requireArguments("profile", { engine }, { engine: is.engine });
  requireOptions("profile", options, { name: true, recompute: true, runs: true, roofline: true });
  const { recompute = "auto", runs = 3, roofline = true } = options;
  requireCounts("profile", { runs });
  const { backend } = engine;
  const { bytesOf, timeDispatches, WebGpuBackend } = await import("../engine/webgpu_backend.ts");
  if (!(backend instanceof WebGpuBackend)) {
    throw new TypeError(
      `Cannot profile on the engine '${engine?.info?.name}': it runs no dispatches. Open 'webgpu'.`,
    );
  }
  if (typeof fn !== "function" || !Array.isArray(args)) {
    throw new TypeError(
      `Cannot profile ${describe(fn)} with ${describe(args)}: expected a function of tensors and ` +
        `an array of its arguments.`,
    );
  }
  const name = options.name ?? (fn.name || "anonymous");
  const { gpu, buffers } = backend.resources;
  const start = performance.now();
  const prepared = await engine.jit(fn, { recompute }).prepare(...args);
  const { program } = prepared;
  const { plan: loaded } = await backend.load(program, { name });
  const milliseconds = performance.now() - start;
  const { plan } = loaded;
  const { arrays } = flattenArrays(`profile '${name}'`, args);
  const own: GPUBuffer[] = [];
  try {
    const inputs = arrays.map((array) => {
      if (array instanceof Value) return handleOf(array, backend) as GPUBuffer;
      const buffer = uploadTo(backend, "data" in array ? array : madeUp(array)) as GPUBuffer;
      own.push(buffer);
      return buffer;
    });
    const outputs = plan.outputs.map((bytes) => buffers.acquire(bytes, "value"));
    own.push(...outputs);
    const dispatches = loaded.bound(inputs, outputs);
    loaded.run(inputs, outputs);
    await gpu.finish(`run "${name}"`);
    const times = gpu.canTime ? await fastest(() => timeDispatches(gpu, dispatches), runs) : null;
    const splits = callNotes(program);
    const busy = engine.info.software ? undefined : engine.info.profile?.invocations;
    const ceiling = roofline && gpu.canTime ? await measureCeiling(gpu) : undefined;
    return {
      name,
      adapter: engine.info.adapter,
      hostSteps: plan.hostSteps.length,
      ...(splits.length > 0 && { splits }),
      flops: prepared.flops,
      prepared: milliseconds,
      dispatches: profiled(loaded, dispatches, {
        times,
        ceiling,
        constants: plan.literals.reduce((sum, storage) => sum + bytesOf(storage), 0),
      }),
      ...(busy !== undefined && { busy }),
      ...(ceiling && { ceiling }),
    };
  } finally {
    for (const buffer of own) buffers.release(buffer);
    // The last values are looked at once more: nothing may collect them before.
    arrays.length = 0;
  }
}

function profiled(
  { plan }: LoadedPlan,
  bound: readonly Dispatch[],
  { times, ceiling, constants }: {
    readonly times: Float64Array | null;
    readonly ceiling: Ceiling | undefined;
    readonly constants: number;
  },
): ProfiledDispatch[] {
  const memory = memoryOver(
    plan,
    bound.map(({ kernel }) => kernel.bindings.map(({ access }) => access === "read_write")),
    constants,
  );
  return plan.dispatches.map((dispatch, k) => {
    const { label, kernel, workgroups, flops, bytes } = dispatch;
    const invocations = invocationsOf(dispatch);
    return {
      label,
      kernel: kernel.name ?? "generated",
      wgsl: kernel.code,
      workgroups,
      ...(invocations !== undefined && { invocations }),
      flops,
      bytes,
      memory: memory[k]!,
      ...(times && { nanoseconds: times[k]! }),
      ...(ceiling && { least: leastTime(ceiling, { flops, bytes }) }),
    };
  });
}

/** The least time of each dispatch. */
async function fastest(time: () => Promise<Float64Array>, runs: number): Promise<Float64Array> {
  const least = await time();
  for (let run = 1; run < runs; run++) {
    (await time()).forEach((found, k) => least[k] = Math.min(least[k]!, found));
  }
  return least;
}

/** Numbers of about the size of real ones, which are valid as rows and classes, too. */
function madeUp({ shape, dtype }: Aval): HostArray {
  const numbers = Array.from(
    { length: sizeOf(shape) },
    (_, k) => dtype === "f32" ? (1 + k * 37 % 101) / 1000 : dtype === "bool" ? k % 2 : k % 10,
  );
  return { shape, dtype, data: hostData(numbers, dtype) };
}
