/**
 * Words of 32 bits, which TensorFlow.js does not have, on the host: bytes of images and random bits are unpacked
 * from them.
 *
 * @module
 */
import { type Shape, sizeOf, stridesOf } from "../ir/aval.ts";
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

/** Some words of an array: from one place on, at equal distances. */
interface Run {
  readonly data: NdArray["data"];
  at: number;
  readonly step: number;
}

/** Computes `count` words from two runs of them. */
type RunOperation = (count: number, to: Run, a: Run, b: Run) => void;

/** An operation on the bits of two words; repetition stays repetition where both repeat. */
function binary(compute: RunOperation): WordImplementation {
  return (_, node, operands) => {
    const arrays = operands.map(({ array }) => array);
    const { merged } = mergeAxes(arrays.map(({ shape }) => shape));
    const shape = extents(merged);
    const target = new Uint32Array(sizeOf(shape));
    const strides = [shape, ...merged].map((own) =>
      stridesOf(own).map((stride, axis) => own[axis] === 1 ? 0 : stride)
    );
    // Along the longest axis by the operation itself, along the others from one such run to the next.
    const count = Math.max(1, ...shape);
    const long = shape.indexOf(count);
    const [to, a, b] = [target, ...arrays.map(({ data }) => data)].map((data, k): Run => (
      { data, at: 0, step: strides[k]![long] ?? 0 }
    ));
    const counter = new Array<number>(shape.length).fill(0);
    for (let run = 0; run < target.length / count; run++) {
      compute(count, to!, a!, b!);
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (axis === long) continue;
        const turns = ++counter[axis]! < shape[axis]! ? 1 : 1 - counter[axis]!;
        [to!, a!, b!].forEach((of, k) => of.at += turns * strides[k]![axis]!);
        if (turns === 1) break;
        counter[axis] = 0;
      }
    }
    const common = extents(arrays.map((of) => of.shape));
    return heldWords(node, { shape: common, dtype: "u32", data: target });
  };
}

// Each operation has a loop of its own: one loop that calls them all is several times slower.
const and = binary((count, to, a, b) => {
  for (let k = 0; k < count; k++) {
    to.data[to.at + k * to.step] = a.data[a.at + k * a.step]! & b.data[b.at + k * b.step]!;
  }
});

const or = binary((count, to, a, b) => {
  for (let k = 0; k < count; k++) {
    to.data[to.at + k * to.step] = a.data[a.at + k * a.step]! | b.data[b.at + k * b.step]!;
  }
});

const xor = binary((count, to, a, b) => {
  for (let k = 0; k < count; k++) {
    to.data[to.at + k * to.step] = a.data[a.at + k * a.step]! ^ b.data[b.at + k * b.step]!;
  }
});

const shiftLeft = binary((count, to, a, b) => {
  for (let k = 0; k < count; k++) {
    to.data[to.at + k * to.step] = a.data[a.at + k * a.step]! << b.data[b.at + k * b.step]!;
  }
});

const shiftRight = binary((count, to, a, b) => {
  for (let k = 0; k < count; k++) {
    to.data[to.at + k * to.step] = a.data[a.at + k * a.step]! >>> b.data[b.at + k * b.step]!;
  }
});

/** Extents of what arrays have in common that may repeat. */
function extents(shapes: readonly Shape[]): number[] {
  return shapes[0]!.map((_, axis) => Math.max(...shapes.map((shape) => shape[axis]!)));
}

/** Primitives on words, by name; all others are evaluated by the reference. */
const implementations: Readonly<Record<string, WordImplementation>> = {
  and,
  or,
  xor,
  shift_left: shiftLeft,
  shift_right: shiftRight,
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
    const floats = new Float32Array(data.length);
    // Several times faster than what makes arrays of arrays.
    for (let k = 0; k < floats.length; k++) floats[k] = data[k]!;
    return heldTensor(tf.tensor(floats, [...shape], "float32"), node.outputs[0]!);
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
