/**
 * Models of TensorFlow.js as layers of this library.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { type HostArray, hostArray } from "../ir/host_array.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { ApplyOptions, Layer, Params } from "../nn/mod.ts";
import { foldIn } from "../random/mod.ts";
import { constant } from "../tensor/mod.ts";
import type { TfLayersModel } from "../tfjs/load.ts";
import { type Kind, kinds, type LayerConfig } from "./layer_kinds.ts";

/** Weights on the host: nested plain objects around arrays. */
export interface HostParams {
  /** An array, or the weights of a part. */
  readonly [name: string]: HostArray | HostParams;
}

/** A model of TensorFlow.js as a layer, with the weights that it had. */
export interface ModelLayer extends Layer {
  /** The weights that are learned, under the names of the layers. */
  readonly params: HostParams;
  /** Moving statistics of batch normalization, under the names of the layers. */
  readonly state: HostParams;
}

type ModelPart = TfLayersModel["layers"][number];

/** One layer of a model, with the names of the layers that it reads. */
interface Part {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly layer: Kind["layer"];
}

/** The name under which the input of a model goes. */
const INPUT = "";

/**
 * Makes a layer of this library from a model of TensorFlow.js: computed by this library's own functions,
 * on every engine, with derivatives of every order, and with the model's weights as a start.
 *
 * The model has one input and one output, and layers that this library has: convolution, dense, batch
 * normalization, pooling side by side, global pooling, activations, dropout, flatten, reshape, zero
 * padding, and sums, products, means, maxima and concatenations of branches; models inside of models too.
 * In training, batch normalization takes the batch's own statistics, as TensorFlow.js does. The weights
 * are copied: training changes nothing in the model.
 *
 * As a frozen extractor of features a model can stay whole, whatever its layers are:
 * `tfOp((x) => model.predict(x), { name: "features", tf })`.
 *
 * @param model A sequential or functional model, such as `tf.loadLayersModel` gives.
 * @returns A layer from the model's input, with a batch axis, to its output; `init` returns the model's
 *   weights whatever the key.
 * @throws {TypeError} If the model has several inputs or outputs, or a layer or setting that this library
 *   lacks; names it, and the way out.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hostArray, openEngine, type Params, type Tensor } from "@mutasesumele/toolkit";
 * import { fromLayersModel, loadTfjs } from "@mutasesumele/toolkit/tfjs";
 *
 * const tf = await loadTfjs("cpu");
 * const model = tf.sequential({
 *   layers: [tf.layers.dense({ units: 2, inputShape: [3], activation: "relu", name: "hidden" })],
 * });
 * const layer = await fromLayersModel(model);
 * assertEquals(Object.keys(layer.params), ["hidden"]);
 * const engine = await openEngine("reference");
 * const apply = engine.jit((params: Params, x: Tensor) =>
 *   layer.apply(params, {}, x, { training: false }).output
 * );
 * const output = await apply(engine.put(layer.params) as never, hostArray([1, 2, 3], [1, 3]));
 * assertEquals(output.shape, [1, 2]);
 * engine.close();
 * ```
 */
export async function fromLayersModel(model: TfLayersModel): Promise<ModelLayer> {
  requireArguments("fromLayersModel", { model }, {
    model: is.objectWith({ layers: is.list, getClassName: is.callback }, "a LayersModel"),
  });
  if (model.inputs?.length !== 1 || model.outputs?.length !== 1) {
    throw new TypeError(
      `Cannot use the model '${model.name}': found ${model.inputs?.length ?? "no"} inputs and ${
        model.outputs?.length ?? "no"
      } outputs, expected one of each. Use it as a function of TensorFlow.js, with tfOp().`,
    );
  }
  const params: Record<string, HostParams> = {};
  const state: Record<string, HostParams> = {};
  const parts: Part[] = [];
  const isChain = model.getClassName() === "Sequential";
  let previous = INPUT;
  for (const part of model.layers) {
    if (part.getClassName() === "InputLayer") continue;
    const inputs = isChain ? [previous] : inputsOf(part, model);
    previous = part.name;
    const converted = await convert(part);
    parts.push({ name: part.name, inputs, layer: converted.layer });
    if (Object.keys(converted.params).length > 0) params[part.name] = converted.params;
    if (Object.keys(converted.state).length > 0) state[part.name] = converted.state;
  }
  const output = isChain ? previous : model.outputs[0]!.sourceLayer.name;
  return {
    params,
    state,
    init: () => ({ params: constants(params), state: constants(state) }),
    apply: (given, before, x, options) => {
      const after: Record<string, Params[string]> = { ...before };
      const values = new Map<string, Tensor>([[INPUT, x]]);
      parts.forEach(({ name, inputs, layer }, k) => {
        const operands = inputs.map((input) => values.get(input)!);
        if ("merge" in layer) {
          values.set(name, layer.merge(operands));
          return;
        }
        const [own, state] = [given[name] ?? {}, before[name] ?? {}] as [Params, Params];
        const applied = layer.apply(own, state, operands[0]!, withKey(options, k));
        values.set(name, applied.output);
        if (before[name] !== undefined) after[name] = applied.state;
      });
      return { output: values.get(output)!, state: after };
    },
  };
}

function withKey({ training, key }: ApplyOptions, part: number): ApplyOptions {
  return key ? { training, key: foldIn(key, part) } : { training };
}

/** One layer in this library's terms, with its weights. */
async function convert(
  part: ModelPart,
): Promise<{ layer: Kind["layer"]; params: HostParams; state: HostParams }> {
  const name = part.getClassName();
  if ("layers" in part) {
    const inner = await fromLayersModel(part as unknown as TfLayersModel);
    return { layer: inner, params: inner.params, state: inner.state };
  }
  const kind = kindOf(part, name);
  const params: Record<string, HostArray> = {};
  const state: Record<string, HostArray> = {};
  const weights = part.getWeights();
  for (const [k, weight] of kind.weights.entries()) {
    const array = hostArray(Float32Array.from(await weights[k]!.data()), weights[k]!.shape);
    if (weight.startsWith("state.")) state[weight.slice("state.".length)] = array;
    else params[weight] = array;
  }
  return { layer: kind.layer, params, state };
}

function kindOf(part: ModelPart, name: string): Kind {
  const way = "Use the model as a function of TensorFlow.js, with tfOp((x) => model.predict(x), " +
    "{ name, tf }), or cut it before this layer.";
  if (!Object.hasOwn(kinds, name)) {
    throw new TypeError(
      `Cannot use the layer '${part.name}': it is a ${name}, expected one of ${
        Object.keys(kinds).join(", ")
      }. ${way}`,
    );
  }
  try {
    return kinds[name]!(part.getConfig() as LayerConfig);
  } catch (error) {
    throw new TypeError(
      `Cannot use the layer '${part.name}', a ${name}: ${(error as Error).message}. ${way}`,
      { cause: error },
    );
  }
}

/** Names of the layers whose results a layer of a functional model reads. */
function inputsOf(part: ModelPart, model: TfLayersModel): string[] {
  const names = new Set(model.layers.map(({ name }) => name));
  const start = model.inputs[0]!.sourceLayer.name;
  const calls = part.inboundNodes.filter(({ inboundLayers }) =>
    inboundLayers.length > 0 && inboundLayers.every(({ name }) => names.has(name))
  );
  if (calls.length !== 1) {
    throw new TypeError(
      `Cannot use the layer '${part.name}': the model '${model.name}' uses it ${calls.length} times, ` +
        `expected once. Use the model as a function of TensorFlow.js, with tfOp().`,
    );
  }
  return calls[0]!.inboundLayers.map(({ name }) => name === start ? INPUT : name);
}

/** Weights as constants of a program. */
function constants(weights: HostParams): Params {
  return Object.fromEntries(
    Object.entries(weights).map(([name, inner]) => [
      name,
      isArray(inner) ? constant(inner.data, { shape: inner.shape }) : constants(inner),
    ]),
  );
}

function isArray(weights: HostArray | HostParams): weights is HostArray {
  return ArrayBuffer.isView(weights["data"]);
}
