/**
 * What the operations that have several kernels mean, in float64: by this kernels are judged.
 *
 * @module
 */
import { correlation } from "../ops/variants/correlation.ts";
import type { CorrelationShape } from "../ops/variants/correlation_shape.ts";
import { filterGradient } from "../ops/variants/filter_gradient.ts";
import { type FilterGradientShape, filterSize } from "../ops/variants/filter_gradient_shape.ts";
import type { KernelOperation, KernelShape } from "../ops/variants/kernel_variant.ts";
import { product } from "../ops/variants/product.ts";
import type { ProductShape } from "../ops/variants/product_shape.ts";

/** The operands of an operation, and single elements of its result. */
export interface KernelReference<S extends KernelShape = KernelShape> {
  /** Elements of the operands. */
  operands(shape: S): readonly [number, number];
  /** Floating-point operations (a multiply-add counts 2). */
  flops(shape: S): number;
  /** One element of the result, straight from the definition. */
  element(shape: S, operands: readonly [ArrayLike<number>, ArrayLike<number>], at: number): number;
}

const convolutions: KernelReference<CorrelationShape> = {
  operands: (s) => [
    4 * s.batch * s.images * s.height * s.width * s.in4,
    16 * s.batch * s.kernelHeight * s.kernelWidth * s.in4 * s.out4,
  ],
  flops: (s) =>
    32 * s.batch * s.images * s.outHeight * s.outWidth * s.out4 * s.in4 * s.kernelHeight *
    s.kernelWidth,
  element: convolved,
};

const filterGradients: KernelReference<FilterGradientShape> = {
  operands: (s) => [
    4 * s.batch * s.images * s.height * s.width * s.in4,
    4 * s.batch * s.images * s.outHeight * s.outWidth * s.out4,
  ],
  flops: (s) => 2 * filterSize(s) * s.images * s.outHeight * s.outWidth,
  element: correlated,
};

const products: KernelReference<ProductShape> = {
  operands: ({ batch, rows, inner, columns }) => [batch * rows * inner, batch * inner * columns],
  flops: ({ batch, rows, inner, columns }) => 2 * batch * rows * columns * inner,
  element: multiplied,
};

const REFERENCES: Readonly<Record<string, KernelReference>> = {
  [correlation.name]: convolutions,
  [filterGradient.name]: filterGradients,
  [product.name]: products,
};

/** What an operation means. */
export function referenceOf({ name }: KernelOperation): KernelReference {
  return REFERENCES[name]!;
}

function convolved(
  s: CorrelationShape,
  [x, w]: readonly [ArrayLike<number>, ArrayLike<number>],
  at: number,
): number {
  const [ins, outs] = [4 * s.in4, 4 * s.out4];
  const o = at % outs;
  const ox = Math.floor(at / outs) % s.outWidth;
  const oy = Math.floor(at / (outs * s.outWidth)) % s.outHeight;
  const image = Math.floor(at / (outs * s.outWidth * s.outHeight));
  const b = Math.floor(image / s.images);
  const taps = s.kernelHeight * s.kernelWidth;
  let sum = 0;
  for (let tap = 0; tap < taps; tap++) {
    const iy = oy * s.strideY + Math.floor(tap / s.kernelWidth) - s.padTop;
    const ix = ox * s.strideX + tap % s.kernelWidth - s.padLeft;
    if (iy < 0 || iy >= s.height || ix < 0 || ix >= s.width) continue;
    const pixel = ((image * s.height + iy) * s.width + ix) * ins;
    for (let c = 0; c < ins; c++) {
      const weight = s.transposed
        ? ((b * taps + taps - 1 - tap) * outs + o) * ins + c
        : ((b * taps + tap) * ins + c) * outs + o;
      sum += x[pixel + c]! * w[weight]!;
    }
  }
  return sum;
}

function correlated(
  s: FilterGradientShape,
  [x, dy]: readonly [ArrayLike<number>, ArrayLike<number>],
  at: number,
): number {
  const [ins, outs] = [4 * s.in4, 4 * s.out4];
  const o = at % outs;
  const c = Math.floor(at / outs) % ins;
  const v = Math.floor(at / (outs * ins)) % s.kernelWidth;
  const u = Math.floor(at / (outs * ins * s.kernelWidth)) % s.kernelHeight;
  const b = Math.floor(at / (outs * ins * s.kernelWidth * s.kernelHeight));
  let sum = 0;
  for (let image = b * s.images; image < (b + 1) * s.images; image++) {
    for (let oy = 0; oy < s.outHeight; oy++) {
      const iy = oy * s.strideY + u - s.padTop;
      if (iy < 0 || iy >= s.height) continue;
      for (let ox = 0; ox < s.outWidth; ox++) {
        const ix = ox * s.strideX + v - s.padLeft;
        if (ix < 0 || ix >= s.width) continue;
        sum += x[((image * s.height + iy) * s.width + ix) * ins + c]! *
          dy[((image * s.outHeight + oy) * s.outWidth + ox) * outs + o]!;
      }
    }
  }
  return sum;
}

function multiplied(
  { rows, inner, columns, transposeA, transposeB }: ProductShape,
  [a, b]: readonly [ArrayLike<number>, ArrayLike<number>],
  at: number,
): number {
  const j = at % columns;
  const i = Math.floor(at / columns) % rows;
  const batch = Math.floor(at / (columns * rows));
  let sum = 0;
  for (let k = 0; k < inner; k++) {
    sum += a[batch * rows * inner + (transposeA ? k * rows + i : i * inner + k)]! *
      b[batch * inner * columns + (transposeB ? j * inner + k : k * columns + j)]!;
  }
  return sum;
}
