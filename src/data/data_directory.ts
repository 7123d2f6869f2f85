import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";

/** Options of {@linkcode dataDirectory}. */
export interface DataDirectoryOptions {
  /** Reads an environment variable; `Deno.env.get` unless told. */
  readonly environment?: (name: string) => string | undefined;
  /** Operating system; `Deno.build.os` unless told. */
  readonly os?: typeof Deno.build.os;
}

/** Environment variable that names the default folder of data sets. */
export const DATA_DIRECTORY_VARIABLE = "MUTASESUMELE_DATA";

/**
 * Finds the default folder of data sets; it need not exist yet.
 *
 * The environment variable `MUTASESUMELE_DATA` decides; without it, it is the folder `mutasesumele`
 * in the user's data folder: `%LOCALAPPDATA%` on Windows, else `$XDG_DATA_HOME` (if absolute, as the
 * XDG specification wants), else `~/.local/share`.
 *
 * @param options Substitutes for the environment and the operating system.
 * @returns Path of the folder.
 * @throws {Error} If none of the variables is set.
 *
 * @example
 * ```ts
 * import { dataDirectory } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const variables: Record<string, string> = { HOME: "/home/ada" };
 * const path = dataDirectory({ environment: (name) => variables[name], os: "linux" });
 * assertEquals(path, "/home/ada/.local/share/mutasesumele");
 * ```
 */
export function dataDirectory(options: DataDirectoryOptions = {}): string {
  requireOptions("dataDirectory", options, {
    environment: is.optional(is.callback),
    os: is.optional(is.name),
  });
  const read = options.environment ?? ((name: string) => Deno.env.get(name));
  const chosen = read(DATA_DIRECTORY_VARIABLE);
  if (chosen) return chosen;
  if ((options.os ?? Deno.build.os) === "windows") {
    const local = read("LOCALAPPDATA");
    if (local) return `${local}\\mutasesumele`;
  } else {
    const xdg = read("XDG_DATA_HOME");
    if (xdg?.startsWith("/")) return `${xdg}/mutasesumele`;
    const home = read("HOME");
    if (home) return `${home}/.local/share/mutasesumele`;
  }
  throw new Error(
    `Cannot find the user's data folder: neither ${DATA_DIRECTORY_VARIABLE} nor HOME (LOCALAPPDATA on Windows) is set, expected one of them. Set ${DATA_DIRECTORY_VARIABLE} to a folder for data sets.`,
  );
}
