import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import * as multitask from "../../src/multitask/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import { add, eye, mul, slice, sum, valuesOf } from "../../src/tensor/mod.ts";
import { direct, weigh } from "./weigh.ts";

Deno.test("fixed and similarity weights check what they are given", () => {
  assertThrows(() => multitask.fixedWeighting([]), RangeError, "expected finite numbers");
  assertThrows(() => multitask.fixedWeighting([-1, 2]), RangeError, "expected finite numbers");
  assertThrows(() => multitask.fixedWeighting([0, 0]), RangeError, "at least one of them above 0");
  assertThrows(
    () => weigh(multitask.fixedWeighting([1]), eye(2)),
    TypeError,
    "Cannot weigh 2 tasks by 1 fixed weights",
  );
  assertThrows(
    () => weigh(multitask.similarityWeighting({ wanted: 2 }), eye(2)),
    RangeError,
    "from 0 below 2",
  );
  const rows = normal(randomKey(3), [3, 4]);
  const { weights, grad: found } = direct(multitask.similarityWeighting({ wanted: 1 }), rows);
  assertAlmostEquals(valuesOf(weights)[1]!, 1, 1e-12);
  assert(valuesOf(sum(mul(found, slice(rows, [1]))))[0]! > 0);
  assertEquals(valuesOf(add(found, 0)).length, 4);
});
