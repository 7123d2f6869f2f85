/**
 * The proof that a plan reads only what it has written.
 *
 * The checker follows the dispatches in order and keeps, for every place of memory, whose elements
 * are in it. It knows nothing of liveness or of how places were chosen, so it finds a read of memory
 * that was not written yet (which would return the previous run's values), one of memory that
 * another tensor has been given in the meantime, and a dispatch that reads what it writes.
 *
 * @module
 */

/** A binding of a dispatch, or a copy's source. */
export interface Use {
  /** What it means to read or write; compared by identity. */
  readonly content: object;
  /** Its memory: equal keys are the same memory. */
  readonly place: string;
  /** Whether the dispatch writes it, all of it; otherwise it reads it. */
  readonly writes: boolean;
}

/** A dispatch as the checker sees it. */
export interface Step {
  /** What it computes, for errors. */
  readonly label: string;
  /** Its bindings. */
  readonly uses: readonly Use[];
}

/** What the checker needs to know of a plan. */
export interface PlanUses {
  /** Memory that is filled before the plan runs and may not be written: inputs and literals. */
  readonly given: readonly Omit<Use, "writes">[];
  /** The dispatches in order. */
  readonly steps: readonly Step[];
  /** What must be in memory at the end. */
  readonly results: readonly Omit<Use, "writes">[];
}

/**
 * Throws unless every dispatch reads what was written before it by whom it expects, and does not
 * read what it writes, and unless the results are there at the end.
 *
 * @param plan The dispatches and their memory.
 * @throws {Error} An internal error of the compiler; names the dispatch.
 */
export function checkPlan({ given, steps, results }: PlanUses): void {
  const held = new Map<string, object>();
  const fixed = new Set<string>();
  for (const { content, place } of given) {
    held.set(place, content);
    fixed.add(place);
  }
  const demand = ({ content, place }: Omit<Use, "writes">, label: string): void => {
    if (held.get(place) === content) return;
    throw new Error(
      `Internal error: '${label}' reads ${place}, which ${
        held.has(place) ? "holds something else by then" : "nothing has written yet"
      }. The plan is wrong; please report the program.`,
    );
  };
  for (const { label, uses } of steps) {
    const written = new Set<string>();
    for (const { place, writes } of uses) {
      if (!writes) continue;
      if (fixed.has(place) || written.has(place)) {
        throw new Error(
          `Internal error: '${label}' writes ${place}, which ${
            fixed.has(place) ? "is given from outside" : "it writes already"
          }.`,
        );
      }
      written.add(place);
    }
    for (const use of uses) {
      if (use.writes) continue;
      if (written.has(use.place)) {
        throw new Error(`Internal error: '${label}' reads ${use.place}, which it also writes.`);
      }
      demand(use, label);
    }
    for (const { content, place, writes } of uses) if (writes) held.set(place, content);
  }
  for (const result of results) demand(result, "the result");
}
