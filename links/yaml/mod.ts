/** Typed door to the npm mirror of `jsr:@std/yaml`, used only inside this repository. @module */
import * as mirror from "npm:deno-std@1.4.0/yaml/mod.js";

/** Options of {@linkcode stringify} that this repository uses. */
export interface StringifyOptions {
  /** Spaces of one level. */
  indent?: number;
  /** Longest line; -1 never folds. */
  lineWidth?: number;
  /** Leave out what YAML cannot say instead of throwing. */
  skipInvalid?: boolean;
  /** Sort the keys. */
  sortKeys?: boolean;
}
/** Parses one YAML document. */
export const parse: (content: string) => unknown = mirror.parse as unknown as (
  content: string,
) => unknown;
/** Writes a value as YAML. */
export const stringify: (data: unknown, options?: StringifyOptions) => string = mirror
  .stringify as unknown as (data: unknown, options?: StringifyOptions) => string;
