/**
 * TensorFlow.js beside an engine: on the same device, with tensors across without a copy.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Backend, Engine } from "../engine/engine.ts";
import { Value } from "../engine/value.ts";
import { WebGpuBackend } from "../engine/webgpu_backend.ts";
import { type Aval, type DType, formatAval, sizeOf } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import { type Held, heldTensor, shared, tfTypeOf, whole } from "../tfjs/held.ts";
import { TfjsExecutor } from "../tfjs/executor.ts";
import { loadTfjs, type Tf, type TfTensor } from "../tfjs/load.ts";
import { TfDevice } from "../tfjs/tf_device.ts";

/** TensorFlow.js as it shares an engine's device. */
export interface SharedTf {
  /** The module; its current backend computes where the engine does. */
  readonly tf: Tf;
  /**
   * A tensor with the numbers of a value, on the same memory (on the engine `reference`: a copy in
   * float32; `bool` on WebGPU: converted on the device).
   *
   * The memory stays until the value is released and the tensor disposed of, in any order, also when the
   * engine is closed first. Neither library changes it.
   *
   * @throws {TypeError} If the value is of type `u32`, which TensorFlow.js does not have.
   * @throws {Error} If the value was released.
   */
  toTf(value: Value): TfTensor;
  /**
   * A value of the engine with the numbers of a tensor (float32, int32 or bool), on the same memory.
   *
   * On WebGPU that takes a number of elements that can be divided by four, because the engine reads four
   * at a time; other tensors are copied on the device. The tensor stays its owner's; the memory stays
   * until the tensor is disposed of and the value released, in any order. When TensorFlow.js's backend
   * is removed first, the engine copies the values that it still holds.
   *
   * @throws {TypeError} If the tensor is complex or of strings.
   * @throws {Error} If the tensor was disposed of, or is on another device.
   */
  fromTf(tensor: TfTensor): Value;
}

/**
 * Gets TensorFlow.js ready to compute where an engine computes.
 *
 * - `webgpu`: a backend of TensorFlow.js on the engine's own `GPUDevice`; if TensorFlow.js has opened a
 *   device before, give it to `openEngine("webgpu", { device })` instead, and this finds it. Closing the
 *   engine leaves the device to TensorFlow.js, `tf.removeBackend` leaves it to the engine; the last one
 *   destroys it, unless it was given.
 * - `tfjs`: the module and the backend (wasm or cpu) that the engine runs on.
 * - `reference`: the `cpu` backend; numbers are copied.
 *
 * The backend becomes the current one of the module.
 *
 * @param engine The engine.
 * @returns The module, and the ways across.
 * @throws {Error} If the backend does not start.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray, mul, openEngine, type Tensor } from "@mutasesumele/toolkit";
 * import { shareTf } from "@mutasesumele/toolkit/tfjs";
 *
 * const engine = await openEngine("auto");
 * const { tf, toTf, fromTf } = await shareTf(engine);
 * const value = engine.put(hostArray([1, 2, 3, 4]));
 * const halves = tf.tidy(() => tf.mul(toTf(value), 0.5));
 * const double = engine.jit((x: Tensor) => mul(x, 2));
 * const result = await engine.read(await double(fromTf(halves)));
 * assertEquals(result.data, new Float32Array([1, 2, 3, 4]));
 * halves.dispose();
 * engine.close();
 * ```
 */
export async function shareTf(engine: Engine): Promise<SharedTf> {
  requireArguments("shareTf", { engine }, { engine: is.engine });
  const { backend } = engine;
  if (backend instanceof TfjsExecutor) return shareExecutor(backend);
  if (!(backend instanceof WebGpuBackend)) return shareNumbers(backend, await loadTfjs("cpu"));
  let found = devices.get(backend);
  if (!found) {
    devices.set(backend, found = shareDevice(backend));
    found.catch(() => devices.delete(backend));
  }
  return await found;
}

/** What is shared with each backend. */
const devices = new WeakMap<WebGpuBackend, Promise<SharedTf>>();

async function shareDevice(backend: WebGpuBackend): Promise<SharedTf> {
  const { gpu, buffers } = backend.resources;
  const tf = await import("@tensorflow/tfjs");
  const device = await TfDevice.on(tf, gpu.device);
  device.beforeRemoval(() => devices.delete(backend));
  device.beforeRemoval(gpu.lend());
  /** Values on memory of TensorFlow.js. */
  const guests = new Map<GPUBuffer, Value[]>();
  const copyOf = (source: GPUBuffer, size: number): GPUBuffer => {
    const copy = buffers.acquire(Math.max(16, Math.ceil(size / 4) * 16), "value");
    if (size === 0) return copy;
    const encoder = gpu.device.createCommandEncoder({ label: "tensor of TensorFlow.js" });
    encoder.copyBufferToBuffer(source, 0, copy, 0, 4 * size);
    gpu.queue.submit([encoder.finish()]);
    return copy;
  };
  /** Takes in the memory of a tensor of ours, until all values on it are released or moved away. */
  const adopt = (buffer: GPUBuffer, held: TfTensor): void => {
    const stay = device.beforeRemoval(() => {
      for (const value of guests.get(buffer)!) {
        if (value.handle !== buffer) continue;
        value.handle = copyOf(buffer, sizeOf(value.shape));
        buffers.release(buffer);
      }
    });
    guests.set(buffer, []);
    buffers.adopt(buffer, () => {
      stay();
      guests.delete(buffer);
      held.dispose();
    });
  };
  return {
    tf,
    toTf: (value) => {
      requireTf(value);
      const buffer = handleOf(value) as GPUBuffer;
      return device.lend(buffer, value, buffers.lend(buffer));
    },
    fromTf: (tensor) => {
      const aval = avalOf(tensor);
      if (!device.holds(tensor)) {
        throw new Error(
          `Cannot use the tensor ${
            formatAval(aval)
          } on ${gpu.info.label}: it is on another backend ` +
            `of TensorFlow.js. Make it while '${device.name}' is current, or read it: ` +
            `hostArray(await tensor.data(), tensor.shape).`,
        );
      }
      const held = tf.keep(device.plain(tensor));
      const buffer = device.bufferOf(held);
      device.flush();
      const { size } = tensor;
      if (size === 0 || size % 4 !== 0) {
        const copy = copyOf(buffer, size);
        held.dispose();
        return new Value(aval, copy, backend);
      }
      if (buffers.has(buffer)) {
        buffers.retain(buffer);
        held.dispose();
      } else {
        adopt(buffer, held);
      }
      const value = new Value(aval, buffer, backend);
      guests.get(buffer)?.push(value);
      return value;
    },
  };
}

/** For engines that hold plain numbers. */
function shareNumbers(backend: Backend, tf: Tf): SharedTf {
  return {
    tf,
    toTf: (value) => {
      requireTf(value);
      const { shape, data } = handleOf(value) as HostArray;
      const numbers = value.dtype === "f32" ? Float32Array.from(data) : data.slice();
      return tf.tensor(numbers as Float32Array, [...shape], tfTypeOf(value.dtype));
    },
    fromTf: (tensor) => {
      const aval = avalOf(tensor);
      return new Value(aval, backend.upload({ ...aval, data: tensor.dataSync() }), backend);
    },
  };
}

function shareExecutor(executor: TfjsExecutor): SharedTf {
  const { tf } = executor;
  return {
    tf,
    toTf: (value) => {
      requireTf(value);
      return executor.within(() => shared(whole(tf, handleOf(value) as Held)));
    },
    fromTf: (tensor) => {
      const aval = avalOf(tensor);
      return new Value(aval, heldTensor(tf.keep(executor.within(() => shared(tensor))), aval));
    },
  };
}

function requireTf(value: Value): void {
  if (!(value instanceof Value)) {
    throw new TypeError(
      `Cannot make a tensor of TensorFlow.js: found ${typeof value}, expected a value of the engine. ` +
        `Put host arrays on the device with engine.put().`,
    );
  }
  if (value.dtype === "u32") {
    throw new TypeError(
      `Cannot make a tensor of ${formatAval(value)}: TensorFlow.js has no unsigned integers. ` +
        `Convert to i32 before.`,
    );
  }
}

function handleOf(value: Value): unknown {
  if (value.handle === undefined) {
    throw new Error(
      `Cannot make a tensor of the value ${formatAval(value)}: it was released or donated.`,
    );
  }
  return value.handle;
}

function avalOf(tensor: TfTensor): Aval {
  if (typeof tensor?.dataId !== "object") {
    throw new TypeError(
      `Cannot make a value: found ${typeof tensor}, expected a tensor of TensorFlow.js.`,
    );
  }
  const dtypes: Readonly<Record<string, DType>> = { float32: "f32", int32: "i32", bool: "bool" };
  const dtype = dtypes[tensor.dtype];
  if (dtype === undefined || tensor.isDisposed) {
    throw new TypeError(
      `Cannot make a value of a tensor of type ${tensor.dtype}${
        tensor.isDisposed ? " that was disposed of" : ""
      }: expected float32, int32 or bool, and its memory.`,
    );
  }
  return { shape: [...tensor.shape], dtype };
}
