import { assertEquals } from "@std/assert";
import { evaluate } from "../../src/ir/evaluate.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { broadcast, type BroadcastParams } from "../../src/ops/broadcast.ts";
import { trace } from "../../src/transform/mod.ts";
import { shareBroadcasts } from "../../src/transform/share_broadcasts.ts";

type Place = readonly [shape: readonly number[], axes: readonly number[]];

function broadcasts(shape: readonly number[], places: readonly Place[]): Program {
  const fn = (x: Tensor) => places.map(([to, axes]) => broadcast(x, to, axes));
  return trace(fn, [{ shape, dtype: "f32" }]).program;
}

/** For each result, the shape of what is repeated, and where its axes go. */
function sources(program: Program): [readonly number[], readonly number[]][] {
  return program.outputs.map(({ node }) => [
    node.inputs[0]!.shape,
    (node.params as BroadcastParams).axes,
  ]);
}

Deno.test("shareBroadcasts() repeats the smallest repetition of an input", () => {
  const places: Place[] = [[[4, 5, 6, 3], [3]], [[4, 3], [1]], [[7, 4, 3], [2]]];
  const program = broadcasts([3], places);
  const shared = shareBroadcasts(program);
  assertEquals(sources(shared), [[[4, 3], [0, 3]], [[3], [1]], [[4, 3], [1, 2]]]);
  const x = [ndArray({ shape: [3], dtype: "f32" }, [1, 2, 3])];
  assertEquals(evaluate(shared, x), evaluate(program, x));
});

Deno.test("shareBroadcasts() leaves what is no repetition of another", () => {
  const refused: [readonly number[], Place[]][] = [
    // Another number of times, before instead of behind, axes that do not fit between.
    [[3], [[[5, 6, 3], [2]], [[4, 3], [1]]]],
    [[3], [[[3, 4], [0]], [[4, 4, 3], [2]]]],
    [[3, 2], [[[3, 4, 2], [0, 2]], [[4, 3, 2, 5], [1, 2]]]],
    [[3], [[[3, 4, 4], [0]], [[4, 3], [1]]]],
    [[3], [[[9, 3], [1]]]],
  ];
  for (const [shape, places] of refused) {
    const program = broadcasts(shape, places);
    assertEquals(sources(shareBroadcasts(program)), sources(program));
  }
});
