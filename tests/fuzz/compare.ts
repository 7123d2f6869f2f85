/**
 * Comparison of an engine's results with what can be asked of them.
 *
 * @module
 */
import { type Aval, formatAval, sameAval } from "../../src/ir/aval.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import type { Expectation } from "./rounding.ts";

/** What a comparison found. */
export interface Comparison {
  /** The worst disagreement, in words; `undefined` if there is none. */
  readonly wrong: string | undefined;
  /** Elements. */
  readonly elements: number;
  /** Elements of which nothing is asked, since rounding decides them. */
  readonly ambiguous: number;
  /** Elements that are not finite. */
  readonly special: number;
  /** Largest distance as a multiple of what is allowed. */
  readonly ratio: number;
}

/**
 * Compares results.
 *
 * @param found Results of an engine.
 * @param expected What is asked.
 * @param how Whether elements that are not finite must agree; otherwise they are passed over. Whether it is up to the
 *   algorithm where else there is NaN, once something is not finite.
 */
export function compare(
  found: readonly HostArray[],
  { exact, allowed }: Expectation,
  { special, upToAlgorithm = false }: {
    readonly special: boolean;
    readonly upToAlgorithm?: boolean;
  },
): Comparison {
  const isFinite = ({ dtype }: Aval, value: number): boolean =>
    dtype !== "f32" || Number.isFinite(Math.fround(value));
  const passNaN = upToAlgorithm &&
    exact.some((want) => want.data.some((value) => !isFinite(want, value)));
  let [elements, ambiguous, specials, ratio] = [0, 0, 0, 0];
  let wrong: string | undefined;
  exact.forEach((want, k) => {
    const got = found[k];
    if (!got || !sameAval(got, want) || got.data.length !== want.data.length) {
      wrong ??= `output ${k} is ${got ? formatAval(got) : "missing"}, expected ${formatAval(want)}`;
      return;
    }
    want.data.forEach((value, at) => {
      elements++;
      const most = allowed[k]![at]!;
      const actual = got.data[at]!;
      const finite = isFinite(want, value);
      if (!finite) specials++;
      const unasked = Number.isNaN(most) || passNaN && Number.isNaN(actual);
      if (unasked) ambiguous++;
      if (unasked || !finite && !special) return;
      const agrees = finite
        ? Math.abs(actual - value) <= most
        : Object.is(actual, Math.fround(value));
      const multiple = finite && most > 0 ? Math.abs(actual - value) / most : agrees ? 0 : Infinity;
      if (!agrees && (wrong === undefined || multiple > ratio)) {
        wrong = `output ${k}, ${formatAval(want)}: element ${at} is ${actual}, expected ${value}` +
          (finite ? ` within ${most.toExponential(1)}` : "");
      }
      if (!(multiple <= ratio)) ratio = Number.isNaN(multiple) ? Infinity : multiple;
    });
  });
  return { wrong, elements, ambiguous, special: specials, ratio };
}
