/**
 * How much a test draws that asks nothing of any device.
 *
 * CI runs the whole suite twice on one machine, the second time as where there is no driver. Then
 * `MUTASESUMELE_AGAIN` is set: such a test still runs, on a part of what it has just passed.
 *
 * @module
 */

const PART = 3;
const again = Deno.env.get("MUTASESUMELE_AGAIN") !== undefined;

/** So many, or a third of them the second time. */
export function draws(count: number): number {
  return again ? Math.ceil(count / PART) : count;
}

/** All of a list, or every third the second time. */
export function drawn<T>(list: readonly T[]): readonly T[] {
  return again ? list.filter((_, index) => index % PART === 0) : list;
}
