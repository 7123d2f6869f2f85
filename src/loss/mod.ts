/**
 * Loss functions: from predictions and targets to a scalar.
 *
 * @module
 */
export * from "./cross_entropy.ts";
export * from "./mean_squared_error.ts";
export * from "./nt_xent.ts";
