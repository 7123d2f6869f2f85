/** Counter-based random bits. @module */
import { type Shape, sizeOf } from "../ir/aval.ts";
import { constantIndex, flattenIndex } from "../ir/index_expression.ts";
import { zerosNd } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";

/** Parameters of {@linkcode randomBitsP}. */
export interface RandomBitsParams {
  /** Shape of the bits of one key. */
  readonly shape: Shape;
}

/**
 * Random bits of keys `u32[batch..., 2]`: `u32[batch..., shape...]`, where element `i` of a key is
 * the first word of Threefry-2x32-20 at counter `(i, 0)`.
 *
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
export const randomBitsP: Primitive<RandomBitsParams> = /* @__PURE__ */ definePrimitive<
  RandomBitsParams
>({
  name: "random_bits",
  aval: ({ shape }, [key]) => {
    if (key!.dtype !== "u32" || key!.shape.at(-1) !== 2) {
      throw new TypeError("expected a key u32[batch..., 2].");
    }
    return { shape: [...key!.shape.slice(0, -1), ...shape], dtype: "u32" };
  },
  evaluate: ({ shape }, [key], output) => {
    const result = zerosNd(output.shape, "u32");
    const size = sizeOf(shape);
    for (let i = 0; i < result.data.length; i++) {
      const at = Math.floor(i / size) * 2;
      result.data[i] = threefry(key!.data[at]!, key!.data[at + 1]!, i % size)[0];
    }
    return result;
  },
  jvp: "constant",
  transpose: "not linear",
  vmap: ({ params: { shape } }, [key]) => randomBits(key!.tensor, shape),
  lower: {
    kind: "pointwise",
    cost: 120,
    elementwise: false,
    emit: (emitter, { params: { shape }, inputs: [key] }, index) => {
      const batch = index.slice(0, key!.rank - 1);
      const type = emitter.type("u32");
      const name = type === "u32" ? "threefry_scalar" : "threefry_vector";
      emitter.helper(name, threefryWgsl(name, type));
      const counter = emitter.integer(flattenIndex(index.slice(key!.rank - 1), shape), "u32");
      const words = [0, 1].map((word) => emitter.read(0, [...batch, constantIndex(word)]));
      return `${name}(${words[0]}, ${words[1]}, ${counter})`;
    },
  },
});

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
const PARITY = 0x1bd11bda;

/** Threefry-2x32-20 of key `(k0, k1)` at counter `(counter, 0)`: two words. */
export function threefry(k0: number, k1: number, counter: number): [number, number] {
  const keys = [k0 >>> 0, k1 >>> 0, (PARITY ^ k0 ^ k1) >>> 0];
  let x0 = (counter + keys[0]!) >>> 0;
  let x1 = keys[1]!;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8]!;
    x0 = (x0 + x1) >>> 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    if (round % 4 === 3) {
      const group = (round + 1) / 4;
      x0 = (x0 + keys[group % 3]!) >>> 0;
      x1 = (x1 + keys[(group + 1) % 3]! + group) >>> 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

function threefryWgsl(name: string, type: string): string {
  const lines = [
    `fn ${name}(k0: ${type}, k1: ${type}, counter: ${type}) -> ${type} {`,
    `  let k2 = k0 ^ k1 ^ ${type}(${PARITY}u);`,
    `  var x0 = counter + k0;`,
    `  var x1 = k1;`,
  ];
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round % 8]!;
    lines.push(
      `  x0 += x1;`,
      `  x1 = ((x1 << ${type}(${rotation}u)) | (x1 >> ${type}(${32 - rotation}u))) ^ x0;`,
    );
    if (round % 4 === 3) {
      const group = (round + 1) / 4;
      lines.push(`  x0 += k${group % 3};`, `  x1 += k${(group + 1) % 3} + ${type}(${group}u);`);
    }
  }
  lines.push("  return x0;", "}");
  return lines.join("\n");
}

/** Random bits of the given shape for every key of `key` (`u32[batch..., 2]`). */
export function randomBits(key: Tensor, shape: Shape): Tensor {
  return apply(randomBitsP, { shape }, [key]);
}
