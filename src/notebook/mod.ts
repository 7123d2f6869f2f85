/**
 * The toolkit in notebooks of `deno jupyter`: programs, arrays, profiles, charts, pictures, verdicts and
 * runs that show themselves as the last value of a cell.
 *
 * @example An array as a table
 * ```ts
 * import { hostArray } from "@mutasesumele/toolkit";
 * import { DISPLAY, show } from "@mutasesumele/toolkit/notebook";
 * import { assert } from "@std/assert";
 *
 * const shown = show(hostArray([[0.5, -1]]));
 * assert(DISPLAY in shown);
 * ```
 *
 * @module
 */
export { DISPLAY, type Displayable, type MimeBundle } from "./displayable.ts";
export { type ArrayTree, show, type Showable } from "./show.ts";
export type { ShownEngine } from "./show_engine.ts";
export type { TableRow } from "./show_rows.ts";
export { showRun, type ShowRunOptions } from "./show_run.ts";
