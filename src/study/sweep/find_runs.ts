/**
 * Where the runs below a folder are.
 *
 * @module
 */
import { fileError } from "../../run/file_error.ts";
import { type Manifest, readManifest } from "./manifest.ts";

/** A study below a folder. */
export interface FoundStudy {
  /** Folder of the study. */
  readonly folder: string;
  /** What its sweeps were asked for. */
  readonly manifest: Manifest;
}

/** What is below a folder. */
export interface FoundRuns {
  /** Folders of runs, sorted; those too that a manifest names and that have not begun. */
  readonly folders: readonly string[];
  /** Folders with a manifest. */
  readonly studies: readonly FoundStudy[];
}

/**
 * Folder of a unit of a study: where the study is now, not where it was when it was planned.
 *
 * @param study Folder of the study.
 * @param unit The unit.
 */
export function unitFolder(
  study: string,
  { regime, arm, seed }: Pick<Manifest["units"][number], "regime" | "arm" | "seed">,
): string {
  return `${study}/${regime}/${arm}/seed-${seed}`;
}

/**
 * Finds the runs below a folder. Links are not followed.
 *
 * @param folder The folder.
 * @throws {Error} If it cannot be listed.
 * @throws {SyntaxError} If a manifest in it is of another format.
 */
export async function findRuns(folder: string): Promise<FoundRuns> {
  const folders = new Set<string>();
  const studies: FoundStudy[] = [];
  const collect = async (at: string): Promise<void> => {
    const below: string[] = [];
    const files: string[] = [];
    try {
      for await (const { name, isDirectory } of Deno.readDir(at)) {
        (isDirectory ? below : files).push(name);
      }
    } catch (cause) {
      throw fileError("list the runs in", { path: at, cause });
    }
    if (files.includes("config.yaml") || files.includes("run.lock")) {
      folders.add(at);
      return;
    }
    const manifest = files.includes("manifest.json") ? await readManifest(at) : undefined;
    if (manifest !== undefined) studies.push({ folder: at, manifest });
    for (const unit of manifest?.units ?? []) folders.add(unitFolder(at, unit));
    for (const name of below) await collect(`${at}/${name}`);
  };
  await collect(folder.replace(/(?<=.)\/+$/, ""));
  return { folders: [...folders].sort(), studies };
}
