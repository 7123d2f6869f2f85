/**
 * Elements of inputs.
 *
 * @module
 */
import { type Aval, sizeOf } from "../../src/ir/aval.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Draw } from "./draw.ts";
import type { InputLine, Style } from "./recipe.ts";

/** Numbers with rules of their own. Huge ones are none: whether they overflow is up to rounding. */
const SPECIAL = [NaN, Infinity, -Infinity, -0];

/** How often an element is special where that is asked for. */
const SPECIAL_SHARE = 0.1;

function element({ dtype, style }: { dtype: Aval["dtype"]; style: Style }, draw: Draw): number {
  switch (dtype) {
    case "bool":
      return draw.integer(0, 1);
    case "u32":
      return style === "key" || style === "wide"
        ? Math.floor(draw.next() * 2 ** 32)
        : draw.integer(0, 9);
    case "i32":
      if (style === "wide") return Math.floor((draw.next() - 0.5) * 2 ** 32);
      return style === "index" ? draw.integer(0, 4) : draw.integer(-9, 9);
    case "f32":
      switch (style) {
        case "positive":
          return Math.fround(0.5 + 1.5 * draw.next());
        case "grid":
          return draw.integer(-4, 4) / 2;
        case "small":
          return Math.fround((draw.next() - 0.5) / 4);
        default:
          return Math.fround(4 * draw.next() - 2);
      }
  }
}

/**
 * Draws an input.
 *
 * @param line Its shape, element type and style.
 * @param draw The choices.
 * @param special Whether some `f32` elements are not finite.
 */
export function drawInput(line: InputLine, draw: Draw, special = false): NdArray {
  const { shape, dtype, style } = line;
  const values = Array.from({ length: sizeOf(shape) }, () => {
    const value = element({ dtype, style }, draw);
    return special && dtype === "f32" && draw.chance(SPECIAL_SHARE) ? draw.pick(SPECIAL) : value;
  });
  return ndArray({ shape, dtype }, values);
}

/** Draws a direction: `[-1, 1)` for `f32`, zeros for the rest. */
export function drawTangent({ shape, dtype }: Aval, draw: Draw): NdArray {
  return ndArray(
    { shape, dtype },
    Array.from(
      { length: sizeOf(shape) },
      () => dtype === "f32" ? Math.fround(2 * draw.next() - 1) : 0,
    ),
  );
}
