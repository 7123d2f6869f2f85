/**
 * Where the units of a study lie.
 *
 * @module
 */
import { unknownName, UsageError } from "../experiment/usage_error.ts";

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

/**
 * Finds the folders of the studies that a command line names, which must have a plan or runs.
 *
 * @param words Folders, or the name of a study.
 * @param options Folder of the repository, and of which kind the plan is.
 * @returns As of {@linkcode studyFolders}.
 * @throws {UsageError} If nothing is named, or nothing that is there: it lists the studies with a plan.
 */
export async function plannedFolders(
  words: readonly string[],
  { root, kind, plan }: {
    readonly root: string;
    readonly kind: "verdict" | "effects";
    /** The plan, if it is told. */
    readonly plan: string | undefined;
  },
): Promise<{ readonly folders: string[]; readonly study?: string }> {
  const valid = await plannedStudies(root, kind);
  if (words.length === 0) {
    throw new UsageError(
      `Expected the name of a study, or a folder. With a plan: ${valid.join(", ") || "none"}.`,
    );
  }
  const found = await studyFolders(words, root);
  const { study, folders } = found;
  const nothing = study !== undefined && folders.length === 0 && plan === undefined;
  if (nothing && !valid.includes(study)) {
    throw new UsageError(
      `${unknownName("study", { found: study, valid })} Expected a plan, ` +
        `experiments/${study}.${kind}.yaml, or a folder of runs.`,
    );
  }
  return found;
}

/** Names of the studies that have a plan of a kind. */
async function plannedStudies(root: string, kind: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(`${root}/experiments`)) {
      if (name.endsWith(`.${kind}.yaml`)) found.push(name.slice(0, -`.${kind}.yaml`.length));
    }
  } catch {
    // Of a program elsewhere: studies are folders there.
  }
  return found.sort();
}

async function isFolder(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined))?.isDirectory ?? false;
}
