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

/** What error messages ask of a schema. */
export interface SchemaView {
  /**
   * Lists the keys that are valid directly below a path of the configuration.
   *
   * @param path Path of a mapping; the empty path is the root.
   * @returns Names; empty if the path is unknown or open to any key.
   */
  keysAt(path: ValuePath): string[];
  /**
   * Tells whether the value at a path is an integer that the schema leaves without a limit.
   *
   * @param path Path of a value.
   */
  isUnlimitedInteger(path: ValuePath): boolean;
}

/**
 * Looks at a schema once, for any number of messages.
 *
 * @param schema A zod object schema.
 */
export async function viewSchema(schema: ConfigSchema<unknown>): Promise<SchemaView> {
  const root = await jsonSchema(schema);
  const nodesAt = (path: ValuePath): JsonSchema[] =>
    path.reduce<JsonSchema[]>(
      (nodes, segment) => nodes.flatMap((node) => childrenOf(node, String(segment))),
      alternatives(root),
    );
  return {
    keysAt: (path) => [...new Set(nodesAt(path).flatMap((node) => Object.keys(properties(node))))],
    // Without a limit, zod writes the greatest integer that a number holds exactly.
    isUnlimitedInteger: (path) =>
      nodesAt(path).some(({ type, maximum = Infinity }) =>
        type === "integer" && Number(maximum) >= Number.MAX_SAFE_INTEGER
      ),
  };
}

/** Schemas of the value below a key or index. */
function childrenOf(node: JsonSchema, segment: string): JsonSchema[] {
  const own = isMapping(node["properties"]) ? node["properties"] : {};
  const items = Array.isArray(node["prefixItems"]) ? node["prefixItems"][Number(segment)] : null;
  const child = Object.hasOwn(own, segment)
    ? own[segment]
    : items ?? node["items"] ?? node["additionalProperties"];
  return isMapping(child) ? alternatives(child) : [];
}

/** The schema as JSON Schema; zod is loaded by the experiment anyway. */
async function jsonSchema(schema: ConfigSchema<unknown>): Promise<JsonSchema> {
  const { z } = await import("zod");
  return z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" });
}

/** A schema, or the members of a union. */
function alternatives(node: JsonSchema): JsonSchema[] {
  const members = [node["anyOf"], node["oneOf"], node["allOf"]]
    .filter(Array.isArray).flat() as JsonSchema[];
  return members.length === 0 ? [node] : [node, ...members.flatMap(alternatives)];
}

/** Properties of an object schema, or of all alternatives of a union of objects. */
function properties(node: JsonSchema): Record<string, JsonSchema> {
  const found = alternatives(node).map((member) => member["properties"]).filter(isMapping);
  return Object.assign({}, ...found.reverse()) as Record<string, JsonSchema>;
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
