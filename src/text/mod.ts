/**
 * Text that is safe to show.
 *
 * @module
 */
export { printable, printableLines } from "./printable.ts";
