/**
 * Layers of TensorFlow.js in functions of this library.
 *
 * @module
 */
import { sizeOf } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import { tensorOf } from "../nn/layer.ts";
import { batchNorm, dropout, type Layer, statelessLayer } from "../nn/mod.ts";
import * as tensor from "../tensor/mod.ts";

/** What is known of a layer: its configuration as TensorFlow.js writes it. */
export interface LayerConfig {
  /** Settings by name. */
  readonly [name: string]: unknown;
}

/** A layer of several inputs. */
export type Merge = (inputs: readonly Tensor[]) => Tensor;

/** A layer in this library's terms. */
export interface Kind {
  /** Names of the layer's weights, in TensorFlow.js's order; those of its state begin with `state.`. */
  readonly weights: readonly string[];
  /** The function of the layer; parameters and state have the names of `weights`. */
  readonly layer: Layer | { readonly merge: Merge };
}

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu: tensor.relu,
  relu6: (x) => tensor.clip(x, { low: 0, high: 6 }),
  elu: (x) => tensor.elu(x),
  gelu: (x) => tensor.gelu(x),
  gelu_new: (x) => tensor.gelu(x, { approximate: true }),
  mish: (x) => tensor.mul(x, tensor.tanh(tensor.softplus(x))),
  sigmoid: tensor.sigmoid,
  softmax: (x) => tensor.softmax(x, { axes: -1 }),
  logSoftmax: (x) => tensor.logSoftmax(x, { axes: -1 }),
  softplus: tensor.softplus,
  swish: tensor.silu,
  tanh: tensor.tanh,
};

/** Throws what the caller wraps into a message that names the layer. */
function cannot(found: string): never {
  throw new TypeError(found);
}

function activation(config: LayerConfig): (x: Tensor) => Tensor {
  const name = String(config["activation"] ?? "linear");
  return activations[name] ?? cannot(`its activation is '${name}'`);
}

/** Throws unless the settings have the given values; one that is absent is as it should be. */
function expect(config: LayerConfig, wanted: LayerConfig): void {
  for (const [name, value] of Object.entries(wanted)) {
    const found = JSON.stringify(config[name] ?? value);
    if (found !== JSON.stringify(value)) cannot(`its ${name} is ${found}`);
  }
}

function affine(
  config: LayerConfig,
  product: (x: Tensor, kernel: Tensor) => Tensor,
): Kind {
  const act = activation(config);
  const biased = config["useBias"] !== false;
  return {
    weights: biased ? ["kernel", "bias"] : ["kernel"],
    layer: {
      init: () => ({ params: {}, state: {} }),
      apply: (params, state, x) => {
        const linear = product(x, tensorOf(params, "kernel"));
        const output = act(biased ? tensor.add(linear, tensorOf(params, "bias")) : linear);
        return { output, state };
      },
    },
  };
}

function pure(fn: (x: Tensor) => Tensor): Kind {
  return { weights: [], layer: statelessLayer(fn) };
}

function merging(merge: Merge): Kind {
  return { weights: [], layer: { merge } };
}

/** Pooling in windows that do not overlap: the only one that this library has. */
function pooling(
  config: LayerConfig,
  pool: (x: Tensor, options: tensor.PoolOptions) => Tensor,
): Kind {
  const [size, stride] = [
    config["poolSize"],
    config["strides"] ?? config["poolSize"],
  ] as number[][];
  expect(config, { dataFormat: "channelsLast" });
  const window = size![0]!;
  if (size![1] !== window || stride!.some((step) => step !== window)) {
    cannot(`its windows are [${size}] in steps of [${stride}], expected squares side by side`);
  }
  const same = config["padding"] === "same";
  return pure((x) => {
    if (same && (x.shape[1]! % window !== 0 || x.shape[2]! % window !== 0)) {
      cannot(`its windows of ${window} do not divide images of ${x.shape[1]} by ${x.shape[2]}`);
    }
    return pool(x, { window });
  });
}

function normalization(config: LayerConfig): Kind {
  const axis = [config["axis"]].flat()[0];
  if (axis !== -1 && axis !== 3) cannot(`its axis is ${axis}, expected the last one`);
  const [scaled, centred] = [config["scale"] !== false, config["center"] !== false];
  const normal = (features: number): Layer =>
    batchNorm({
      features,
      epsilon: config["epsilon"] as number,
      momentum: 1 - (config["momentum"] as number),
    });
  return {
    weights: [
      ...scaled ? ["gamma"] : [],
      ...centred ? ["beta"] : [],
      "state.mean",
      "state.variance",
    ],
    layer: {
      init: () => ({ params: {}, state: {} }),
      apply: (params, state, x, options) => {
        const features = x.shape.at(-1)!;
        const whole = { gamma: tensor.ones([features]), beta: tensor.zeros([features]), ...params };
        return normal(features).apply(whole, state, x, options);
      },
    },
  };
}

/** What is done for each class of layers, from its configuration. */
export const kinds: Readonly<Record<string, (config: LayerConfig) => Kind>> = {
  Conv2D: (config) => {
    expect(config, { dataFormat: "channelsLast", dilationRate: [1, 1], groups: 1 });
    const [padding, stride] = [config["padding"], config["strides"]];
    const options = { padding, stride } as tensor.Conv2dOptions;
    return affine(config, (x, kernel) => tensor.conv2d(x, kernel, options));
  },
  Dense: (config) => affine(config, (x, kernel) => tensor.matmul(x, kernel)),
  BatchNormalization: normalization,
  MaxPooling2D: (config) => pooling(config, tensor.maxPool2d),
  AveragePooling2D: (config) => pooling(config, tensor.avgPool2d),
  GlobalAveragePooling2D: () => pure((x) => tensor.mean(x, { axes: [1, 2] })),
  GlobalMaxPooling2D: () => pure((x) => tensor.max(x, { axes: [1, 2] })),
  Flatten: () => pure((x) => tensor.reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))])),
  Reshape: ({ targetShape }) =>
    pure((x) => {
      // One extent may be left to be found.
      const shape = targetShape as readonly (number | null)[];
      const isKnown = (extent: number | null): extent is number => extent !== null && extent >= 0;
      const rest = sizeOf(x.shape.slice(1)) /
        shape.filter(isKnown).reduce((product, extent) => product * extent, 1);
      return tensor.reshape(x, [
        x.shape[0]!,
        ...shape.map((extent) => isKnown(extent) ? extent : rest),
      ]);
    }),
  ZeroPadding2D: ({ padding }) =>
    pure((x) => {
      const [high, wide] = padding as [[number, number], [number, number]];
      return tensor.pad(x, [[0, 0], high, wide, [0, 0]]);
    }),
  Activation: (config) => pure(activation(config)),
  ReLU: ({ maxValue }) =>
    pure((x) =>
      maxValue == null ? tensor.relu(x) : tensor.clip(x, { low: 0, high: maxValue as number })
    ),
  LeakyReLU: ({ alpha }) => pure((x) => tensor.leakyRelu(x, { slope: (alpha ?? 0.3) as number })),
  ELU: ({ alpha }) => pure((x) => tensor.elu(x, { alpha: (alpha ?? 1) as number })),
  Softmax: ({ axis }) => pure((x) => tensor.softmax(x, { axes: (axis ?? -1) as number })),
  Dropout: ({ rate }) => ({ weights: [], layer: dropout({ rate: rate as number }) }),
  Add: () => merging((inputs) => inputs.reduce((sum, x) => tensor.add(sum, x))),
  Multiply: () => merging((inputs) => inputs.reduce((product, x) => tensor.mul(product, x))),
  Average: () =>
    merging((inputs) => tensor.div(inputs.reduce((sum, x) => tensor.add(sum, x)), inputs.length)),
  Maximum: () => merging((inputs) => inputs.reduce((most, x) => tensor.maximum(most, x))),
  Concatenate: ({ axis }) =>
    merging((inputs) => tensor.concat(inputs, { axis: (axis ?? -1) as number })),
};
