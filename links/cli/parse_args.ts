/** Typed door to the npm mirror of `jsr:@std/cli/parse-args`, used only inside this repository. @module */
import { parseArgs as mirror } from "npm:deno-std@1.4.0/cli/parse_args.js";

/** Options of {@linkcode parseArgs} that this repository uses. */
export interface ParseOptions {
  /** Flags that are booleans. */
  boolean?: readonly string[];
  /** Flags that take a string. */
  string?: readonly string[];
  /** Flags that may be given several times. */
  collect?: readonly string[];
  /** Other names of a flag. */
  alias?: Record<string, string | readonly string[]>;
  /** Values of flags that are absent. */
  default?: Record<string, unknown>;
  /** Stop at the first positional argument. */
  stopEarly?: boolean;
  /** Called for a flag that is not declared; return `false` to leave it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
/** Result of {@linkcode parseArgs}: positional arguments in `_`, flags by name. */
export interface Args {
  /** Positional arguments. */
  _: (string | number)[];
  /** Flags by name. */
  // deno-lint-ignore no-explicit-any
  [flag: string]: any;
}
/** Parses command-line arguments. */
export const parseArgs: (args: string[], options?: ParseOptions) => Args = mirror as unknown as (
  args: string[],
  options?: ParseOptions,
) => Args;
