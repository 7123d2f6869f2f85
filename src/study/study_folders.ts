/**
 * Where the units of a study lie.
 *
 * @module
 */
import { UsageError } from "../experiment/usage_error.ts";

/**
 * Finds the folders that the words of a command line name.
 *
 * @param words Folders, or the name of a study: its committed results, or its runs where there are none.
 * @param root Folder of the repository.
 * @returns The folders, and the study if it was named.
 * @throws {UsageError} If a folder does not exist.
 */
export async function studyFolders(
  words: readonly string[],
  root: string,
): Promise<{ readonly folders: string[]; readonly study?: string }> {
  const [only] = words;
  if (words.length === 1 && /^[\w-]+$/.test(only!) && !(await isFolder(only!))) {
    const places = [`${root}/experiments/results/${only}`, `${root}/runs/${only}`];
    for (const place of places) {
      if (await isFolder(place)) return { folders: [place], study: only! };
    }
    return { folders: [], study: only! };
  }
  for (const word of words) {
    if (!(await isFolder(word))) {
      throw new UsageError(
        `There is no folder "${word}". Expected the name of a study, or folders.`,
      );
    }
  }
  return { folders: [...words] };
}

async function isFolder(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isDirectory ?? false;
}
