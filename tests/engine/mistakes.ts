/** Tables of what a caller without types does wrong, and of what the error says of it. */
import { assert, assertRejects } from "@std/assert";
import { openEngine } from "../../mod.ts";

/** Anything, as JavaScript sees it. */
export type Untyped = (...args: unknown[]) => Untyped & Promise<Untyped> & Record<string, Untyped>;

/** A mistake, and what its message says of it. */
export type Mistake = readonly [
  what: string,
  run: (engine: Record<string, Untyped>) => unknown,
  ...fragments: string[],
];

/** Tests that every mistake is an error with a text of ours, on the reference engine. */
export function tellMistakes(mistakes: readonly Mistake[]): void {
  for (const [what, run, ...fragments] of mistakes) {
    Deno.test(`a mistake is told: ${what}`, async () => {
      using engine = await openEngine("reference");
      const error = await assertRejects(
        async () => await run(engine as unknown as Record<string, Untyped>),
        Error,
      );
      for (const fragment of ["Cannot ", ...fragments]) {
        assert(error.message.includes(fragment), `${fragment} is not in: ${error.message}`);
      }
    });
  }
}
