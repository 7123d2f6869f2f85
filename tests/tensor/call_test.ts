/**
 * Functions of tensors as callers without types call them: an argument that is missing, a promise, or one too many
 * is told by each of them, whatever else it checks.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Layer, mapTree, ones, relu, statelessLayer, type Tensor } from "../../mod.ts";
import * as losses from "../../src/loss/mod.ts";
import * as randomness from "../../src/random/mod.ts";
import * as tensors from "../../src/tensor/mod.ts";
import type { Untyped } from "../engine/mistakes.ts";

const x = ones([2, 2]);

const functions = Object.entries({ ...tensors, ...losses, ...randomness }).filter((
  entry,
): entry is [string, (typeof entry)[1] & Untyped] => typeof entry[1] === "function");

/** Arguments of those whose number does not say how many they need: their axes may be left out. */
const RIGHT: Readonly<Record<string, unknown[]>> = { squeeze: [x], transpose: [x] };

/** What a call that must fail says. */
function refusal(fn: Untyped, ...args: unknown[]): string {
  try {
    fn(...args);
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    return error.message;
  }
  throw new Error("nothing was refused");
}

Deno.test("every function of tensors, losses and random numbers tells of arguments that are missing, not awaited or too many", () => {
  // Never settled: nobody would look at one that is rejected.
  const promise = new Promise(() => {});
  assert(functions.length > 140, `${functions.length} functions`);
  for (const [name, fn] of functions) {
    const right = RIGHT[name] ?? Array<unknown>(fn.length).fill(x);
    right.forEach((_, k) => {
      const missing = refusal(fn, ...right.with(k, undefined));
      assertMatch(missing, /^Cannot .*found undefined.* Is an argument missing/, name);
      const awaiting = refusal(fn, ...right.with(k, promise));
      assertMatch(awaiting, /^Cannot .*found a promise \(not awaited\).* Await it first/, name);
    });
    const most = [...right, ...Array(6 - right.length).fill(undefined)];
    const surplus = refusal(fn, ...most, 7);
    assertStringIncludes(surplus, `Cannot call ${name}(): found 7 beyond its `);
    assertStringIncludes(surplus, "leave it out");
  }
});

Deno.test("what map(), a layer and a tree give to a function of tensors is not too many", () => {
  assertEquals([x, x].map(relu).length, 2);
  const layer: Layer<object> = statelessLayer(relu);
  assertEquals(layer.apply({}, {}, x, { training: true }).output.shape, [2, 2]);
  assertEquals(mapTree<{ a: Tensor }>(relu, { a: x }).a.shape, [2, 2]);
  assertStringIncludes(refusal(relu as unknown as Untyped, x, { slope: 1 }), "an object of slope");
  assertStringIncludes(
    refusal(relu as unknown as Untyped, x, 0, 1),
    "found 0 beyond its 1 argument.",
  );
});
