/** Typed door to the npm mirror of `jsr:@std/assert`, used only inside this repository. @module */
import * as mirror from "npm:deno-std@1.4.0/assert/mod.js";

/** Error thrown by every assertion. */
export const AssertionError: new (message: string) => Error = mirror.AssertionError;
/** Throws unless `condition` holds. */
export const assert: (condition: unknown, message?: string) => asserts condition = mirror.assert;
/** Throws unless `actual` and `expected` are deeply equal. */
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void =
  mirror.assertEquals;
/** Throws if `actual` and `expected` are deeply equal. */
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  mirror.assertNotEquals;
/** Throws unless the two numbers differ by at most `tolerance`. */
export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
) => void = mirror.assertAlmostEquals;
/** Throws unless `actual` contains `expected`. */
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  mirror.assertStringIncludes;
/** Throws unless `actual` matches `expected`. */
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  mirror.assertMatch;
/** Throws unless `actual > expected`. */
export const assertGreater: <T>(actual: T, expected: T, message?: string) => void =
  mirror.assertGreater;
/** Throws unless `actual < expected`. */
export const assertLess: <T>(actual: T, expected: T, message?: string) => void = mirror.assertLess;
/** Throws if `actual` is `null` or `undefined`. */
export const assertExists: <T>(actual: T, message?: string) => asserts actual is NonNullable<T> =
  mirror.assertExists;
/** Throws unless `actual` is an instance of `type`. */
export const assertInstanceOf: <T>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any
  type: new (...args: any[]) => T,
  message?: string,
) => asserts actual is T = mirror.assertInstanceOf;
// deno-lint-ignore no-explicit-any
type ErrorClass<E> = abstract new (...args: any[]) => E;
type AssertThrows = {
  (fn: () => unknown, message?: string): unknown;
  <E extends Error>(
    fn: () => unknown,
    errorClass: ErrorClass<E>,
    messageIncludes?: string,
    message?: string,
  ): E;
};
type AssertRejects = {
  (fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
  <E extends Error>(
    fn: () => PromiseLike<unknown>,
    errorClass: ErrorClass<E>,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
};
/** Throws unless `fn` throws (an `errorClass` whose message includes `messageIncludes`). */
export const assertThrows: AssertThrows = mirror.assertThrows as unknown as AssertThrows;
/** Rejects unless `fn` rejects (with an `errorClass` whose message includes `messageIncludes`). */
export const assertRejects: AssertRejects = mirror.assertRejects as unknown as AssertRejects;
