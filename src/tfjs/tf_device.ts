/**
 * TensorFlow.js on a WebGPU device that it shares with this library.
 *
 * @module
 */
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type Aval, formatAval, sizeOf } from "../ir/aval.ts";
import { isStarted, withBackend } from "./current_backend.ts";
import { shared, tfTypeOf } from "./held.ts";
import type { Tf, TfTensor } from "./load.ts";

/** Where a backend keeps what is known of its sharing. */
const known: unique symbol = Symbol("shared device");

type Shared = WebGPUBackend & { [known]?: TfDevice };

/** A backend of TensorFlow.js on a given device, and tensors over the device's buffers. */
export class TfDevice {
  /** The module. */
  readonly tf: Tf;
  /** Name of the backend in the module. */
  readonly name: string;
  readonly #backend: WebGPUBackend;
  /** What to call when the data of a lent buffer is disposed of. */
  readonly #lent = new Map<object, () => void>();
  /** What to call when the backend is removed. */
  readonly #leaving = new Set<() => void>();

  /**
   * Finds the backend that computes on a device, or starts one.
   *
   * The first one is called `webgpu`, unless a `webgpu` is started already on a device of its own; that
   * one is left as it is.
   *
   * @param tf The module.
   * @param device The device.
   * @returns The backend, which is the current one from now on: data lives on one backend, and
   *   TensorFlow.js cannot fetch it from a GPU by itself.
   */
  static async on(tf: Tf, device: GPUDevice): Promise<TfDevice> {
    const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
    const { registry } = tf.engine();
    let name = Object.keys(registry).find((key) => (registry[key] as Shared).device === device);
    if (name === undefined) {
      name = freeName(tf);
      const backend = new WebGPUBackend(device, device.adapterInfo);
      tf.registerBackend(name, () => backend, 3);
    }
    await tf.setBackend(name);
    const backend = registry[name] as Shared;
    return backend[known] ??= new TfDevice(tf, name, backend);
  }

  private constructor(tf: Tf, name: string, backend: WebGPUBackend) {
    this.tf = tf;
    this.name = name;
    this.#backend = backend;
    this.#watch();
  }

  /** Runs `fn` with this backend current. */
  run<T>(fn: () => T): T {
    return withBackend(this.tf, this.name, fn);
  }

  /**
   * A tensor over a buffer, without a copy; `bool` is converted on the device.
   *
   * @param buffer A storage buffer whose elements have four bytes; nobody may write it meanwhile.
   * @param aval Shape and element type.
   * @param release Called once TensorFlow.js neither holds nor reads the buffer any more.
   * @throws {TypeError} If the element type is `u32`.
   */
  lend(buffer: GPUBuffer, aval: Aval, release?: () => void): TfTensor {
    const { shape, dtype } = aval;
    if (dtype === "u32") {
      throw new TypeError(
        `Cannot hand ${formatAval(aval)} to TensorFlow.js: it has no unsigned integers. ` +
          `Convert to i32 before.`,
      );
    }
    return this.run(() => {
      if (sizeOf(shape) === 0) {
        release?.();
        return this.tf.tensor([], [...shape], tfTypeOf(dtype));
      }
      const data = { buffer, zeroCopy: true };
      const tensor = this.tf.tensor(data, [...shape], dtype === "f32" ? "float32" : "int32");
      if (release) this.#lent.set(tensor.dataId, release);
      if (dtype !== "bool") return tensor;
      const truth = this.tf.cast(tensor, "bool");
      tensor.dispose();
      return truth;
    });
  }

  /**
   * Another tensor of the same numbers whose buffer holds them in the tensor's own type: TensorFlow.js
   * converts integers to float32 only when they are read.
   */
  plain(tensor: TfTensor): TfTensor {
    const stored = this.#backend.tensorMap.get(tensor.dataId).dtype;
    return this.run(() =>
      (stored === "float32") === (tensor.dtype === "float32")
        ? shared(tensor)
        : this.tf.tidy(() => this.tf.add(tensor, this.tf.zeros(tensor.shape)))
    );
  }

  /**
   * The buffer that holds a {@linkcode TfDevice.plain} tensor; whoever uses it outside submits
   * {@linkcode TfDevice.flush} first.
   */
  bufferOf(tensor: TfTensor): GPUBuffer {
    this.#backend.uploadToGPU(tensor.dataId);
    return this.#backend.tensorMap.get(tensor.dataId).resource as GPUBuffer;
  }

  /** Whether a tensor's data is on this device. */
  holds(tensor: TfTensor): boolean {
    return this.#backend.tensorMap.has(tensor.dataId);
  }

  /** Submits what TensorFlow.js has recorded so far: it collects several operations. */
  flush(): void {
    this.#backend.ensureCommandEncoderReady();
    this.#backend.endComputePassEncoder();
    this.#backend.submitQueue();
  }

  /** Calls `fn` before the backend is removed and its buffers destroyed; returns how to forget it. */
  beforeRemoval(fn: () => void): () => void {
    this.#leaving.add(fn);
    return () => this.#leaving.delete(fn);
  }

  /** Listens to the ends of lent buffers and of the backend. */
  #watch(): void {
    const backend = this.#backend;
    const [disposeData, read, dispose] = [
      backend.disposeData.bind(backend),
      backend.read.bind(backend),
      backend.dispose.bind(backend),
    ];
    backend.disposeData = (id: object, force?: boolean): boolean => {
      const done = disposeData(id, force);
      const release = done ? this.#lent.get(id) : undefined;
      if (release) {
        this.#lent.delete(id);
        // Still there: recorded operations that are not submitted read it.
        if (backend.tensorMap.has(id)) this.flush();
        release();
      }
      return done;
    };
    backend.read = async (id: object) => {
      const size = this.#lent.has(id) ? sizeOf(backend.tensorMap.get(id).shape) : Infinity;
      const values = await read(id);
      // TensorFlow.js reads whole buffers, and a lent one may be longer than its tensor.
      if (size >= values.length) return values;
      const exact = (values as Float32Array).slice(0, size);
      if (backend.tensorMap.has(id)) backend.tensorMap.get(id).values = exact;
      return exact;
    };
    backend.dispose = (): void => {
      for (const fn of this.#leaving) fn();
      for (const release of this.#lent.values()) release();
      this.#leaving.clear();
      this.#lent.clear();
      dispose();
    };
  }
}

/** A name for a new backend, with the kernels of WebGPU under it. */
function freeName(tf: Tf): string {
  let name = "webgpu";
  for (let k = 2; isStarted(tf, name); k++) name = `webgpu-${k}`;
  if (name !== "webgpu") tf.copyRegisteredKernels("webgpu", name);
  // The package has registered one that would open a device of its own.
  if (tf.engine().backendNames().includes(name)) tf.removeBackend(name);
  return name;
}
