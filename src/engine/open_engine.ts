/**
 * Choice of an engine.
 *
 * @module
 */
import { flag, name, optional, optionalCallback, optionalObject } from "../ir/kinds.ts";
import { findAdapter, NoAdapterError } from "../gpu/adapter.ts";
import { DEFAULT_BUDGET } from "../gpu/device_memory.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { type Backend, Engine } from "./engine.ts";
import type { EngineWatch } from "./engine_watch.ts";
import { ReferenceBackend } from "./reference_backend.ts";
import type { BackendOptions, KernelSource, ProfileSource } from "./webgpu_backend.ts";

/** What may be asked for. */
export const engineChoices = ["webgpu", "tfjs", "reference", "auto"] as const;

/** An engine, or `auto`: the best one there is. */
export type EngineChoice = (typeof engineChoices)[number];

/** What other libraries call engines. */
const CALLED: Readonly<Record<string, EngineChoice>> = {
  ...{ cuda: "webgpu", gpu: "webgpu", metal: "webgpu", vulkan: "webgpu", webgl: "tfjs" },
  ...{ wasm: "tfjs", tensorflow: "tfjs", cpu: "reference" },
};

const OPTIONAL_FLAG = /* @__PURE__ */ optional(flag);

const WAY_OUT = "take openEngine from '@mutasesumele/toolkit/tfjs'";

const NOT_GIVEN =
  `found no option 'tfjs', expected what opens it (without it nobody loads 286 MB). To use it, ${WAY_OUT}`;

/** Most bytes of device memory unless told: WebGPU does not say how much an adapter has. */
export const DEFAULT_BYTE_BUDGET: number = DEFAULT_BUDGET;

/** Options of {@linkcode openEngine}. */
export interface EngineOptions extends EngineWatch {
  /** Receives one line that says which engine and adapter were taken, and why. */
  readonly onChoice?: (line: string) => void;
  /** Most bytes of device memory; default 4 GiB. */
  readonly byteBudget?: number;
  /**
   * Whether the reference engine holds float64 between programs; by default it holds float32, as
   * the others always do.
   */
  readonly float64?: boolean;
  /**
   * An open WebGPU device to compute on, for example that of TensorFlow.js; the engine never destroys
   * it. By default the engine opens one of its own.
   */
  readonly device?: GPUDevice;
  /** The adapter that the device came from, where the device does not say it itself. */
  readonly adapter?: GPUAdapter;
  /**
   * What the adapter of the `webgpu` engine can do, by which programs are compiled, or who finds it out on the open
   * device. Without it nothing is measured and no file is read: there is a built-in profile for its class.
   */
  readonly profile?: ProfileSource;
  /**
   * Which of several kernels the `webgpu` engine takes for which shapes, as it was measured, or who finds it out on the
   * open device. Without it, and for all other shapes, a rule decides by the profile.
   */
  readonly kernels?: KernelSource;
  /**
   * Whether the `webgpu` engine may compute with numbers of half precision (11 digits of 2, errors of about 1e-3 of the
   * largest element): it does where `kernels` names a kernel that does, and nowhere else. By default it may not, and
   * such a table is an error.
   */
  readonly halfPrecision?: boolean;
  /** Folder or address of the wasm files of TensorFlow.js; by default its npm package's own folder. */
  readonly wasmPath?: string;
  /**
   * How to open TensorFlow.js: `openTfjs` of `@mutasesumele/toolkit/tfjs`, whose own `openEngine` has it
   * already. Without it, importing `openEngine` brings nothing of TensorFlow.js.
   */
  readonly tfjs?: OpenTfjs;
}

/** Opens TensorFlow.js as what an engine computes on. */
export type OpenTfjs = (options: { readonly wasmPath?: string }) => Promise<Backend>;

/**
 * Opens an engine.
 *
 * `auto` takes WebGPU where there is an adapter that can be trusted, and TensorFlow.js on wasm
 * otherwise, if it is given: also where Deno has found nothing but OpenGL, which corrupts memory. A
 * program whose workers open an engine each is best started with `DENO_WEBGPU_BACKEND=vulkan,metal,dx12`:
 * Deno then does not ask OpenGL at all, which is not safe to ask from several threads. The last
 * resort is the reference engine, which computes on one thread of the CPU, slowly. `engine.reason` says
 * which it was and why.
 *
 * @param choice Which engine.
 * @param options Where to say what was chosen, the memory budget, and a device to share.
 * @returns The engine; close it when done.
 * @throws {NoAdapterError} If WebGPU is asked for and there is no adapter, or only OpenGL.
 * @throws {TypeError} If there is no such engine or option, a device is given for an engine that computes on
 *   none, or TensorFlow.js is asked for and not given.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray, mul, openEngine, type Tensor } from "@mutasesumele/toolkit";
 *
 * const engine = await openEngine("reference");
 * const square = engine.jit((x: Tensor) => mul(x, x));
 * const result = await engine.read(await square(hostArray([1, 2, 3])));
 * assertEquals(result.data, new Float32Array([1, 4, 9]));
 * engine.close();
 * ```
 */
export async function openEngine(
  choice: EngineChoice = "auto",
  options: EngineOptions = {},
): Promise<Engine> {
  requireCall("openEngine", arguments, 0, 2);
  requireOptions("openEngine", options, {
    ...{ byteBudget: true, profile: true, kernels: true },
    ...{ float64: OPTIONAL_FLAG, halfPrecision: OPTIONAL_FLAG, wasmPath: optional(name) },
    ...{ device: optionalObject, adapter: optionalObject, signal: optionalObject },
    ...{ tfjs: optionalCallback },
    ...{ onChoice: optionalCallback, onWork: optionalCallback, onLeak: optionalCallback },
  });
  if (!engineChoices.includes(choice)) {
    const meant = CALLED[String(choice)];
    throw new TypeError(
      `Cannot open the engine '${choice}': expected ${
        engineChoices.map((name) => `'${name}'`).join(", ")
      }.${meant === undefined ? "" : ` That is '${meant}' here.`}`,
    );
  }
  const pool = {
    ...(options.byteBudget !== undefined && { byteBudget: options.byteBudget }),
    ...(options.profile !== undefined && { profile: options.profile }),
    ...(options.kernels !== undefined && { kernels: options.kernels }),
    ...(options.halfPrecision && { halfPrecision: true }),
  };
  const { signal, onWork, onLeak } = options;
  const watch = {
    ...(signal && { signal }),
    ...(onWork && { onWork }),
    ...(onLeak && { onLeak }),
  };
  const engine = await open(choice, { pool, watch }, options);
  options.onChoice?.(`engine ${engine.info.name} on ${engine.info.adapter}: ${engine.reason}`);
  return engine;
}

async function open(
  choice: EngineChoice,
  { pool, watch }: { readonly pool: BackendOptions; readonly watch: EngineWatch },
  { float64 = false, device, adapter, tfjs, wasmPath }: EngineOptions,
): Promise<Engine> {
  if (device !== undefined) {
    if (choice !== "webgpu" && choice !== "auto") {
      throw new TypeError(
        `Cannot open the engine '${choice}' on a device: it computes on none. ` +
          `Ask for 'webgpu', or give no device.`,
      );
    }
    const { WebGpuBackend } = await import("./webgpu_backend.ts");
    const backend = await WebGpuBackend.borrow(device, { ...pool, ...(adapter && { adapter }) });
    return new Engine(backend, { ...watch, reason: "a device was given" });
  }
  const wasm = wasmPath === undefined ? {} : { wasmPath };
  switch (choice) {
    case "webgpu":
      return new Engine(await openWebGpu(pool), watch);
    case "reference":
      return new Engine(new ReferenceBackend({ float64 }), watch);
    case "tfjs":
      if (tfjs === undefined) throw new TypeError(`Cannot open the engine 'tfjs': ${NOT_GIVEN}.`);
      return new Engine(await tfjs(wasm), watch);
    case "auto":
      try {
        const reason = "WebGPU has an adapter";
        return new Engine(await openWebGpu(pool), { ...watch, reason });
      } catch (error) {
        if (!(error instanceof NoAdapterError)) throw error;
        const reason = `WebGPU has no adapter to trust, found ${error.found}`;
        if (tfjs !== undefined) return new Engine(await tfjs(wasm), { ...watch, reason });
        return new Engine(new ReferenceBackend({ float64 }), {
          ...watch,
          reason: `${reason}; TensorFlow.js, which is faster, was not given: ${WAY_OUT}`,
        });
      }
  }
}

/** Opens WebGPU. Half of the library is needed for it, which a page without an adapter does not load. */
async function openWebGpu(options: BackendOptions): Promise<Backend> {
  const adapter = await findAdapter();
  const { WebGpuBackend } = await import("./webgpu_backend.ts");
  return await WebGpuBackend.open({ ...options, adapter });
}
