/**
 * The numbers that tests and their programs in PyTorch begin with: the same from both languages.
 *
 * @module
 */
import { constant } from "../src/tensor/create.ts";
import type { Tensor } from "../src/ir/tensor.ts";

/** Makes a tensor: element k in row-major order is `centre + height * sin(0.7 k + bend k^2 + phase)`. */
export type Waves = (
  shape: readonly number[],
  phase: number,
  centre?: number,
  height?: number,
) => Tensor;

/**
 * What the programs call `wave`.
 *
 * @param usual The height unless told.
 * @param bend How much faster it becomes; 0.01 unless told.
 */
export function waves(usual: number, bend = 0.01): Waves {
  return (shape, phase, centre = 0, height = usual) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const values = Array.from(
      { length },
      (_, k) => centre + height * Math.sin(0.7 * k + bend * k * k + phase),
    );
    return constant(values, { shape });
  };
}
