import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openEngine } from "../../src/engine/mod.ts";
import { hostArray } from "../../src/ir/mod.ts";
import { restoreTree, storeTree } from "../../src/run/mod.ts";

Deno.test("storeTree() and restoreTree() refuse trees of which two leaves have one path", async () => {
  using engine = await openEngine("reference");
  const [one, two] = [engine.put(hostArray([1])), engine.put(hostArray([2]))];
  const twice = { "a.b": one, a: { b: two } };
  const message = "found two leaves with the path 'a.b'";
  await assertRejects(() => storeTree(engine, twice), TypeError, message);
  const stored = await storeTree(engine, { a: { b: one }, c: two });
  assertEquals(Object.keys(stored), ["a.b", "c"]);
  assertThrows(() => restoreTree(engine, twice, stored), TypeError, message);
});
