/**
 * Where an experiment looks for data sets and downloads them to, within its permissions.
 *
 * @module
 */
import { dataDirectory } from "../data/data_directory.ts";
import { DATA_VARIABLES } from "./permissions.ts";

/**
 * Finds the folder of data sets that this process may read: the user's own (see `dataDirectory`), which
 * `deno task experiment` gives permission for, or else `data` beside `runs`, which the permission set
 * `experiment` names.
 *
 * @returns Path of the folder; it need not exist.
 * @throws {Error} If there is neither, nor a variable that names one.
 *
 * @example
 * ```ts
 * import { dataDirectory } from "@mutasesumele/toolkit/data";
 * import { permittedDataDirectory } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 *
 * // Where everything may be read, it is the user's own.
 * assertEquals(await permittedDataDirectory(), dataDirectory());
 * ```
 */
export async function permittedDataDirectory(): Promise<string> {
  const variables = await Promise.all(
    DATA_VARIABLES.map((variable) => Deno.permissions.query({ name: "env", variable })),
  );
  const own = variables.every(({ state }) => state === "granted") ? dataDirectory() : undefined;
  if (own !== undefined && await mayRead(own)) return own;
  return own === undefined || await mayRead("data") ? "data" : own;
}

async function mayRead(path: string): Promise<boolean> {
  return (await Deno.permissions.query({ name: "read", path })).state === "granted";
}
