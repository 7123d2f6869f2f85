/**
 * How many invocations a dispatch has.
 *
 * @module
 */
import type { PlannedDispatch } from "../compile/plan.ts";

const SIDES = /@workgroup_size\s*\(([^)]*)\)/;

/**
 * Counts the invocations of a dispatch, those that have nothing to do among them.
 *
 * @param dispatch Kernel, constants, workgroups.
 * @returns Their number; `undefined` if the text computes the size of a workgroup.
 */
export function invocationsOf(
  { kernel: { code }, overrides, workgroups }: Pick<
    PlannedDispatch,
    "kernel" | "overrides" | "workgroups"
  >,
): number | undefined {
  const sides = SIDES.exec(code)?.[1]?.split(",").map((side) => side.trim()).filter(Boolean) ?? [];
  let invocations = workgroups.reduce((a, b) => a * b, 1);
  for (const side of sides) {
    const given = /^\d+[iu]?$/.test(side) ? side : overrides[side] ?? defaultOf(side, code);
    if (given === undefined) return undefined;
    invocations *= parseInt(String(given));
  }
  return sides.length > 0 ? invocations : undefined;
}

/** The value of a constant in the text. */
function defaultOf(name: string, code: string): string | undefined {
  if (!/^\w+$/.test(name)) return undefined;
  return new RegExp(`\\b(?:override|const)\\s+${name}\\s*(?::\\s*\\w+\\s*)?=\\s*(\\d+)[iu]?\\s*;`)
    .exec(code)?.[1];
}
