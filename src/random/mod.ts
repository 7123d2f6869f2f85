/**
 * Counter-based random numbers: every draw is a function of a key.
 *
 * @module
 */
export * from "./choices.ts";
export * from "./distributions.ts";
export * from "./key.ts";
