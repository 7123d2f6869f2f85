/**
 * What the numbers of an invocation number.
 *
 * @module
 */

/** What a number counts from 0 on: all invocations, those of a workgroup, the workgroups. */
export type Numbered = "invocations" | "local" | "groups";

/** What the arguments of an entry point number. */
export const ARGUMENTS: Readonly<Record<string, Numbered>> = {
  global_invocation_id: "invocations",
  local_invocation_id: "local",
  local_invocation_index: "local",
  subgroup_invocation_id: "local",
  workgroup_id: "groups",
};

/** What a sum or a product of two numbers numbers: `group * 64 + local` all invocations. */
export function combinedNumbers(
  op: string,
  a: Numbered | undefined,
  b: Numbered | undefined,
): Numbered | undefined {
  const both = [a, b];
  if (op === "*") return both.find((each) => each !== undefined && each !== "local");
  if (op !== "+") return undefined;
  if (both.includes("invocations")) return "invocations";
  if (!both.includes("groups")) return undefined;
  return both.includes("local") ? "invocations" : "groups";
}
