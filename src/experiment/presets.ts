/**
 * Presets: named parts of a configuration in a YAML file beside the experiment.
 *
 * @module
 */
import { fileError } from "../run/file_error.ts";
import { decodeConfig, readSmallFile } from "./config_file.ts";
import { type ConfigLayer, fileLayer } from "./config_layers.ts";
import type { Experiment } from "./define_experiment.ts";
import { unknownName, UsageError } from "./usage_error.ts";
import { isMapping, readYaml, type YamlDocument } from "./yaml_source.ts";

/** The preset taken when none is asked for. */
export const defaultPreset = "quick";

/** The part of the file that lies under every preset, and under no preset too. */
export const commonPart = "common";

/** The presets of one experiment. */
export interface PresetFile {
  /** Names in the order of the file. */
  readonly names: readonly string[];
  /** What all presets have in common: the lowest layer; nothing if the file has no such part. */
  readonly common: readonly ConfigLayer[];
  /**
   * Gives the values of a preset.
   *
   * @throws {UsageError} If there is no preset of that name.
   */
  layer(name: string): ConfigLayer;
}

/**
 * Reads the presets of an experiment.
 *
 * @param experiment The experiment; without presets the result is empty.
 * @throws {UsageError} If the file is not valid YAML or not a mapping of names.
 * @throws {Error} If the file cannot be read.
 */
export async function loadPresets(experiment: Pick<Experiment, "presets">): Promise<PresetFile> {
  if (!experiment.presets) return presetFile({ value: {}, place: () => "" });
  const file = displayName(experiment.presets);
  const document = await readYaml(decodeConfig(await readBytes(experiment.presets), file), file);
  if (document.value === null || isMapping(document.value)) return presetFile(document);
  throw new UsageError(
    `${document.place([])}: expected a mapping from names of presets to their values.`,
  );
}

function presetFile(document: YamlDocument): PresetFile {
  const parts = Object.keys(document.value ?? {});
  const names = parts.filter((name) => name !== commonPart);
  return {
    names,
    common: parts.includes(commonPart) ? [fileLayer(document, [commonPart])] : [],
    layer(name) {
      if (names.includes(name)) return fileLayer(document, [name]);
      throw new UsageError(unknownName("preset", { found: name, valid: names }));
    },
  };
}

/** The file; an installed package's presets are fetched like its modules. */
async function readBytes(url: URL): Promise<Uint8Array> {
  try {
    if (url.protocol === "file:") return await readSmallFile(url);
    const response = await fetch(url);
    if (response.ok) return await response.bytes();
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
