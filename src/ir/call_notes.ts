/**
 * What the calls of a program say of themselves.
 *
 * @module
 */
import type { Program } from "./program.ts";

/**
 * Notes on the calls of a program, such as `split in 4 over axis 0 of size 32`.
 *
 * @param program The program; programs that it calls are looked through as well.
 * @returns Each note once, in the order of the program.
 */
export function callNotes(program: Program): string[] {
  const found = new Set<string>();
  const seen = new Set<Program>();
  const visit = (at: Program): void => {
    if (seen.has(at)) return;
    seen.add(at);
    for (const { primitive: { lower }, params } of at.nodes) {
      if (lower.kind !== "call") continue;
      const { note } = params as { readonly note?: string };
      if (note !== undefined) found.add(note);
      visit(lower.program(params));
    }
  };
  visit(program);
  return [...found];
}
