/**
 * The keys of a configuration, read from its schema, for help and for error messages.
 *
 * @module
 */
import type { z } from "zod";
import type { ConfigSchema } from "./config_schema.ts";
import { isMapping, type ValuePath } from "./yaml_source.ts";

/** One key of a configuration. */
export interface ConfigKey {
  /** Dotted path, as `--set` takes it. */
  readonly key: string;
  /** Type in a few words, such as `integer` or `rotation | contrastive`. */
  readonly type: string;
  /** Value without presets and flags, as JSON; `undefined` for an optional key. */
  readonly default: string | undefined;
  /** What it means; empty if the schema does not say. */
  readonly description: string;
}

/** The parts of a JSON Schema that are used here. */
type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Lists every key of a configuration, nested ones by dotted path.
 *
 * @param schema A zod object schema with defaults.
 */
export async function configKeys(schema: ConfigSchema<unknown>): Promise<ConfigKey[]> {
  const defaults = schema.parse({});
  const keys: ConfigKey[] = [];
  collect(await jsonSchema(schema), []);
  return keys;

  function collect(node: JsonSchema, path: readonly string[]): void {
    for (const [name, child] of Object.entries(properties(node))) {
      const here = [...path, name];
      if (Object.keys(properties(child)).length > 0) {
        collect(child, here);
        continue;
      }
      keys.push({
        key: here.join("."),
        type: typeName(child),
        default: JSON.stringify(valueAt(defaults, here)),
        description: typeof child["description"] === "string" ? child["description"] : "",
      });
    }
  }
}

/**
 * Lists the keys that are valid directly below a path of the configuration.
 *
 * @param schema A zod object schema.
 * @param path Path of a mapping; the empty path is the root.
 * @returns Names; empty if the path is unknown or open to any key.
 */
export async function keysAt(schema: ConfigSchema<unknown>, path: ValuePath): Promise<string[]> {
  let node = await jsonSchema(schema);
  for (const segment of path) {
    const child = properties(node)[String(segment)] ?? node["items"];
    if (!isMapping(child)) return [];
    node = child;
  }
  return Object.keys(properties(node));
}

/** The schema as JSON Schema; zod is loaded by the experiment anyway. */
async function jsonSchema(schema: ConfigSchema<unknown>): Promise<JsonSchema> {
  const { z } = await import("zod");
  return z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" });
}

/** Properties of an object schema, or of all alternatives of a union of objects. */
function properties(node: JsonSchema): Record<string, JsonSchema> {
  const alternatives = [node["anyOf"], node["oneOf"], node["allOf"]]
    .filter(Array.isArray).flat() as JsonSchema[];
  const own = isMapping(node["properties"]) ? node["properties"] as Record<string, JsonSchema> : {};
  return Object.assign({}, ...alternatives.map(properties), own);
}

function typeName(node: JsonSchema): string {
  const alternatives = node["anyOf"] ?? node["oneOf"];
  if (Array.isArray(alternatives)) return alternatives.map(typeName).join(" | ");
  if (Array.isArray(node["enum"])) return node["enum"].map(String).join(" | ");
  if ("const" in node) return String(node["const"]);
  if (node["type"] === "array" && isMapping(node["items"])) {
    return `list of ${typeName(node["items"])}`;
  }
  return typeof node["type"] === "string" ? node["type"] : "any";
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, name) => typeof node === "object" && node !== null ? Reflect.get(node, name) : undefined,
    value,
  );
}
