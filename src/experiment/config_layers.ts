/**
 * A configuration from several layers: defaults of the schema, then preset, then file, then flags.
 *
 * @module
 */
import { keysAt } from "./config_keys.ts";
import type { ConfigSchema } from "./config_schema.ts";
import { unknownName, UsageError } from "./usage_error.ts";
import { isMapping, parseYaml, placeOf, type ValuePath } from "./yaml_source.ts";

/** Values from one source, with what is needed to point at them. */
export interface ConfigLayer {
  /** The values, nested as in the configuration. */
  readonly values: Readonly<Record<string, unknown>>;
  /**
   * Says where a value of this layer stands, such as `file:line:column` or the flag.
   *
   * @param path Path of the value below the root of the configuration.
   * @param key `true` to point at the last key rather than its value.
   */
  place(path: ValuePath, key: boolean): string | Promise<string>;
}

/**
 * Makes a layer from a part of a YAML file.
 *
 * @param values The value parsed at `prefix`; `null` counts as empty.
 * @param source The text, the name of the file, and the path of the part in it.
 * @throws {UsageError} If the value is not a mapping.
 */
export async function fileLayer(
  values: unknown,
  source: { readonly text: string; readonly file: string; readonly prefix?: ValuePath },
): Promise<ConfigLayer> {
  const prefix = source.prefix ?? [];
  if (values !== null && !isMapping(values)) {
    throw new UsageError(
      `${await placeOf(prefix, source)}: expected a mapping of configuration keys, found ` +
        `${JSON.stringify(values)}.`,
    );
  }
  return {
    values: values ?? {},
    place: (path, key) => placeOf([...prefix, ...path], { ...source, key }),
  };
}

/**
 * Makes a layer from one `--set key=value`; the value is read as YAML.
 *
 * @param assignment Text after `--set`.
 * @throws {UsageError} If there is no `=`, no key, or the value is not valid YAML.
 */
export async function setLayer(assignment: string): Promise<ConfigLayer> {
  const flag = `--set ${assignment}`;
  const split = assignment.indexOf("=");
  const keys = assignment.slice(0, Math.max(split, 0)).split(".");
  if (split < 1 || keys.some((key) => key.trim() === "" || key === "__proto__")) {
    throw new UsageError(`${flag}: expected key=value, such as --set model.width=16.`);
  }
  const value = await parseYaml(assignment.slice(split + 1), flag);
  const values = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return { values: values as Record<string, unknown>, place: () => flag };
}

/**
 * Merges layers and validates the result.
 *
 * @param schema The schema of the configuration.
 * @param layers Layers; later ones win. Mappings are merged, everything else is replaced.
 * @returns The validated configuration.
 * @throws {UsageError} If it is not valid: one line an issue, each with the place that the value came
 * from, and for an unknown key the valid ones.
 */
export async function resolveConfig<Config>(
  schema: ConfigSchema<Config>,
  layers: readonly ConfigLayer[],
): Promise<Config> {
  const merged = layers.reduce<unknown>((below, layer) => merge(below, layer.values), {});
  const result = schema.safeParse(merged);
  if (result.success) return result.data;
  const messages: string[] = [];
  for (const issue of result.error.issues) {
    const path = issue.path.map((key) => typeof key === "symbol" ? String(key) : key);
    if (issue.keys === undefined) {
      const name = path.length > 0 ? `${path.join(".")}: ` : "";
      messages.push(`${await placeIn(layers, { path, key: false })}${name}${issue.message}.`);
      continue;
    }
    const valid = await keysAt(schema, path);
    const what = path.length > 0 ? `key of "${path.join(".")}"` : "key";
    for (const found of issue.keys) {
      const place = await placeIn(layers, { path: [...path, found], key: true });
      messages.push(`${place}${unknownName(what, { found, valid })}`);
    }
  }
  throw new UsageError(messages.join("\n"));
}

/** Place of a value in the topmost layer that holds it, or nothing if none does. */
async function placeIn(
  layers: readonly ConfigLayer[],
  target: { readonly path: ValuePath; readonly key: boolean },
): Promise<string> {
  for (let length = target.path.length; length > 0; length--) {
    const path = target.path.slice(0, length);
    const layer = layers.findLast(({ values }) => holds(values, path));
    if (layer) return `${await layer.place(path, target.key && length === target.path.length)}: `;
  }
  return "";
}

function holds(values: unknown, path: ValuePath): boolean {
  let node = values;
  for (const key of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, key)) return false;
    node = Reflect.get(node, key);
  }
  return true;
}

function merge(below: unknown, above: unknown): unknown {
  if (!isMapping(below) || !isMapping(above)) return above;
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    merged[key] = Object.hasOwn(below, key) ? merge(below[key], value) : value;
  }
  return merged;
}
