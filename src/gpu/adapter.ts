/**
 * Finding a WebGPU adapter, which nothing has opened yet.
 *
 * @module
 */
import { isOpenGl } from "./opengl.ts";

/** What kind of adapter `openGpu` should look for. */
export interface GpuOptions {
  /** Which adapter the system should prefer; `"high-performance"` by default. */
  readonly powerPreference?: GPUPowerPreference;
  /** An adapter that was found already; it is looked for unless told. */
  readonly adapter?: GPUAdapter;
  /** `true` to insist on a software adapter, for tests. */
  readonly forceFallbackAdapter?: boolean;
  /** Name of the device in error messages of the driver. */
  readonly label?: string;
}

/** Who made the adapter, and whether it is a CPU. */
export interface AdapterSummary {
  /** Vendor as the driver gives it; may be empty or a number. */
  readonly vendor: string;
  /** Architecture family; may be empty. */
  readonly architecture: string;
  /** Device id; may be empty. */
  readonly device: string;
  /** Free text of the driver; may be empty. */
  readonly description: string;
  /** One line for terminals and reports, with "(software)" when it is a CPU. */
  readonly label: string;
  /** `true` when the adapter runs on the CPU (lavapipe, SwiftShader, WARP). */
  readonly software: boolean;
}

/** Thrown by `openGpu` when the system offers no WebGPU adapter that can be trusted. */
export class NoAdapterError extends Error {
  /** The name of the class. */
  override readonly name = "NoAdapterError";
  /** What there is instead, in a few words: "no adapter". */
  readonly found: string;

  /** An error that says what was found, what was expected, and the way out. */
  constructor(found: string, wayOut: string) {
    super(`Cannot open a WebGPU device: found ${found}, expected an adapter. ${wayOut}`);
    this.found = found;
  }
}

const SOFTWARE_NAMES = /llvmpipe|lavapipe|swiftshader|basic render|software/i;

const DRIVER = "Install the driver of your GPU, or a software adapter: on Debian and Ubuntu " +
  "`apt-get install libvulkan1 mesa-vulkan-drivers`.";

/**
 * Finds the system's best WebGPU adapter.
 *
 * @param options Which adapter to look for
 * @returns The adapter
 * @throws {NoAdapterError} When WebGPU or an adapter is missing, or the only one is OpenGL (see
 * {@linkcode isOpenGl}), with what to install
 */
export async function findAdapter(options: GpuOptions = {}): Promise<GPUAdapter> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (gpu === undefined) {
    throw new NoAdapterError(
      "a runtime without navigator.gpu",
      "Use Deno 2.9 or newer, or a browser with WebGPU.",
    );
  }
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference ?? "high-performance",
    ...(options.forceFallbackAdapter === true ? { forceFallbackAdapter: true } : {}),
  });
  if (adapter === null) throw new NoAdapterError("no adapter", DRIVER);
  if (isOpenGl(adapter.info)) {
    const { label } = summarizeAdapter(adapter.info);
    throw new NoAdapterError(`only ${label} through OpenGL, which corrupts memory`, DRIVER);
  }
  return adapter;
}

/**
 * Puts an adapter's description into words, and finds out whether it is a CPU.
 *
 * @param info The `info` of a `GPUAdapter`, or the `adapterInfo` of a `GPUDevice`
 * @returns The summary
 */
export function summarizeAdapter(info: Partial<GPUAdapterInfo>): AdapterSummary {
  const vendor = info.vendor ?? "";
  const architecture = info.architecture ?? "";
  const device = info.device ?? "";
  const description = info.description ?? "";
  const software = info.isFallbackAdapter === true ||
    SOFTWARE_NAMES.test(`${vendor} ${architecture} ${device} ${description}`);
  const words = [vendor, architecture, device].filter((word) => word !== "").join(" ");
  const name = description !== "" ? description : words !== "" ? words : "unnamed adapter";
  return {
    vendor,
    architecture,
    device,
    description,
    label: software ? `${name} (software)` : name,
    software,
  };
}
