import { assertEquals, assertThrows } from "@std/assert";
import {
  assertSameStructure,
  flatten,
  formatStructure,
  mapTree,
  unflatten,
  uniquePaths,
} from "../../src/tree/tree.ts";

const tree = { b: [1, { z: 2, a: 3 }], a: 4, empty: [], none: {} };

Deno.test("flatten() orders members by name and names the leaves", () => {
  const { leaves, paths, structure } = flatten<number>(tree);
  assertEquals(leaves, [4, 1, 3, 2]);
  assertEquals(paths, ["a", "b.0", "b.1.a", "b.1.z"]);
  assertEquals(formatStructure(structure), "{a: *, b: [*, {a: *, z: *}], empty: [], none: {}}");
});

Deno.test("flatten() treats instances, null and typed arrays as leaves", () => {
  const leaves = [new Date(0), null, undefined, new Float32Array(3), "text"];
  assertEquals(flatten(leaves).leaves, leaves);
  assertEquals(flatten(5).paths, [""]);
  assertEquals(flatten(Object.assign(Object.create(null), { x: 1 })).leaves, [1]);
});

Deno.test("flatten() does not depend on the order of insertion", () => {
  assertEquals(flatten({ x: 1, y: 2 }), flatten({ y: 2, x: 1 }));
});

Deno.test("uniquePaths() refuses two leaves of one path", () => {
  assertEquals(uniquePaths(flatten(tree), "store"), ["a", "b.0", "b.1.a", "b.1.z"]);
  for (const twice of [{ "a.b": 1, a: { b: 2 } }, { a: [1], "a.0": 2 }, { "": { a: 1 }, a: 2 }]) {
    assertThrows(
      () => uniquePaths(flatten(twice), "store a tree"),
      TypeError,
      "Cannot store a tree: found two leaves with the path 'a",
    );
  }
});

Deno.test("unflatten() undoes flatten()", () => {
  const { leaves, structure } = flatten(tree);
  assertEquals(unflatten(structure, leaves), tree);
  assertEquals(unflatten<number>(flatten(7).structure, [8]), 8);
});

Deno.test("unflatten() throws on another number of leaves", () => {
  const { structure } = flatten([1, 2]);
  assertThrows(() => unflatten(structure, [1]), RangeError, "found 1 leaves, expected 2");
  assertThrows(() => unflatten(structure, [1, 2, 3]), RangeError, "found 3 leaves, expected 2");
});

Deno.test("mapTree() meets corresponding leaves", () => {
  const sum = mapTree((a: number, b: number) => a + b, { x: 1, y: [2] }, { y: [20], x: 10 });
  assertEquals(sum, { x: 11, y: [22] });
});

Deno.test("mapTree() throws on trees of different structures", () => {
  assertThrows(
    () => mapTree((a: number) => a, { x: 1 }, { x: [1] }),
    TypeError,
    "Cannot map over trees: found the structure {x: [*]}, expected {x: *}.",
  );
});

Deno.test("assertSameStructure() distinguishes names, lengths and kinds", () => {
  const different: [unknown, unknown][] = [
    [{ a: 1 }, { b: 1 }],
    [[1], [1, 2]],
    [[1], { 0: 1 }],
    [1, [1]],
    [[], {}],
  ];
  for (const [a, b] of different) {
    assertThrows(
      () => assertSameStructure(flatten(a).structure, flatten(b).structure, "compare"),
      TypeError,
      "Cannot compare",
    );
  }
  assertSameStructure(flatten(tree).structure, flatten(tree).structure, "compare");
});
