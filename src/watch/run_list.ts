/**
 * What can be watched: the runs and studies below some folders.
 *
 * @module
 */
import { findRuns, type FoundStudy } from "../study/sweep/find_runs.ts";
import { printable } from "../text/printable.ts";
import type { Overview, RunItem, StudyItem } from "./protocol.ts";
import { RunReader } from "./run_reader.ts";

/** Milliseconds in which a list is not made again: several pages may ask. */
const FRESH = 500;

/** A unit of a study has a name that tells it from others. */
interface Named {
  readonly folder: string;
  readonly name: string;
}

/** Lists runs, and knows which folders may be asked for. */
export class RunList {
  /** Reads the runs of the list. */
  readonly reader: RunReader = new RunReader();
  readonly #roots: readonly string[];
  #names: ReadonlyMap<string, string> = new Map();
  #last: { readonly at: number; readonly overview: Promise<Overview> } | undefined;

  /**
   * Nothing is read yet.
   *
   * @param roots Folders of runs, of studies, or of both.
   */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** Lists everything there is now. */
  async overview(): Promise<Overview> {
    const now = performance.now();
    if (this.#last === undefined || now - this.#last.at > FRESH) {
      this.#last = { at: now, overview: this.#read() };
    }
    return await this.#last.overview;
  }

  /**
   * Tells the name of a run.
   *
   * @param id Its folder, as a page asks for it.
   * @returns The name, or `undefined` if no such run is in the list.
   */
  async nameOf(id: string): Promise<string | undefined> {
    if (!this.#names.has(id)) await this.overview();
    return this.#names.get(id);
  }

  async #read(): Promise<Overview> {
    const faults: string[] = [];
    const named = new Map<string, string>();
    const studies: StudyItem[] = [];
    const chosen: string[] = [];
    for (const root of this.#roots) {
      try {
        const found = await findRuns(root);
        const units = found.studies.map(studyItem);
        studies.push(...units.map(({ study }) => study));
        for (const folder of found.folders) named.set(folder, nameOf(root, folder));
        for (const { folder, name } of units.flatMap(({ names }) => names)) named.set(folder, name);
        if (found.folders.includes(trimmed(root))) chosen.push(trimmed(root));
      } catch (error) {
        faults.push(printable((error as Error).message));
      }
    }
    const items = await Promise.all(
      [...named].map(async ([folder, name]): Promise<RunItem | undefined> => {
        try {
          return await this.reader.item(folder, name);
        } catch (error) {
          faults.push(printable((error as Error).message));
          return undefined;
        }
      }),
    );
    this.#names = named;
    const runs = items.filter((item) => item !== undefined);
    runs.sort((a, b) => a.begun < b.begun ? 1 : a.begun > b.begun ? -1 : 0);
    return { runs, studies, chosen, faults };
  }
}

function studyItem(
  { folder, manifest }: FoundStudy,
): { readonly study: StudyItem; readonly names: readonly Named[] } {
  const several = new Set(manifest.units.map(({ regime }) => regime)).size > 1;
  const units = manifest.units.map(({ regime, arm, seed }) => ({
    run: `${folder}/${regime}/${arm}/seed-${seed}`,
    ...{ regime, arm, seed },
  }));
  return {
    study: { id: folder, experiment: printable(manifest.experiment), units },
    names: units.map(({ run, regime, arm, seed }) => ({
      folder: run,
      name: `${several ? `${regime}, ` : ""}${arm}, seed ${seed}`,
    })),
  };
}

/** The path below the folder that was named; the folder itself goes by its last two names. */
function nameOf(root: string, folder: string): string {
  const inside = folder.slice(trimmed(root).length + 1);
  return printable(inside === "" ? trimmed(root).split("/").slice(-2).join("/") : inside);
}

function trimmed(root: string): string {
  return root.replace(/(?<=.)\/+$/, "");
}
