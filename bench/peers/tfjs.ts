/**
 * TensorFlow.js on its WebGPU backend. Only the first-order meta-gradient is possible: it has no
 * derivative of the gradients of convolution and max-pooling.
 *
 * Its programs are eager; batch normalization and softmax cross-entropy are its own fused ones.
 *
 * @module
 */
import type * as tensorflow from "@tensorflow/tfjs";
import { summarizeAdapter } from "../../src/gpu/device.ts";
import type { Conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Order, Peer, WorkloadName } from "./peer.ts";

const RATE = 0.01;

type Tensor = tensorflow.Tensor;

/** Opens it. */
export async function open(
  { arrays, names, size }: Conv4Workload,
  _name: WorkloadName,
  order: Order,
): Promise<Peer> {
  if (order === "exact") {
    throw new Error("impossible: no derivative of Conv2DBackpropFilter and MaxPoolGrad");
  }
  // The WebGPU backend registers itself only where there is a window.
  Object.defineProperty(globalThis, "window", { value: globalThis, configurable: true });
  const tf = await import("@tensorflow/tfjs");
  await import("@tensorflow/tfjs-backend-webgpu");
  if (!await tf.setBackend("webgpu")) throw new Error("the WebGPU backend does not start");
  await tf.ready();
  const adapter = await navigator.gpu.requestAdapter();

  const count = names.length;
  const put = (k: number): Tensor => {
    const { shape, dtype, data } = arrays[k]!;
    const values = dtype === "i32" ? Int32Array.from(data) : Float32Array.from(data);
    return tf.tensor(values, [...shape], dtype === "i32" ? "int32" : "float32");
  };
  const initial = names.map((_, k) => put(k));
  const [queryImages, queryLabels, supportImages, supportLabels] = [0, 1, 2, 3].map((k) =>
    put(count + k).unstack(0)
  );
  const at = (name: string): number => names.indexOf(name);

  const logits = (params: readonly Tensor[], images: Tensor): Tensor => {
    let x = images as tensorflow.Tensor4D;
    for (const layer of [1, 2, 3, 4]) {
      const [filters, gamma, beta] = [`conv${layer}.w`, `bn${layer}.gamma`, `bn${layer}.beta`]
        .map((name) => params[at(name)]!);
      const y = tf.conv2d(x, filters as tensorflow.Tensor4D, 1, "same");
      const { mean, variance } = tf.moments(y, [0, 1, 2]);
      const normal = tf.batchNorm(
        y,
        mean as tensorflow.Tensor1D,
        variance as tensorflow.Tensor1D,
        beta as tensorflow.Tensor1D,
        gamma as tensorflow.Tensor1D,
        1e-5,
      );
      x = tf.maxPool(tf.relu(normal) as tensorflow.Tensor4D, 2, 2, "valid");
    }
    const features = tf.transpose(x, [0, 3, 1, 2]).reshape([x.shape[0], 4 * size.filters]);
    return tf.add(tf.matMul(features, params[at("lin.w")]!), params[at("lin.b")]!);
  };
  const gradients = (params: Tensor[], images: Tensor, labels: Tensor) =>
    tf.valueAndGrads((...given) => {
      const target = tf.oneHot(labels, size.way);
      return tf.losses.softmaxCrossEntropy(target, logits(given as Tensor[], images)).asScalar();
    })(params);

  const metaGradient = (): Tensor[] =>
    tf.tidy(() => {
      let sums: Tensor[] = [];
      for (let task = 0; task < size.tasks; task++) {
        let params = initial;
        for (let step = 0; step < size.innerSteps; step++) {
          const { grads } = gradients(params, supportImages![task]!, supportLabels![task]!);
          params = params.map((param, k) => tf.sub(param, tf.mul(grads[k]!, RATE)));
        }
        const { value, grads } = gradients(params, queryImages![task]!, queryLabels![task]!);
        const found = [...grads, value];
        sums = task === 0 ? found : sums.map((sum, k) => tf.add(sum, found[k]!));
      }
      return sums.map((sum) => tf.div(sum, size.tasks));
    });

  let last: Tensor[] = [];
  return {
    version: tf.version.tfjs,
    adapter: adapter ? summarizeAdapter(adapter.info).label : "none",
    async run(times) {
      for (let k = 0; k < times; k++) {
        tf.dispose(last);
        last = metaGradient();
      }
      await last.at(-1)!.data();
    },
    results: () => Promise.all(last.map((tensor) => tensor.data())),
  };
}
