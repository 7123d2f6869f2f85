/**
 * The folder of all experiments: one file, one experiment.
 *
 * @module
 */
import { fileError } from "../run/file_error.ts";
import { kebabCase } from "../text/kebab_case.ts";
import type { Experiment } from "./define_experiment.ts";

/**
 * Lists the experiments of a folder: kebab-case `.ts` files, without `main.ts`.
 *
 * @param folder URL of the folder, ending in a slash.
 * @returns Names, sorted.
 * @throws {Error} If the folder cannot be read.
 */
export async function experimentNames(folder: URL): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const found = name.match(/^(.*)\.ts$/)?.[1];
      if (isFile && found !== undefined && kebabCase.test(found) && found !== "main") {
        names.push(found);
      }
    }
  } catch (cause) {
    throw fileError("list the experiments of", { path: folder, cause });
  }
  return names.sort();
}

/**
 * Imports an experiment.
 *
 * @param name Its name.
 * @param source The folder, and how to import one of its modules.
 * @throws {Error} If the module exports no `experiment` of that name.
 */
export async function loadExperiment(
  name: string,
  source: { readonly folder: URL; readonly load: (url: string) => Promise<unknown> },
): Promise<Experiment> {
  const module = await source.load(new URL(`${name}.ts`, source.folder).href);
  const experiment = (module as { experiment?: Experiment }).experiment;
  if (experiment?.name === name && typeof experiment.run === "function") return experiment;
  throw new Error(
    `Cannot load ${name}.ts: expected an export "experiment" made by defineExperiment, with the name ` +
      `"${name}".`,
  );
}
