/**
 * Modules that are named on a command line.
 *
 * @module
 */
import { describe } from "../ir/describe.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Imports a module of one's own.
 *
 * @param path Its path, from the working folder.
 * @param load Imports a module by its URL: `(url) => import(url)`, written in the program.
 * @returns What it exports.
 * @throws {UsageError} If it cannot be imported.
 */
export async function importFile(
  path: string,
  load: (url: string) => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const real = await Deno.realPath(path);
    const url = new URL(encodeURI(real).replaceAll(/[?#]/g, encodeURIComponent), "file:///");
    return await load(url.href) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UsageError(
      `Cannot import "${path}": ${
        error instanceof Error ? error.message : `it throws ${describe(error)}`
      }. Expected the path of a module, which loads.`,
    );
  }
}

/**
 * The names that a module exports, in words, for errors.
 *
 * @param module What it exports.
 */
export function exportedNames(module: object): string {
  return Object.keys(module).join(", ") || "nothing";
}
