/**
 * Growth of a program by random steps.
 *
 * @module
 */
import { type Builder, TooLarge } from "./builder.ts";
import { type Operation, ref } from "./operations/operation.ts";

/** Values beyond this are made smaller at once. */
const LARGE = 30;

/** Values beyond this are not even made smaller. */
const TOO_LARGE = 1e6;

/**
 * Adds random steps to a program.
 *
 * @param b The program.
 * @param operations The kinds of steps.
 * @param steps How many are wanted; a step may add several lines.
 */
export function grow(b: Builder, operations: readonly Operation[], steps: number): void {
  let done = 0;
  for (let attempt = 0; done < steps && attempt < 20 * steps; attempt++) {
    const mark = b.length;
    try {
      const line = b.draw.weighted(operations).make(b);
      if (line !== undefined && line >= mark && settle(b, mark)) {
        done++;
        continue;
      }
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
    }
    b.truncate(mark);
  }
}

/** Makes the last value small; whether all values from line `mark` on are usable. */
function settle(b: Builder, mark: number): boolean {
  for (let line = mark; line < b.length; line++) {
    if (b.aval(line).dtype !== "f32") continue;
    if (!b.elements(line).every((value) => Math.abs(value) < TOO_LARGE)) return false;
  }
  const last = b.length - 1;
  if (b.aval(last).dtype === "f32" && b.bound(last) > LARGE) {
    const smaller = 2 ** -Math.ceil(Math.log2(b.bound(last)));
    b.call("mul", [ref(last), b.draw.chance(0.5) ? smaller : 2 * smaller]);
  }
  return true;
}
