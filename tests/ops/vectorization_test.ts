import { trace, vmap } from "../../src/transform/mod.ts";
import {
  assertAdjoint,
  assertForward,
  assertVectorized,
  gradientOf,
  run,
  stack,
  type Subject,
  subjectOf,
  subsets,
} from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";
import { assertEquals } from "@std/assert";

const seeds = [1, 2, 3];

for (const entry of primitiveCases) {
  Deno.test(`vectorization of ${entry.name}: every subset of operands, before and after differentiation`, () => {
    const subjects = seeds.map((seed) => subjectOf(entry, seed));
    const examples = subjects.map(({ point }) => point);
    const [value] = subjects;
    const isFloat = trace(entry.build, entry.avals).program.outputs[0]!.dtype === "f32";
    for (const mapped of subsets(entry.avals.length)) {
      assertVectorized(value!, examples, mapped);
      if (isFloat && entry.differentiable.length > 0) {
        assertVectorized(gradientOf(value!), examples, mapped);
        const batched: Subject = {
          name: `vmap of ${entry.name}`,
          fn: (...args) => vmap(value!.fn, mapped.map((is) => is ? 0 : null))(...args),
          point: mapped.map((is, k) =>
            is ? stack(examples.map((example) => example[k]!)) : examples[0]![k]!
          ),
          varying: entry.differentiable,
        };
        assertForward(batched);
        assertAdjoint(batched);
      }
    }
  });
}

Deno.test("evaluation is repeatable and leaves its operands alone", () => {
  for (const entry of primitiveCases) {
    const { fn, point } = subjectOf(entry);
    const before = structuredClone(point);
    const first = structuredClone(run(fn, point));
    assertEquals(run(fn, point), first, entry.name);
    assertEquals([...point], before, entry.name);
  }
});
