/**
 * Functions of TensorFlow.js: running them on buffers, arrays and zeros, with what they return checked.
 *
 * @module
 */
import { type Aval, formatAval, sameShape } from "../ir/aval.ts";
import type { HostNode, HostStep } from "../ir/lowering.ts";
import type { NdArray } from "../ir/nd_array.ts";
import { isStarted, withBackend } from "./current_backend.ts";
import { tfTypeOf } from "./held.ts";
import type { Tf, TfTensor } from "./load.ts";
import { TfDevice } from "./tf_device.ts";
import { wayOut } from "./way_out.ts";

/** A function of TensorFlow.js with a name. */
export interface TfFunction {
  /** The module. */
  readonly tf: Tf;
  /** Name for errors. */
  readonly name: string;
  /** Results from operands. */
  readonly fn: (...tensors: TfTensor[]) => readonly TfTensor[];
}

/** Shapes and element types of the results, found by running the function on zeros. */
export function avalsOnZeros({ tf, fn }: TfFunction, inputs: readonly Aval[]): Aval[] {
  const avals: Aval[] = [];
  tf.tidy(() => {
    const zeros = inputs.map(({ shape, dtype }) => tf.zeros([...shape], tfTypeOf(dtype)));
    for (const { shape } of checked(explained(tf, () => fn(...zeros)))) {
      avals.push({ shape: [...shape], dtype: "f32" });
    }
  });
  return avals;
}

/** Runs the function on arrays of the reference interpreter, in float32. */
export function evaluateOnHost({ tf, fn }: TfFunction, inputs: readonly NdArray[]): NdArray[] {
  const results: NdArray[] = [];
  const compute = (): void =>
    tf.tidy(() => {
      const tensors = inputs.map(({ shape, dtype, data }) => {
        const numbers = dtype === "f32" ? Float32Array.from(data) : data;
        return tf.tensor(numbers as Int32Array, [...shape], tfTypeOf(dtype));
      });
      for (const tensor of checked(explained(tf, () => fn(...tensors)))) {
        const data = Float64Array.from(tensor.dataSync());
        results.push({ shape: [...tensor.shape], dtype: "f32", data });
      }
    });
  // What is on a GPU cannot be read without waiting.
  if (isOnGpu(tf)) withBackend(tf, startedCpu(tf), compute);
  else compute();
  return results;
}

/** The function as a step between two submissions, on the device itself. */
export async function loadOnDevice(
  { tf, name, fn }: TfFunction,
  { inputs, outputs }: HostNode<unknown>,
  device: GPUDevice,
): Promise<HostStep> {
  const shared = await TfDevice.on(tf, device);
  const compute = (operands: readonly GPUBuffer[], results: readonly GPUBuffer[]): void =>
    tf.tidy(() => {
      const tensors = operands.map((buffer, k) => shared.lend(buffer, inputs[k]!));
      const computed = checked(explained(tf, () => fn(...tensors)));
      computed.forEach(({ shape }, k) => {
        if (sameShape(shape, outputs[k]!.shape)) return;
        throw new TypeError(
          `it returned a tensor of shape [${shape}] that had shape [${
            outputs[k]!.shape
          }] on zeros.`,
        );
      });
      const sources = computed.map((tensor) =>
        tensor.size > 0 ? shared.bufferOf(shared.plain(tensor)) : null
      );
      shared.flush();
      const encoder = device.createCommandEncoder({ label: name });
      sources.forEach((source, k) => {
        if (source) encoder.copyBufferToBuffer(source, 0, results[k]!, 0, 4 * computed[k]!.size);
      });
      device.queue.submit([encoder.finish()]);
    });
  return (operands, results) => {
    try {
      shared.run(() => compute(operands, results));
    } catch (error) {
      throw new Error(
        `Cannot run '${name}' of (${inputs.map(formatAval).join(", ")}) on TensorFlow.js: ${
          (error as Error).message
        }`,
        { cause: error },
      );
    }
  };
}

/** Runs `compute`; an operation that TensorFlow.js lacks is named with the way out. */
export function explained<T>(tf: Tf, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    const { message } = error as Error;
    if (!/^Kernel '\w+' not registered/.test(message)) throw error;
    throw new Error(`${message.replace(/\.?$/, ".")} ${wayOut(tf, message)}`, { cause: error });
  }
}

function checked(results: readonly TfTensor[]): readonly TfTensor[] {
  for (const result of results as readonly unknown[]) {
    if (!isTensor(result)) {
      throw new TypeError(
        `it returned ${describe(result)}, expected one tensor of TensorFlow.js, at once.`,
      );
    }
    if (result.dtype !== "float32") {
      throw new TypeError(`its result is of type ${result.dtype}, expected float32.`);
    }
  }
  return results;
}

function isTensor(value: unknown): value is TfTensor {
  return typeof value === "object" && value !== null && "dataId" in value && "shape" in value;
}

function describe(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return value === null ? "null" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function isOnGpu(tf: Tf): boolean {
  const current = tf.getBackend();
  return Boolean(current) && "device" in (tf.engine().registry[current] ?? {});
}

function startedCpu(tf: Tf): string {
  // It starts at once, unlike the others.
  if (!isStarted(tf, "cpu")) tf.engine().findBackend("cpu");
  return "cpu";
}
