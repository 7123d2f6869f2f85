/**
 * Faults that are planted, one at a time, to see what the random programs find.
 *
 * @module
 */
import { compiler } from "./mutations/compiler.ts";
import type { Mutation } from "./mutations/mutation.ts";
import { plans } from "./mutations/plans.ts";
import { reductions } from "./mutations/reductions.ts";
import { rules } from "./mutations/rules.ts";
import { transformations } from "./mutations/transformations.ts";

/** All faults. */
export const mutations: readonly Mutation[] = [
  ...compiler,
  ...reductions,
  ...plans,
  ...transformations,
  ...rules,
];
