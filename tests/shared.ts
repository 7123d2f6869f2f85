/**
 * Tests on real images and reference numbers that lie beside the repository.
 *
 * Where the folder `../shared` is absent they are reported as ignored, unless the environment
 * variable `MUTASESUMELE_REQUIRE_SHARED` is set.
 *
 * @module
 */

/** The folder beside the repository. */
export const SHARED: URL = new URL("../../shared/", import.meta.url);

function exists(url: URL): boolean {
  try {
    Deno.statSync(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether tests on the folder are to be ignored. */
export const withoutShared: boolean = !exists(SHARED) &&
  Deno.env.get("MUTASESUMELE_REQUIRE_SHARED") === undefined;

/** Registers a test that reads {@linkcode SHARED}. */
export function sharedTest(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore: withoutShared, fn });
}
