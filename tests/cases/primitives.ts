/**
 * The case table: every primitive with the uses on which all laws are checked.
 *
 * The same cases serve the calculus on the reference interpreter and the comparison of every
 * device with the reference.
 *
 * @module
 */
import { contractionCases } from "./contraction_cases.ts";
import type { PrimitiveCase } from "./case.ts";
import { elementwiseCases } from "./elementwise_cases.ts";
import { linearCases } from "./linear_cases.ts";
import { programCases } from "./program_cases.ts";
import { structuralCases } from "./structural_cases.ts";

export type { PrimitiveCase } from "./case.ts";

/** All cases of all primitives. */
export const primitiveCases: readonly PrimitiveCase[] = [
  ...elementwiseCases,
  ...structuralCases,
  ...contractionCases,
  ...linearCases,
  ...programCases,
];
