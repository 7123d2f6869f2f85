/**
 * The syntax tree of a YAML document as plain values, each with its place.
 *
 * @module
 */
import { isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, Scalar } from "yaml";
import { excerpt } from "../text/printable.ts";
import { numberFault } from "./yaml_number.ts";

/** Deepest nesting of a configuration, aliases unfolded. */
export const MAX_DEPTH = 50;
/** More values than any configuration holds; stops documents whose aliases unfold without end. */
const MAX_VALUES = 100_000;

/** What is wrong with a document, and where. */
export class YamlFault extends Error {
  /** Position of the fault in the text. */
  readonly offset: number;

  /**
   * Notes a fault.
   *
   * @param offset Its position in the text.
   * @param message What is wrong.
   */
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** A value and its position in the text. */
export interface PlacedValue {
  /** The plain value. */
  readonly value: unknown;
  /** Where it begins; that of an alias is where its anchor stands. */
  readonly offset: number;
  /** Values in it by key or index, with the position of the key. */
  readonly entries?: ReadonlyMap<string, { readonly offset: number; readonly node: PlacedValue }>;
  /** Values in it, itself counted, aliases unfolded. */
  readonly size: number;
  /** Levels of nesting below it, aliases unfolded. */
  readonly height: number;
}

type Entries = Map<string, { readonly offset: number; readonly node: PlacedValue }>;

/**
 * Reads a tree. Aliases share the value of their anchor, so that time and memory are linear in the text;
 * what they would unfold to is bounded, for those who read the values.
 *
 * @param root The tree, `null` if the document is empty.
 * @throws {YamlFault} On what a configuration cannot hold.
 */
export function readNode(root: ParsedNode | null): PlacedValue {
  /** What an anchor stands for; `undefined` while that is still being read. */
  const anchors = new Map<string, PlacedValue | undefined>();
  /** Values made so far; what aliases share is made once. */
  let made = 0;
  return root === null ? { value: null, offset: 0, size: 1, height: 0 } : read(root);

  function read(node: unknown): PlacedValue {
    if (isAlias(node)) return readAlias(node.source, offsetOf(node));
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) {
      throw new YamlFault(offsetOf(node), "found something that is no value.");
    }
    if (node.tag !== undefined) {
      const tag = excerpt(node.tag.replace("tag:yaml.org,2002:", "!!"));
      throw new YamlFault(
        offsetOf(node),
        `found the tag ${tag}, expected none. Quote a value to make it text.`,
      );
    }
    if (node.anchor !== undefined) anchors.set(node.anchor, undefined);
    const placed = isScalar(node)
      ? readScalar(node)
      : isSeq(node)
      ? collect(offsetOf(node), readItems(node.items), "list")
      : collect(offsetOf(node), readPairs(node.items as Pair[]), "mapping");
    if (node.anchor !== undefined) anchors.set(node.anchor, placed);
    return placed;
  }

  function readAlias(name: string, offset: number): PlacedValue {
    const placed = anchors.get(name);
    if (placed) return placed;
    throw new YamlFault(
      offset,
      anchors.has(name)
        ? "an alias refers to a value that it is part of."
        : `found the alias *${excerpt(name)}, but no anchor of that name before it.`,
    );
  }

  function readItems(items: readonly unknown[]): Entries {
    return new Map(items.map((item, index) => {
      const node = read(item);
      return [String(index), { offset: node.offset, node }];
    }));
  }

  function readPairs(pairs: readonly Pair[]): Entries {
    const entries: Entries = new Map();
    const merged: PlacedValue[] = [];
    let merges = 0;
    for (const { key, value } of pairs) {
      const offset = offsetOf(key);
      if (isScalar(key) && key.type === Scalar.PLAIN && key.source === "<<") {
        if (merges++ > 0) throw new YamlFault(offset, 'found the key "<<" twice.');
        merged.push(...mergedMappings(read(value), offset));
        continue;
      }
      const name = readKey(key, offset);
      if (entries.has(name)) {
        throw new YamlFault(offset, `found the key "${excerpt(name)}" twice in one mapping.`);
      }
      const node = value === null || value === undefined
        ? { value: null, offset, size: 1, height: 0 }
        : read(value);
      entries.set(name, { offset, node });
    }
    for (const { entries: others } of merged) {
      for (const [name, entry] of others!) if (!entries.has(name)) entries.set(name, entry);
    }
    return entries;
  }

  /** A list or mapping of entries that are read, held to the bounds. */
  function collect(offset: number, entries: Entries, kind: "list" | "mapping"): PlacedValue {
    let [size, height] = [1, 0];
    for (const { node } of entries.values()) {
      size += node.size;
      height = Math.max(height, node.height + 1);
    }
    made += entries.size;
    if (Math.max(size, made) > MAX_VALUES) {
      throw new YamlFault(offset, `more than ${MAX_VALUES} values.`);
    }
    if (height > MAX_DEPTH) {
      throw new YamlFault(offset, `nested more than ${MAX_DEPTH} levels deep.`);
    }
    const values = [...entries].map(([key, { node }]) => [key, node.value] as const);
    const value = kind === "list" ? values.map(([, item]) => item) : Object.fromEntries(values);
    return { value, offset, entries, size, height };
  }
}

/** The mappings that a merge key takes entries from, first ones first (YAML 1.1, `!!merge`). */
function mergedMappings(source: PlacedValue, offset: number): PlacedValue[] {
  const all = Array.isArray(source.value)
    ? [...source.entries!.values()].map(({ node }) => node)
    : [source];
  if (all.every(({ value, entries }) => entries !== undefined && !Array.isArray(value))) return all;
  throw new YamlFault(offset, 'the key "<<" expects a mapping or a list of mappings.');
}

/** The name that a key stands for: as written, so that `1` and `true` are names too. */
function readKey(key: unknown, offset: number): string {
  if (!isScalar(key) || key.tag !== undefined || key.value === null) {
    throw new YamlFault(offset, "expected a text as key.");
  }
  const name = typeof key.value === "string" ? key.value : key.source ?? String(key.value);
  // Assigning it would set the prototype of the mapping instead.
  if (name === "__proto__") throw new YamlFault(offset, '"__proto__" is no valid key.');
  return name;
}

function readScalar(node: Scalar): PlacedValue {
  const { value } = node;
  if (typeof value === "number") {
    const fault = numberFault(value, node.source ?? String(value));
    if (fault) throw new YamlFault(offsetOf(node), fault);
  }
  return { value, offset: offsetOf(node), size: 1, height: 0 };
}

function offsetOf(node: unknown): number {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0;
}
