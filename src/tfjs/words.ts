/**
 * Words of 32 bits, which TensorFlow.js does not have, on the host: bytes of images and random bits are unpacked
 * from them.
 *
 * @module
 */
import { sizeOf, stridesOf } from "../ir/aval.ts";
import type { NdArray } from "../ir/nd_array.ts";
import type { Node } from "../ir/tensor.ts";
import type { BroadcastParams } from "../ops/broadcast.ts";
import type { ConvertParams } from "../ops/convert.ts";
import { mergeAxes } from "./axes.ts";
import { type Held, heldTensor, type HeldWords, wholeWords } from "./held.ts";
import type { Tf } from "./load.ts";

/** Computes a result from words, or `undefined` where it cannot. */
type WordImplementation = (tf: Tf, node: Node, operands: readonly HeldWords[]) => Held | undefined;

function heldWords(node: Node, array: NdArray): Held {
  const { shape, dtype } = node.outputs[0]!;
  return { kind: "host", aval: { shape, dtype }, array };
}

/** An operation on the bits of two words; repetition stays repetition where both repeat. */
function binary(compute: (a: number, b: number) => number): WordImplementation {
  return (_, node, operands) => {
    const [a, b] = operands.map(({ array }) => array) as [NdArray, NdArray];
    const { merged: [aShape, bShape] } = mergeAxes([a.shape, b.shape]);
    const shape = aShape!.map((extent, axis) => Math.max(extent, bShape![axis]!));
    const steps = (own: readonly number[]): number[] => {
      const strides = stridesOf(own);
      return own.map((extent, axis) => extent === 1 ? 0 : strides[axis]!);
    };
    const [aSteps, bSteps] = [steps(aShape!), steps(bShape!)];
    const data = new Uint32Array(sizeOf(shape));
    const inner = shape.length - 1;
    const [length, aStep, bStep] = [shape[inner] ?? 1, aSteps[inner] ?? 0, bSteps[inner] ?? 0];
    for (let to = 0; to < data.length; to += length) {
      let [aFrom, bFrom, rest] = [0, 0, to / length];
      for (let axis = inner - 1; axis >= 0; axis--) {
        const at = rest % shape[axis]!;
        rest = (rest - at) / shape[axis]!;
        aFrom += at * aSteps[axis]!;
        bFrom += at * bSteps[axis]!;
      }
      for (let k = 0; k < length; k++) {
        data[to + k] = compute(a.data[aFrom + k * aStep]!, b.data[bFrom + k * bStep]!);
      }
    }
    const common = a.shape.map((extent, axis) => Math.max(extent, b.shape[axis]!));
    return heldWords(node, { shape: common, dtype: "u32", data });
  };
}

/** Primitives on words, by name; all others are evaluated by the reference. */
const implementations: Readonly<Record<string, WordImplementation>> = {
  and: binary((a, b) => a & b),
  or: binary((a, b) => a | b),
  xor: binary((a, b) => a ^ b),
  shift_left: binary((a, b) => a << b),
  shift_right: binary((a, b) => a >>> b),
  broadcast: (_, node, [words]) => {
    const { shape, axes } = node.params as BroadcastParams;
    const { data, shape: own } = words!.array;
    const spread = shape.map((_, axis) => axes.includes(axis) ? own[axes.indexOf(axis)]! : 1);
    return heldWords(node, { shape: spread, dtype: "u32", data });
  },
  reshape: (_, node, [words]) => {
    const { data, dtype } = wholeWords(words!);
    return heldWords(node, { shape: node.outputs[0]!.shape, dtype, data });
  },
  convert: (tf, node, [words]) => {
    const { dtype } = node.params as ConvertParams;
    if (dtype !== "f32") return undefined;
    const { shape, data } = words!.array;
    return heldTensor(tf.tensor(Float32Array.from(data), [...shape], "float32"), node.outputs[0]!);
  },
};

/**
 * The result of a primitive on words.
 *
 * @param tf The module.
 * @param node The application.
 * @param operands Its operands.
 * @returns The result; `undefined` if an operand is none of words, or nothing is known of the primitive here.
 */
export function computeWords(tf: Tf, node: Node, operands: readonly Held[]): Held[] | undefined {
  const run = implementations[node.primitive.name];
  const words = operands.filter((held) => held.kind === "host");
  if (!run || words.length < operands.length || words.length === 0) return undefined;
  if (node.outputs.some(({ shape }) => sizeOf(shape) === 0)) return undefined;
  const result = run(tf, node, words);
  return result && [result];
}
