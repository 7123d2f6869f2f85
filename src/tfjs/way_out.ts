/**
 * What to do where TensorFlow.js cannot.
 *
 * @module
 */
import type { Tf } from "./load.ts";

/** Operations of TensorFlow.js for which this library has a function with derivatives of every order. */
const OURS: Readonly<Record<string, string>> = {
  AvgPool: "avgPool2d",
  AvgPoolGrad: "avgPool2d",
  BatchMatMul: "matmul",
  Conv2D: "conv2d",
  Conv2DBackpropFilter: "conv2d",
  Conv2DBackpropInput: "conv2d",
  Einsum: "einsum",
  FusedConv2D: "conv2d",
  GatherV2: "takeRows",
  MaxPool: "maxPool2d",
  MaxPoolGrad: "maxPool2d",
  Softmax: "softmax",
  _FusedMatMul: "matmul",
};

/**
 * Says which operation TensorFlow.js lacks, and the nearest way out.
 *
 * @param tf The module.
 * @param message What TensorFlow.js said.
 * @returns One or two sentences.
 */
export function wayOut(tf: Tf, message: string): string {
  const [, missing, backend] =
    /Kernel '(\w+)' not registered for backend '([^']+)'/.exec(message) ??
      [];
  const [, underived] = /gradient function not found for (\w+)/.exec(message) ?? [];
  const operation = missing ?? underived;
  const ours = operation === undefined ? undefined : OURS[operation];
  const options: string[] = [];
  if (ours !== undefined) {
    options.push(`use ${ours}() of this library, which has derivatives of every order`);
  }
  if (missing !== undefined) {
    const elsewhere = ["webgpu", "wasm", "cpu"].filter((name) =>
      name !== backend && tf.getKernel(missing, name)
    );
    if (elsewhere.length > 0) {
      options.push(`run this program on another backend, which has it: ${elsewhere.join(", ")}`);
    }
  }
  if (ours === undefined) options.push("write the function with primitives of this library");
  if (underived !== undefined) options.push("use it where no further derivative is taken");
  const sentence = options.join("; or ");
  return `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`;
}
