/**
 * A configuration from several layers: defaults of the schema, then preset, then file, then flags.
 *
 * @module
 */
import { excerpt } from "../text/printable.ts";
import { viewSchema } from "./config_keys.ts";
import type { ConfigIssue, ConfigSchema } from "./config_schema.ts";
import { closestName, unknownName, UsageError } from "./usage_error.ts";
import { isMapping, readYaml, type ValuePath, type YamlDocument } from "./yaml_source.ts";

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
  place(path: ValuePath, key: boolean): string;
}

/** More faults than anyone reads at once. */
const MOST_MESSAGES = 20;
/** Keys of a path after `--set`. */
const MOST_KEYS = 50;
/** Most integers are sizes and counts, which devices hold in 32 bits. */
const MOST_INTEGER = 2 ** 31 - 1;

/**
 * Makes a layer from a YAML document or a part of one.
 *
 * @param document The document.
 * @param prefix Keys of the part; `null` there counts as empty.
 * @throws {UsageError} If the part is not a mapping.
 */
export function fileLayer(document: YamlDocument, prefix: readonly string[] = []): ConfigLayer {
  const values = prefix.reduce<unknown>(
    (value, key) => isMapping(value) && Object.hasOwn(value, key) ? value[key] : null,
    document.value,
  );
  if (values !== null && !isMapping(values)) {
    throw new UsageError(
      `${document.place(prefix)}: expected a mapping of configuration keys, found ` +
        `${excerpt(JSON.stringify(values))}.`,
    );
  }
  return {
    values: values ?? {},
    place: (path, key) => document.place([...prefix, ...path], key),
  };
}

/**
 * Makes a layer from one `--set key=value`; the value is read as YAML.
 *
 * @param assignment Text after `--set`.
 * @throws {UsageError} If there is no `=`, no key, or the value is not valid YAML.
 */
export async function setLayer(assignment: string): Promise<ConfigLayer> {
  const flag = `--set ${excerpt(assignment)}`;
  const split = assignment.indexOf("=");
  const keys = assignment.slice(0, Math.max(split, 0)).split(".");
  const wrong = keys.some((key) => key.trim() === "" || key === "__proto__");
  if (split < 1 || wrong || keys.length > MOST_KEYS) {
    throw new UsageError(`${flag}: expected key=value, such as --set model.width=16.`);
  }
  const { value } = await readYaml(assignment.slice(split + 1), flag);
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
  const faults = result.success
    ? await largeIntegers(result.data, { schema, layers })
    : result.error.issues.flatMap(await messagesOf({ schema, layers }, merged));
  if (result.success && faults.length === 0) return result.data;
  const messages = faults.slice(0, MOST_MESSAGES).map((message) => message());
  const surplus = faults.length - messages.length;
  if (surplus > 0) messages.push(`... and ${surplus} more.`);
  throw new UsageError(messages.join("\n"));
}

/** Writes a message when it is wanted: of thousands, few are shown. */
type Fault = () => string;

/** What a fault is looked up in. */
interface FaultSource {
  readonly schema: ConfigSchema<unknown>;
  readonly layers: readonly ConfigLayer[];
}

/** Gives the faults of an issue of the schema in a value: one, or one for every unknown key. */
async function messagesOf(
  { schema, layers }: FaultSource,
  value: unknown,
): Promise<(issue: ConfigIssue) => Fault[]> {
  const view = await viewSchema(schema);
  return (issue) => {
    const path = issue.path.map((key) => typeof key === "symbol" ? String(key) : key);
    if (issue.keys === undefined) {
      return [
        () =>
          `${placeIn(layers, { path, key: false })}${nameOf(path)}${
            issue.message.replace(/\.$/, "")
          }.${instead(issue, value)}`,
      ];
    }
    const what = path.length > 0 ? `key of "${excerpt(path.join("."))}"` : "key";
    return issue.keys.map((found) => () => {
      const place = placeIn(layers, { path: [...path, found], key: true });
      return `${place}${unknownName(what, { found, valid: view.keysAt(path) })}`;
    });
  };
}

/** Finds integers beyond 32 bits where the schema sets no limit. */
async function largeIntegers(
  config: unknown,
  { schema, layers }: FaultSource,
): Promise<Fault[]> {
  const large: { readonly path: ValuePath; readonly value: number }[] = [];
  visit(config, []);
  if (large.length === 0) return [];
  const view = await viewSchema(schema);
  return large.filter(({ path }) => view.isUnlimitedInteger(path)).map(({ path, value }) => () =>
    `${placeIn(layers, { path, key: false })}${
      nameOf(path)
    }found ${value}, expected an integer of at ` +
    `most ${MOST_INTEGER}.`
  );

  function visit(value: unknown, path: ValuePath): void {
    if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) > MOST_INTEGER) {
      large.push({ path, value });
    } else if (typeof value === "object" && value !== null) {
      for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
    }
  }
}

/** Of an issue that a text is none of some names: the text, and the name that may be meant. */
function instead({ path, values }: ConfigIssue, value: unknown): string {
  const found = path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
  if (values === undefined || typeof found !== "string") return "";
  const close = closestName(found, values.map(String));
  return ` Found "${excerpt(found)}".${close === undefined ? "" : ` Did you mean "${close}"?`}`;
}

function nameOf(path: ValuePath): string {
  return path.length > 0 ? `${excerpt(path.join("."))}: ` : "";
}

/**
 * Place of a value in the topmost layer that holds it. If none does, the place of the only layer, such as the file of
 * a plan that lacks a key; nothing where there are several.
 */
function placeIn(
  layers: readonly ConfigLayer[],
  target: { readonly path: ValuePath; readonly key: boolean },
): string {
  // A list replaces that of lower layers: what it lacks stands nowhere else.
  const lists = layers.findLastIndex(({ values }) => holdsList(values, target.path));
  const visible = layers.slice(Math.max(0, lists));
  for (let length = target.path.length; length > 0; length--) {
    const path = target.path.slice(0, length);
    const layer = visible.findLast(({ values }) => holds(values, path));
    if (layer) return `${layer.place(path, target.key && length === target.path.length)}: `;
  }
  const [only, ...more] = layers;
  return only && more.length === 0 ? `${only.place([], false)}: ` : "";
}

/** Whether there is a list on the way to a place. */
function holdsList(values: unknown, path: ValuePath): boolean {
  let node = values;
  for (const key of path) {
    if (Array.isArray(node)) return true;
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, key)) return false;
    node = (node as Record<string, unknown>)[key];
  }
  return false;
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
  if (Array.isArray(below) && isMapping(above)) return mergeItems(below, above) ?? above;
  if (!isMapping(below) || !isMapping(above)) return above;
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    merged[key] = Object.hasOwn(below, key) ? merge(below[key], value) : value;
  }
  return merged;
}

/** A list with some of its items changed, by their numbers: `--set list.0.key=value`. */
function mergeItems(
  below: readonly unknown[],
  above: Readonly<Record<string, unknown>>,
): unknown[] | undefined {
  const places = Object.keys(above);
  if (!places.every((place) => /^\d+$/.test(place) && Number(place) < below.length)) {
    return undefined;
  }
  return below.map((item, place) => Object.hasOwn(above, place) ? merge(item, above[place]) : item);
}
