import { z } from "zod";
import type { Component } from "./component.ts";

/** Registries by the kind of their parts; only what is shown of them. */
export type Listed = Readonly<
  Record<string, Readonly<Record<string, Pick<Component<unknown, never>, "summary" | "options">>>>
>;

/**
 * Lists every part of every kind, one line each.
 *
 * @param kinds The registries.
 * @returns The text.
 */
export function listText(kinds: Listed): string {
  return Object.entries(kinds).map(([kind, registry]) => {
    const names = Object.keys(registry);
    const column = Math.max(...names.map((name) => name.length)) + 2;
    const lines = names.map((name) => `  ${name.padEnd(column)}${registry[name]!.summary}`);
    return [`${kind} (${names.length})`, ...lines].join("\n");
  }).join("\n\n");
}

/**
 * Shows the options of the parts of a name.
 *
 * @param kinds The registries.
 * @param name The name.
 * @returns The text; `undefined` if no registry has the name.
 */
export function optionsText(kinds: Listed, name: string): string | undefined {
  const found = Object.entries(kinds).filter(([, registry]) => Object.hasOwn(registry, name));
  if (found.length === 0) return undefined;
  return found.map(([kind, registry]) => {
    const { summary, options } = registry[name]!;
    const schema = z.toJSONSchema(options, { io: "input" });
    const lines = Object.entries(schema.properties ?? {}).map(([option, value]) => {
      const { description = "", default: fallback } = value as z.core.JSONSchema.BaseSchema;
      const shown = fallback === undefined ? "required" : `default ${JSON.stringify(fallback)}`;
      return `  ${option}: ${description} (${shown})`;
    });
    return [`${name} (${kind}): ${summary}`, ...(lines.length > 0 ? lines : ["  no options"])]
      .join("\n");
  }).join("\n\n");
}
