import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { openParquet } from "./parquet_file.ts";

/**
 * Counts the rows of parquet files, by what they say of themselves: no image is read.
 *
 * @param paths The files.
 * @returns Rows of all of them together.
 * @throws {Error} If a file is missing, or no parquet.
 *
 * @example
 * ```ts
 * import { countShardRows } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await countShardRows([]), 0);
 * ```
 */
export async function countShardRows(paths: readonly string[]): Promise<number> {
  requireArguments("countShardRows", { paths }, { paths: is.listOf(is.name) });
  let rows = 0;
  for (const path of paths) {
    using file = await openParquet(path);
    for (const own of file.groups) rows += own;
  }
  return rows;
}
