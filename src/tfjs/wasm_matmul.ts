/**
 * A repair of the matrix product of the wasm backend.
 *
 * @module
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "./load.ts";

type Kernel = NonNullable<ReturnType<Tf["getKernel"]>>;
type Run = Kernel["kernelFunc"];

/** The two kernels that multiply matrices; they share their prepared operators. */
const KERNELS = ["BatchMatMul", "_FusedMatMul"] as const;

/** Marks a kernel that is repaired already. */
const repaired: unique symbol = Symbol("repaired");

/**
 * Makes matrix products on the wasm backend right where one buffer is the right operand in two shapes.
 *
 * For a product without batch and transposition TensorFlow.js 4.22 prepares an XNNPACK operator from the
 * right operand and keeps it as long as the buffer lives, but finds it by the buffer alone
 * (`operator_cache` in `batch_mat_mul_impl.cc`). Reshapes share their buffer: the second shape is
 * multiplied by the operator of the first one, which returns wrong numbers and may write beyond the
 * result. Here a buffer that comes in another shape than at first is copied.
 *
 * @param tf The module, with its wasm backend imported; a second call does nothing.
 */
export function repairWasmMatMul(tf: Tf): void {
  /** Columns for which the operator of a buffer was prepared: they tell its shapes apart. */
  const prepared = new WeakMap<object, number>();
  for (const name of KERNELS) {
    const kernel = tf.getKernel(name, "wasm");
    if (!kernel || repaired in kernel) continue;
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel(
      Object.assign({ ...kernel, kernelFunc: withOwnShape(tf, kernel.kernelFunc, prepared) }, {
        [repaired]: true,
      }),
    );
  }
}

function withOwnShape(tf: Tf, multiply: Run, prepared: WeakMap<object, number>): Run {
  return (args) => {
    const [a, b] = [args.inputs["a"]!, args.inputs["b"]!];
    const { transposeA, transposeB } = args.attrs as Readonly<Record<string, unknown>>;
    if (transposeA || transposeB || isBatch(a) || isBatch(b)) return multiply(args);
    const columns = b.shape.at(-1)!;
    const first = prepared.get(b.dataId);
    if (first === undefined) prepared.set(b.dataId, columns);
    if (first === undefined || first === columns) return multiply(args);
    const copy = copied(tf, args);
    try {
      return multiply({ ...args, inputs: { ...args.inputs, b: copy } });
    } finally {
      (args.backend as { disposeData(id: object): boolean }).disposeData(copy.dataId);
    }
  };
}

function isBatch({ shape }: TensorInfo): boolean {
  return shape.slice(0, -2).some((extent) => extent !== 1);
}

/** The right operand in memory of its own; the wasm backend's identity copies. */
function copied(tf: Tf, { inputs, backend }: Parameters<Run>[0]): TensorInfo {
  const identity = tf.getKernel("Identity", "wasm")!.kernelFunc;
  const result = identity({ inputs: { x: inputs["b"]! }, backend, attrs: {} });
  return [result].flat()[0]!;
}
