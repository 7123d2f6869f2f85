/**
 * What a notebook shows: one value in several forms.
 *
 * @module
 */

/** Forms of one value, by type: `text/plain`, `text/html`, `image/svg+xml`, or `image/png` as base64. */
export type MimeBundle = Readonly<Record<string, string>>;

/** The method by which Deno's kernel asks a value how it is shown; `Deno.jupyter.$display` is the same. */
export const DISPLAY: symbol = Symbol.for("Jupyter.display");

/** A value that a notebook shows when it is the last of a cell. */
export interface Displayable {
  /** Its forms; a notebook takes the richest that it knows. */
  readonly [form: symbol]: () => Promise<MimeBundle>;
}

/**
 * Makes a value that shows itself.
 *
 * @param bundle Makes its forms, when they are asked for.
 */
export function displayable(bundle: () => MimeBundle | Promise<MimeBundle>): Displayable {
  return { [DISPLAY]: async () => await bundle() };
}
