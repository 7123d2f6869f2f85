/**
 * Where the profiles of this machine's adapters are kept.
 *
 * @module
 */
import { dataDirectory, type DataDirectoryOptions } from "../data/data_directory.ts";

/** Environment variable that names the folder of profiles; empty, nothing is measured or kept. */
export const PROFILES_VARIABLE = "MUTASESUMELE_PROFILES";

/**
 * Finds the folder of measured profiles; it need not exist yet.
 *
 * The environment variable `MUTASESUMELE_PROFILES` decides; without it, it is `adapters` in the default folder of
 * data sets, see `dataDirectory`.
 *
 * @param options Substitutes for the environment and the operating system.
 * @returns Path of the folder; `undefined` where none is to be used, or no variable names one.
 */
export function profileFolder(options: DataDirectoryOptions = {}): string | undefined {
  const read = options.environment ?? ((name: string) => Deno.env.get(name));
  const chosen = read(PROFILES_VARIABLE);
  if (chosen !== undefined) return chosen === "" ? undefined : chosen;
  try {
    return `${dataDirectory(options)}/adapters`;
  } catch {
    return undefined;
  }
}
