/**
 * Opening a WebGPU device and turning its silent failures into exceptions.
 *
 * @module
 */

import { DeviceUsers } from "./device_users.ts";
import { adapterCosts } from "../adapter/adapter_costs.ts";
import { adapterClassOf, builtInProfile } from "../adapter/built_in_profiles.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import {
  type AdapterSummary,
  findAdapter,
  type GpuOptions,
  NoAdapterError,
  summarizeAdapter,
} from "./adapter.ts";

export { type AdapterSummary, findAdapter, type GpuOptions, NoAdapterError, summarizeAdapter };

/** Thrown by {@linkcode Gpu.check} when the device reported an error or was lost. */
export class GpuError extends Error {
  /** The name of the class. */
  override readonly name = "GpuError";
}

/** Limits that every opened device asks the adapter for, at the adapter's own maximum. */
const WANTED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxUniformBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxUniformBuffersPerShaderStage",
  "maxBindingsPerBindGroup",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * Most storage buffers that a generated kernel binds, as many as Mesa's adapters allow. NVIDIA's allow 524,288, but of
 * 1,000 values joined by one kernel the text is nested 1,000 deep, and compilers are recursive: the stack of a thread
 * of 2 MiB, which workers have, overflowed.
 */
const MOST_STORAGE_BUFFERS = 32;

const WANTED_FEATURES: readonly GPUFeatureName[] = ["timestamp-query"];

/** What a device offers to kernels that use subgroups. */
export interface Subgroups {
  /** Lanes of every subgroup. */
  readonly lanes: number;
  /** Whether kernels must say `enable subgroups;`; Deno's compiler does not know the words. */
  readonly directive: boolean;
}

/**
 * An open WebGPU device with what the compiler needs to know of it.
 *
 * WebGPU reports errors out of band: this class listens for them, and {@linkcode Gpu.check} throws
 * the first one that has arrived. Call `check` after everything that waits for the device.
 */
export class Gpu {
  /** The WebGPU device, for sharing with other libraries. */
  readonly device: GPUDevice;
  /** The device's queue. */
  readonly queue: GPUQueue;
  /** Who made the adapter. */
  readonly info: AdapterSummary;
  /** What a lowering may know of the adapter, with the costs of its class. */
  readonly traits: DeviceTraits;
  /** The limits of the device. */
  readonly limits: GPUSupportedLimits;
  /** The features of the device. */
  readonly features: ReadonlySet<string>;
  /** What kernels may do with subgroups; `undefined` where nothing. */
  readonly subgroups: Subgroups | undefined;
  #error: string | undefined;
  #errorCount = 0;
  #lost = false;
  /** Ends of the waits that a lost device will not end. */
  readonly #waits = new Set<() => void>();
  #closed = false;
  readonly #users: DeviceUsers;
  readonly #onError: (event: Event) => void;

  /**
   * Wraps a device that already exists, for example one that is shared with another library.
   *
   * @param device The device, whose errors will be listened for
   * @param info Description of the adapter it came from
   * @param options What {@linkcode findSubgroups} found, nothing unless told; and whether the device is
   *   another's, to be left open by {@linkcode Gpu.close}
   */
  constructor(
    device: GPUDevice,
    info: AdapterSummary,
    { subgroups, borrowed = false }: {
      readonly subgroups?: Subgroups | undefined;
      readonly borrowed?: boolean;
    } = {},
  ) {
    this.device = device;
    this.#users = DeviceUsers.of(device);
    this.#users.enter();
    if (!borrowed) this.#users.own();
    this.queue = device.queue;
    this.info = info;
    this.limits = device.limits;
    const features = new Set<string>();
    device.features.forEach((feature) => features.add(feature));
    this.features = features;
    this.subgroups = subgroups;
    this.traits = {
      costs: adapterCosts(builtInProfile(adapterClassOf(info))),
      subgroupLanes: subgroups?.lanes ?? 0,
      maxWorkgroupInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
      maxWorkgroupStorage: device.limits.maxComputeWorkgroupStorageSize,
      maxWorkgroupsPerDimension: device.limits.maxComputeWorkgroupsPerDimension,
      maxUniformBinding: device.limits.maxUniformBufferBindingSize,
      maxStorageBinding: device.limits.maxStorageBufferBindingSize,
      maxStorageBuffers: Math.min(
        device.limits.maxStorageBuffersPerShaderStage,
        MOST_STORAGE_BUFFERS,
      ),
    };
    this.#onError = (event: Event) => {
      event.preventDefault();
      this.report((event as GPUUncapturedErrorEvent).error.message);
    };
    device.addEventListener("uncapturederror", this.#onError);
    device.lost.then((lost) => {
      if (!this.#closed) this.report(`the device was lost (${lost.reason}): ${lost.message}`);
      this.#lost = true;
      for (const end of this.#waits) end();
    });
  }

  /** `true` when dispatches can be timed on the device. */
  get canTime(): boolean {
    return this.features.has("timestamp-query");
  }

  /** `true` after {@linkcode Gpu.close}. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Records an error for the next {@linkcode Gpu.check}; the first one is kept, later ones counted.
   *
   * @param message What went wrong
   */
  report(message: string): void {
    this.#error ??= message;
    this.#errorCount++;
  }

  /**
   * Throws if the device is closed or lost or has reported an error.
   *
   * An error stays: the contents of buffers are not to be trusted after it.
   *
   * @param context What was being done, as an infinitive: "run the program train_step"
   * @throws {GpuError} With the device's first message
   */
  check(context: string): void {
    if (this.#closed) {
      throw new GpuError(
        `Cannot ${context}: the WebGPU device is closed, expected an open one. Open a new one.`,
      );
    }
    if (this.#error === undefined) return;
    const more = this.#errorCount > 1 ? ` (and ${this.#errorCount - 1} later errors)` : "";
    throw new GpuError(
      `Cannot ${context} on ${this.info.label}: ${this.#error}${more}. ` +
        `Results since the last successful check are not to be trusted; open a new device.`,
    );
  }

  /**
   * Waits for the device, but not for one that is lost: it may never answer.
   *
   * @param answer What the device is asked for
   * @param context What is being done, as an infinitive
   * @throws {GpuError} When the device is lost before it answers
   */
  async answer<T>(answer: Promise<T>, context: string): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<"lost">();
    const end = () => resolve("lost");
    if (this.#lost) end();
    this.#waits.add(end);
    try {
      const first = await Promise.race([answer.then((value) => ({ value })), promise]);
      if (first !== "lost") return first.value;
    } finally {
      this.#waits.delete(end);
    }
    answer.catch(() => {});
    this.check(context);
    throw new GpuError(`Cannot ${context}: the WebGPU device is gone. Open a new one.`);
  }

  /**
   * Waits until the submitted work is done, then checks.
   *
   * @param context What was being done, as an infinitive
   * @throws {GpuError} With the device's first message
   */
  async finish(context: string): Promise<void> {
    await this.answer(this.queue.onSubmittedWorkDone(), context);
    this.check(context);
  }

  /**
   * Lets another library compute on the device: {@linkcode Gpu.close} then leaves it open.
   *
   * @returns To be called when the other library is done; the last one to go destroys the device
   */
  lend(): () => void {
    this.#users.enter();
    let done = false;
    return () => {
      if (!done) this.#users.leave();
      done = true;
    };
  }

  /**
   * Ends the use of the device: it is destroyed with all its buffers, unless it was given, or somebody else
   * still computes on it. Calling it twice does no harm.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.device.removeEventListener("uncapturederror", this.#onError);
    this.#users.leave();
  }

  /** {@linkcode Gpu.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens the system's best WebGPU adapter with the adapter's own limits, not the portable minimum.
 *
 * @param options Which adapter to look for
 * @returns The open device
 * @throws {NoAdapterError} When there is no adapter that can be trusted, with what to install
 */
export async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  const adapter = options.adapter ?? await findAdapter(options);
  const requiredLimits: Record<string, number> = {};
  for (const name of WANTED_LIMITS) requiredLimits[name] = adapter.limits[name];
  const features = WANTED_FEATURES.filter((feature) => adapter.features.has(feature));
  const lanes = subgroupLanesOf(adapter.info);
  const request = (requiredFeatures: readonly GPUFeatureName[]): Promise<GPUDevice> =>
    adapter.requestDevice({
      label: options.label ?? "mutasesumele",
      requiredLimits,
      requiredFeatures: [...requiredFeatures],
    });
  // Deno grants subgroups without advertising them; a refusal leaves the adapter as it was.
  const device = lanes === 0
    ? await request(features)
    : await request([...features, "subgroups"]).catch(() => request(features));
  const subgroups = await findSubgroups(device, lanes);
  return new Gpu(device, summarizeAdapter(adapter.info), { subgroups });
}

/**
 * Wraps a device that belongs to someone else, who destroys it.
 *
 * @param device The device
 * @param adapter The adapter it came from; by default what the device says of it
 * @returns The device as this library sees it
 */
export async function borrowGpu(device: GPUDevice, adapter?: GPUAdapter): Promise<Gpu> {
  const info = adapter?.info ?? device.adapterInfo;
  const subgroups = await findSubgroups(device, subgroupLanesOf(info));
  return new Gpu(device, summarizeAdapter(info), { subgroups, borrowed: true });
}

/** Lanes of an adapter's subgroups; 0 where it does not say, or where their number varies. */
function subgroupLanesOf({ subgroupMinSize, subgroupMaxSize }: GPUAdapterInfo): number {
  return subgroupMinSize !== undefined && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 0;
}

/** A kernel that is valid where a lane can broadcast its value to its subgroup. */
const SUBGROUP_PROBE = `
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(8)
fn main(@builtin(subgroup_invocation_id) lane: u32) { y[lane] = subgroupBroadcast(lane, 0u); }
`;

/** Finds out, by compiling, whether and how kernels may use subgroups. */
async function findSubgroups(device: GPUDevice, lanes: number): Promise<Subgroups | undefined> {
  if (lanes === 0 || !device.features.has("subgroups")) return undefined;
  for (const directive of [true, false]) {
    device.pushErrorScope("validation");
    const code = directive ? `enable subgroups;${SUBGROUP_PROBE}` : SUBGROUP_PROBE;
    device.createShaderModule({ label: "probe of subgroups", code });
    if (await device.popErrorScope() === null) return { lanes, directive };
  }
  return undefined;
}
