/**
 * Presets: named parts of a configuration in a YAML file beside the experiment.
 *
 * @module
 */
import { fileError } from "../train/file_error.ts";
import { type ConfigLayer, fileLayer } from "./config_layers.ts";
import type { Experiment } from "./define_experiment.ts";
import { unknownName, UsageError } from "./usage_error.ts";
import { isMapping, parseYaml, placeOf } from "./yaml_source.ts";

/** The preset taken when none is asked for. */
export const defaultPreset = "quick";

/** The presets of one experiment. */
export interface PresetFile {
  /** Names in the order of the file. */
  readonly names: readonly string[];
  /**
   * Gives the values of a preset.
   *
   * @throws {UsageError} If there is no preset of that name.
   */
  layer(name: string): Promise<ConfigLayer>;
}

/**
 * Reads the presets of an experiment.
 *
 * @param experiment The experiment; without presets the result is empty.
 * @throws {UsageError} If the file is not valid YAML or not a mapping of names.
 * @throws {Error} If the file cannot be read.
 */
export async function loadPresets(experiment: Pick<Experiment, "presets">): Promise<PresetFile> {
  if (!experiment.presets) return presetFile({}, { text: "", file: "" });
  const source = {
    text: await readText(experiment.presets),
    file: displayName(experiment.presets),
  };
  const presets = await parseYaml(source.text, source.file) ?? {};
  if (!isMapping(presets)) {
    throw new UsageError(
      `${await placeOf([], source)}: expected a mapping from names of presets to their values.`,
    );
  }
  return presetFile(presets, source);
}

function presetFile(
  presets: Readonly<Record<string, unknown>>,
  source: { readonly text: string; readonly file: string },
): PresetFile {
  const names = Object.keys(presets);
  return {
    names,
    layer(name) {
      if (!Object.hasOwn(presets, name)) {
        throw new UsageError(unknownName("preset", { found: name, valid: names }));
      }
      return fileLayer(presets[name], { ...source, prefix: [name] });
    },
  };
}

/** The file as text; an installed package's presets are fetched like its modules. */
async function readText(url: URL): Promise<string> {
  try {
    if (url.protocol === "file:") return await Deno.readTextFile(url);
    const response = await fetch(url);
    if (response.ok) return await response.text();
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  } catch (cause) {
    throw fileError("read the presets", { path: url, cause });
  }
}

/** Path relative to the working directory where that is shorter. */
function displayName(url: URL): string {
  if (url.protocol !== "file:") return url.href;
  const path = decodeURIComponent(url.pathname);
  const folder = `${Deno.cwd()}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}
