/**
 * The arms of cifar-hypothesis against PyTorch: what each does at every step, what it is judged by, and
 * by which statistics. `tests/study/pytorch/protocol.py` has written the numbers.
 */
import { assert, assertEquals } from "@std/assert";
import { openEngine } from "../../src/engine/mod.ts";
import { type Numbers, runArms } from "./pytorch/arms.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

/** All numbers of a tree with their paths. */
function* numbersOf(tree: unknown, path = ""): Generator<readonly [string, number]> {
  if (typeof tree === "number") yield [path, tree];
  else {for (const [key, value] of Object.entries(tree as object)) {
      yield* numbersOf(value, `${path} ${key}`);
    }}
}

Deno.test("every arm of cifar-hypothesis is trained and judged as PyTorch does it", async () => {
  using engine = await openEngine("reference", { float64: true });
  const { numbers } = await runArms(engine);
  assertEquals(Object.keys(numbers.phases).sort(), Object.keys(golden.phases).sort());
  assertEquals(Object.keys(numbers.tests).sort(), Object.keys(golden.tests).sort());
  const found = new Map(numbersOf(numbers satisfies Numbers));
  let count = 0;
  for (const [path, expected] of numbersOf(golden)) {
    const actual = found.get(path);
    assert(actual !== undefined, `${path}: nothing, where PyTorch has ${expected}`);
    // Judgements are read as float32.
    const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
    assert(error < 1e-6, `${path}: ${actual}, where PyTorch has ${expected}`);
    count++;
  }
  assert(count > 1000, `compared ${count} numbers`);
});
