/**
 * Trees: arrays and plain objects, nested in any way, around leaves.
 *
 * @module
 */

/** A leaf, or an array or plain object of trees. */
export type Tree<L> = L | readonly Tree<L>[] | { readonly [key: string]: Tree<L> };

/** What remains of a tree when its leaves are taken out. */
export type Structure =
  | { readonly kind: "leaf" }
  | { readonly kind: "array"; readonly items: readonly Structure[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, Structure])[] };

/** A tree taken apart. */
export interface Flat<L> {
  /** The leaves; object members in the order of their sorted names. */
  readonly leaves: L[];
  /** The shape of the tree around them. */
  readonly structure: Structure;
  /** For each leaf, its path such as `encoder.0.weight`. */
  readonly paths: string[];
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Takes a tree apart.
 *
 * @param tree Arrays and plain objects around leaves; anything else is a leaf.
 * @returns Leaves, their paths, and the structure for {@linkcode unflatten}.
 *
 * @example
 * ```ts
 * import { flatten } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { leaves, paths } = flatten<number>({ b: [1, 2], a: { c: 3 } });
 * assertEquals([leaves, paths], [[3, 1, 2], ["a.c", "b.0", "b.1"]]);
 * ```
 */
export function flatten<L>(tree: unknown): Flat<L> {
  const leaves: L[] = [];
  const paths: string[] = [];
  const walk = (value: unknown, path: string): Structure => {
    const below = (key: string | number): string => path === "" ? String(key) : `${path}.${key}`;
    if (Array.isArray(value)) {
      return { kind: "array", items: value.map((item, k) => walk(item, below(k))) };
    }
    if (isPlainObject(value)) {
      const names = Object.keys(value).sort();
      return {
        kind: "object",
        entries: names.map((name) => [name, walk(value[name], below(name))]),
      };
    }
    leaves.push(value as L);
    paths.push(path);
    return { kind: "leaf" };
  };
  const structure = walk(tree, "");
  return { leaves, structure, paths };
}

/**
 * Paths as names of leaves, each of one leaf only.
 *
 * @param flat What {@linkcode flatten} returned.
 * @param attempt What is being done, for the error: "store a tree".
 * @returns Its paths.
 * @throws {TypeError} If two leaves have one path, as in `{ "a.b": x, a: { b: y } }`.
 */
export function uniquePaths({ paths }: Flat<unknown>, attempt: string): string[] {
  const seen = new Set<string>();
  for (const path of paths) {
    if (seen.has(path)) {
      throw new TypeError(
        `Cannot ${attempt}: found two leaves with the path '${path}', expected another path for each. ` +
          `Rename one, or leave dots out of names.`,
      );
    }
    seen.add(path);
  }
  return paths;
}

/**
 * Puts a tree together again.
 *
 * @param structure What {@linkcode flatten} returned.
 * @param leaves As many leaves as the structure has.
 * @throws {RangeError} If the number of leaves is another one.
 */
export function unflatten<T>(structure: Structure, leaves: readonly unknown[]): T {
  let next = 0;
  const build = (part: Structure): unknown => {
    switch (part.kind) {
      case "leaf":
        return leaves[next++];
      case "array":
        return part.items.map(build);
      case "object":
        return Object.fromEntries(part.entries.map(([name, inner]) => [name, build(inner)]));
    }
  };
  const tree = build(structure);
  if (next !== leaves.length) {
    throw new RangeError(`Cannot build a tree: found ${leaves.length} leaves, expected ${next}.`);
  }
  return tree as T;
}

/**
 * Applies a function to corresponding leaves of trees of one structure.
 *
 * @param fn Called with one leaf of each tree.
 * @param tree The first tree; the result has its structure.
 * @param others More trees of the same structure.
 * @returns The tree of results.
 * @throws {TypeError} If the structures differ.
 *
 * @example
 * ```ts
 * import { mapTree } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const sums = mapTree((a: number, b: number) => a + b, { x: 1, y: [2] }, { x: 10, y: [20] });
 * assertEquals(sums, { x: 11, y: [22] });
 * ```
 */
export function mapTree<T>(
  fn: (...leaves: never[]) => unknown,
  tree: unknown,
  ...others: unknown[]
): T {
  if (typeof fn !== "function") {
    throw new TypeError(
      "Cannot map over trees: expected a function first, as in mapTree(fn, tree).",
    );
  }
  const first = flatten<never>(tree);
  const rest = others.map((other) => {
    const flat = flatten<never>(other);
    assertSameStructure(first.structure, flat.structure, "map over trees");
    return flat.leaves;
  });
  return unflatten(
    first.structure,
    first.leaves.map((leaf, k) => fn(leaf, ...rest.map((leaves) => leaves[k]!))),
  );
}

/** Writes a structure with `*` for leaves. */
export function formatStructure(structure: Structure): string {
  switch (structure.kind) {
    case "leaf":
      return "*";
    case "array":
      return `[${structure.items.map(formatStructure).join(", ")}]`;
    case "object":
      return `{${
        structure.entries.map(([name, inner]) => `${name}: ${formatStructure(inner)}`).join(", ")
      }}`;
  }
}

/**
 * Throws unless two structures are equal.
 *
 * @throws {TypeError} Says what was attempted and shows both structures.
 */
export function assertSameStructure(expected: Structure, found: Structure, attempt: string): void {
  const [want, have] = [formatStructure(expected), formatStructure(found)];
  if (want !== have) {
    throw new TypeError(`Cannot ${attempt}: found the structure ${have}, expected ${want}.`);
  }
}
