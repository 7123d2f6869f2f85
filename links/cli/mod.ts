/** Typed door to the npm mirror of `jsr:@std/cli`, used only inside this repository. @module */
export * from "./parse_args.ts";
