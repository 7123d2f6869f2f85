import { assert, assertEquals } from "@std/assert";
import { evaluate } from "../../src/ir/evaluate.ts";
import { countPrimitives } from "../../src/ir/program.ts";
import { inlineCalls, simplify, trace } from "../../src/transform/mod.ts";
import { conv4Workload } from "../workloads/conv4.ts";

Deno.test("inlineCalls() keeps the meaning and computes common parts once", () => {
  const workload = conv4Workload(
    { way: 2, shot: 1, queries: 1, filters: 2, tasks: 1, innerSteps: 2 },
    { order: "exact" },
  );
  const { program } = trace(workload.fn, workload.args);
  const inlined = inlineCalls(program);
  assert(countPrimitives(program).has("call"));
  assert(!countPrimitives(inlined).has("call"));
  const want = evaluate(program, workload.arrays);
  const got = evaluate(inlined, workload.arrays);
  assertEquals(got.map(({ data }) => data), want.map(({ data }) => data));
  // 2 inner steps and the outer pass with 4 layers each; recomputing would make it 2 x 4 more.
  const convolutions = (nodes: typeof program.nodes): number =>
    nodes.reduce((sum, { primitive, params }) => {
      const inner = primitive.lower.kind === "call"
        ? convolutions(primitive.lower.program(params).nodes)
        : 0;
      return sum + inner + (primitive.name === "conv2d" ? 1 : 0);
    }, 0);
  const recomputed = convolutions(simplify(program).nodes);
  const kept = convolutions(simplify(inlined).nodes);
  assertEquals(recomputed - kept, 8);
});
