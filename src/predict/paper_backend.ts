/**
 * An engine that computes nothing, and says how long it would have taken and what memory.
 *
 * @module
 */
import { Engine } from "../engine/engine.ts";
import type { LoadOptions } from "../engine/engine_watch.ts";
import {
  type BackendOptions,
  type LoadedGpuProgram,
  WebGpuBackend,
} from "../engine/webgpu_backend.ts";
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import type { KernelTable } from "../adapter/kernel_table.ts";
import { callNotes } from "../ir/call_notes.ts";
import type { Program } from "../ir/program.ts";
import { askedShapes } from "./asked_shapes.ts";
import { paperGpu, type Pictured } from "./paper_device.ts";
import { TimePredictor } from "./predict_plan.ts";

/** What an adapter would have done. */
export interface PaperWork<T> {
  /** What came out of it; numbers that were read are zero. */
  readonly result: T;
  /** Seconds: dispatches, submissions, waits for results. */
  readonly seconds: number;
  /** Dispatches. */
  readonly dispatches: number;
  /** Most bytes in use at one time. */
  readonly peakBytes: number;
  /** Programs that would not fit and are computed in parts, and along which axes. */
  readonly splits: Readonly<Record<string, readonly string[]>>;
}

/** Options of {@linkcode openPaper}. */
export interface PaperOptions extends Omit<BackendOptions, "profile" | "kernels"> {
  /** What the adapter can do. */
  readonly profile: AdapterProfile;
  /** Which kernels are the fastest for which shapes, as it was measured. */
  readonly kernels?: KernelTable;
  /** Told every shape for which there are several kernels, as tables have it. */
  readonly onShape?: (shape: string) => void;
  /** Ends planning, which takes seconds. */
  readonly signal?: AbortSignal;
}

/** An engine of paper, and what it would have done so far. */
export interface Paper extends Disposable {
  /** Runs everything, computes nothing: what is read from it is zero. */
  readonly engine: Engine;
  /** Does something with the engine, and says what the adapter would have done meanwhile. */
  during<T>(run: () => Promise<T>): Promise<PaperWork<T>>;
}

/**
 * Opens an engine that plans for an adapter as the real one does, allocates as it does, and computes nothing.
 *
 * @param pictured An open device of the adapter, which is not used.
 * @param options Profile, budget of memory, traits.
 * @returns The engine, with a clock that shows predicted time.
 */
export function openPaper(pictured: Pictured, options: PaperOptions): Paper {
  const { signal, onShape, ...rest } = options;
  const chooseKernel = onShape && askedShapes(onShape, rest.kernels);
  const backend = new PaperBackend(pictured, {
    ...rest,
    ...(chooseKernel && { traits: { ...rest.traits, chooseKernel } }),
  });
  const engine = new Engine(backend, { reason: "prediction", ...(signal && { signal }) });
  return {
    engine,
    during: async (run) => {
      backend.begin();
      const result = await run();
      const { host, device, ...done } = backend.done;
      const seconds = 1e-9 * Math.max(host, device);
      return { result, seconds, ...done, peakBytes: engine.memory().peak };
    },
    [Symbol.dispose]: () => engine.close(),
  };
}

/**
 * What was done so far, changed by every run. The host gives out the next run while the device computes; it waits for
 * the device only where it reads.
 */
interface Done {
  /** Nanoseconds until the host has given out everything. */
  host: number;
  /** Nanoseconds until the device has computed everything. */
  device: number;
  dispatches: number;
  readonly splits: Record<string, readonly string[]>;
}

const NOTHING = { host: 0, device: 0, dispatches: 0 } as const;

class PaperBackend extends WebGpuBackend {
  /** Since it began. */
  done: Done = { ...NOTHING, splits: {} };
  readonly #predictor: TimePredictor;
  readonly #profile: AdapterProfile;

  constructor(pictured: Pictured, options: Omit<PaperOptions, "signal" | "onShape">) {
    super(paperGpu(pictured), options);
    this.#profile = options.profile;
    this.#predictor = new TimePredictor(options.profile);
  }

  /** Begins to count anew. */
  begin(): void {
    this.done = { ...NOTHING, splits: {} };
    this.resetPeak();
  }

  override async load(given: Program, options: LoadOptions = {}): Promise<LoadedGpuProgram> {
    const loaded = await super.load(given, options);
    const { host, device } = this.#predictor.plan(loaded.plan.plan);
    const notes = callNotes(loaded.program ?? given);
    return {
      ...loaded,
      run: (inputs) => {
        this.done.host += host;
        this.done.device = Math.max(this.done.device, this.done.host) + device;
        this.done.dispatches += loaded.dispatches;
        if (notes.length > 0) this.done.splits[options.name ?? "anonymous"] = notes;
        return loaded.run(inputs);
      },
    };
  }

  override async download(
    arrays: Parameters<WebGpuBackend["download"]>[0],
  ): ReturnType<WebGpuBackend["download"]> {
    if (arrays.length > 0) {
      this.done.host = Math.max(this.done.host, this.done.device) + this.#profile.readback;
    }
    return await super.download(arrays);
  }
}
