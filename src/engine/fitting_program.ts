/**
 * Programs that fit a device, split where they must be.
 *
 * @module
 */
import type { MemoryLack } from "../compile/plan_memory.ts";
import type { Plan } from "../compile/plan.ts";
import type { Program } from "../ir/program.ts";
import type { SplitOptions } from "../transform/split_program.ts";

/** A program and its plan. */
export interface PlannedProgram {
  /** The program. */
  readonly program: Program;
  /** Its plan. */
  readonly plan: Plan;
}

/** What is needed of a device. */
export interface Fitting extends Pick<SplitOptions, "stored"> {
  /** Name of the program, for errors. */
  readonly name: string;
  /** Plans a program. */
  plan(program: Program): Promise<Plan>;
  /** What a plan takes too much of. */
  lack(plan: Plan): MemoryLack | undefined;
}

/**
 * Plans a program; where its plan takes too much memory, that of the program in parts. At first only what is
 * too large is computed in parts, of which all are kept; then they are computed again where they are needed
 * again, and become smaller.
 *
 * @param program The simplified program.
 * @param fitting The device.
 * @returns The program itself, if it fits, or one that gives the same results up to the order of sums.
 * @throws {DeviceMemoryError} If neither fits, with the sizes, and what cannot be split.
 */
export async function fittingProgram(program: Program, fitting: Fitting): Promise<PlannedProgram> {
  const plan = await fitting.plan(program);
  const lacking = fitting.lack(plan);
  if (!lacking) return { program, plan };
  // A page that never needs it does not load it.
  const { splitToFit } = await import("./split_to_fit.ts");
  return await splitToFit(program, fitting, lacking);
}
