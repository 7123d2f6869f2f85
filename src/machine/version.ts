/**
 * Version of this package, as noted in every run.
 *
 * @module
 */

/** Equal to `version` in `deno.json`; a test holds it. */
export const toolkitVersion = "0.1.0";
