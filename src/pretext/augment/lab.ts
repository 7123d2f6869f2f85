import type { Tensor } from "../../ir/tensor.ts";
import { add, concat, exp, greater, log, maximum, mul, pow, sub, where } from "../../tensor/mod.ts";
import type { Rgb } from "./colour.ts";

/** Rows of the matrix from linear sRGB to XYZ, to be divided by the white point D65. */
const TO_XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
] as const;

/** Rows of the inverse matrix, from XYZ (not divided) to linear sRGB. */
const FROM_XYZ = [
  [3.2404542, -1.5371385, -0.4985314],
  [-0.969266, 1.8760108, 0.041556],
  [0.0556434, -0.2040259, 1.0572252],
] as const;

const WHITE = [0.95047, 1, 1.08883] as const;

/**
 * Colours of sRGB in CIE L*a*b* for the white point D65.
 *
 * Source: IEC 61966-2-1 for the transfer function and the matrix, CIE 15 for L*a*b*.
 *
 * @param rgb Red, green and blue in `[0, 1]`, each `[n, height, width, 1]`.
 * @returns `lightness` `[n, height, width, 1]` in `[0, 100]`, and `ab` `[n, height, width, 2]`, both
 *   0 for grey and within about 110.
 */
export function labOf(rgb: Rgb): { readonly lightness: Tensor; readonly ab: Tensor } {
  const linear = rgb.map(linearOf);
  const [x, y, z] = TO_XYZ.map((row, k) =>
    cubeRoot(weighted(row.map((share) => share / WHITE[k]!), linear))
  );
  return {
    lightness: sub(mul(y!, 116), 16),
    ab: concat([mul(sub(x!, y!), 500), mul(sub(y!, z!), 200)], { axis: 3 }),
  };
}

/**
 * Colours of CIE L*a*b* (D65) in sRGB: the inverse of {@linkcode labOf} where colours exist.
 *
 * @param lightness `[n, height, width, 1]`, in `[0, 100]`.
 * @param a From green to red, of the same shape.
 * @param b From blue to yellow, of the same shape.
 * @returns Images `[n, height, width, 3]`; colours outside of sRGB are cut to `[0, 1]` by the caller.
 */
export function rgbOfLab(lightness: Tensor, a: Tensor, b: Tensor): Tensor {
  const y = mul(add(lightness, 16), 1 / 116);
  const xyz = [add(y, mul(a, 1 / 500)), y, sub(y, mul(b, 1 / 200))].map((f, k) => {
    const cube = mul(mul(f, f), f);
    const small = mul(sub(f, 16 / 116), 108 / 841);
    return mul(where(greater(f, 6 / 29), cube, small), WHITE[k]!);
  });
  return concat(FROM_XYZ.map((row) => encoded(weighted(row, xyz))), { axis: 3 });
}

function weighted(row: readonly number[], of: readonly Tensor[]): Tensor {
  return add(add(mul(of[0]!, row[0]!), mul(of[1]!, row[1]!)), mul(of[2]!, row[2]!));
}

/** The transfer function of sRGB, undone. */
function linearOf(value: Tensor): Tensor {
  const power = pow(mul(add(maximum(value, 0.04045), 0.055), 1 / 1.055), 2.4);
  return where(greater(value, 0.04045), power, mul(value, 1 / 12.92));
}

/** The transfer function of sRGB. */
function encoded(linear: Tensor): Tensor {
  const power = sub(mul(pow(maximum(linear, 0.0031308), 1 / 2.4), 1.055), 0.055);
  return where(greater(linear, 0.0031308), power, mul(linear, 12.92));
}

/** The cube root, linear below (6/29)^3: the function f of L*a*b*. */
function cubeRoot(value: Tensor): Tensor {
  const least = (6 / 29) ** 3;
  const root = exp(mul(log(maximum(value, least)), 1 / 3));
  return where(greater(value, least), root, add(mul(value, 841 / 108), 16 / 116));
}
