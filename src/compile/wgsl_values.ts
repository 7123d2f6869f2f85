/**
 * WGSL types and literals of values, one or four of them at once.
 *
 * @module
 */
import type { DType } from "../ir/aval.ts";
import { nonFiniteLiteral, type WgslScope } from "../ir/wgsl_numbers.ts";

/** Elements computed by one expression. */
export type Width = 1 | 4;

/** The WGSL type of a value in a register. */
export function registerType(dtype: DType, width: Width): string {
  return width === 1 ? dtype : `vec4<${dtype}>`;
}

/** The WGSL type of an element in memory: booleans are stored as `u32`. */
export function memoryType(dtype: DType, width: Width): string {
  return registerType(dtype === "bool" ? "u32" : dtype, width);
}

/** WGSL expression of a number; one that is not finite needs a helper function. */
export function literalOf(value: number, dtype: DType, scope: WgslScope): string {
  switch (dtype) {
    case "bool":
      return value ? "true" : "false";
    case "i32":
      return value < 0 ? `i32(${value})` : `${value}i`;
    case "u32":
      return `${value >>> 0}u`;
    case "f32": {
      const rounded = Math.fround(value);
      if (!Number.isFinite(rounded)) return nonFiniteLiteral(rounded, scope);
      const text = Object.is(rounded, -0) ? "-0" : String(rounded);
      return `f32(${/[.e]/.test(text) ? text : text + ".0"})`;
    }
  }
}

/** WGSL expression of a number that nothing reads; compilers do not know it. */
export function unusedValue(dtype: DType, scope: WgslScope): string {
  const type = registerType(dtype, 1);
  scope.helper(
    `unused_${type}`,
    `fn unused_${type}() -> ${type} {
  var value: ${type};
  return value;
}`,
  );
  return `unused_${type}()`;
}
