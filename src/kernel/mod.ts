/**
 * Kernels from outside of the package: primitives with WGSL of their own, and the check of all their rules.
 *
 * @module
 */
export type { LinearGrid } from "../ops/kernel_grid.ts";
export { linearGrid } from "./linear_grid.ts";
export { checkRules, type CheckRulesOptions, type RuleCheck } from "./check_rules.ts";
export { kernelPrimitive, type KernelRules } from "./kernel_primitive.ts";
