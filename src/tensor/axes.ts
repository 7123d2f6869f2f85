import { type Aval, formatAval } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { requireTensor } from "../ir/require_tensor.ts";

/** One axis or several; negative axes count from the last. */
export type Axes = number | readonly number[];

/** A shape is enough to count axes; whether it is a tensor is asked where it is used as one. */
function requireShaped(attempt: string, x: Aval | undefined): void {
  if (!Array.isArray(x?.shape)) requireTensor(attempt, x);
}

/**
 * Resolves an axis that may count from the end.
 *
 * @param attempt What is being done, for the error: "take the softmax".
 * @param x The tensor whose axis it is.
 * @param axis The axis, from `-rank` to `rank - 1`.
 * @returns The axis from 0.
 * @throws {RangeError} If `x` has no such axis.
 */
export function resolveAxis(attempt: string, x: Aval, axis: number): number {
  requireShaped(attempt, x);
  const rank = x.shape.length;
  const resolved = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= rank) {
    throw new RangeError(
      `Cannot ${attempt}: found axis ${axis} for ${formatAval(x)}, expected ${
        rank === 0 ? "no axis, it is a scalar" : `${-rank} to ${rank - 1}`
      }.`,
    );
  }
  return resolved;
}

/**
 * Resolves several axes.
 *
 * @param attempt What is being done, for the error.
 * @param x The tensor whose axes they are.
 * @param axes The axes; all of them if undefined.
 * @returns Distinct axes from 0, increasing.
 * @throws {RangeError} If `x` has no such axis or one is named twice.
 */
export function resolveAxes(attempt: string, x: Aval, axes: Axes | undefined): number[] {
  requireShaped(attempt, x);
  if (axes === undefined) return x.shape.map((_, axis) => axis);
  const list = typeof axes === "number" ? [axes] : axes;
  if (!Array.isArray(list)) {
    throw new TypeError(
      `Cannot ${attempt}: found ${
        describe(axes)
      } as the axes, expected an axis or an array of them.`,
    );
  }
  const resolved = list.map((axis) => resolveAxis(attempt, x, axis)).sort((a, b) => a - b);
  if (new Set(resolved).size !== resolved.length) {
    throw new RangeError(
      `Cannot ${attempt}: found the axes [${list}] for ${formatAval(x)}, expected distinct axes.`,
    );
  }
  return resolved;
}
