import { assertEquals } from "@std/assert";
import { grad } from "../../src/transform/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import { assertAdjoint, assertForward, assertVectorized, gradientOf } from "../cases/laws.ts";
import { subjectFrom } from "./fixtures.ts";
import { ALL_COMPOSITES } from "./more_fixtures.ts";

for (const entry of ALL_COMPOSITES) {
  Deno.test(`${entry.name} obeys the laws of calculus and vectorization`, () => {
    const subject = subjectFrom(entry);
    assertForward(subject);
    assertAdjoint(subject);
    assertForward(gradientOf(subject), 1e-7);
    const examples = [1, 2, 3].map((seed) => subjectFrom(entry, seed).point);
    assertVectorized(subject, examples, subject.point.map(() => true));
    if (subject.point.length > 1) {
      assertVectorized(subject, examples, subject.point.map((_, k) => k === 0));
      assertVectorized(subject, examples, subject.point.map((_, k) => k !== 0));
    }
  });
}

Deno.test("every differentiable function of src/tensor has a case", () => {
  const exempt = [
    // Constants and readers.
    ...["constant", "full", "zeros", "ones", "zerosLike", "onesLike", "range", "eye", "valuesOf"],
    // Without derivative, by meaning.
    ...["sign", "floor", "logicalNot", "equal", "notEqual", "less", "lessEqual", "greater"],
    ...["greaterEqual", "logicalAnd", "logicalOr", "argMax", "oneHot", "convert", "stopGradient"],
    ...["isNan", "isFinite", "round", "ceil", "trunc", "argSort"],
  ];
  const covered = ALL_COMPOSITES.map(({ name }) => name.split(" ")[0]);
  const missing = Object.keys(t).filter((name) =>
    !covered.includes(name) && !exempt.includes(name)
  );
  assertEquals(missing, []);
});

Deno.test("activations have the documented derivative at their kinks", () => {
  const slope = (fn: (x: ReturnType<typeof t.constant>) => ReturnType<typeof t.constant>): number =>
    t.valuesOf(grad(fn)(t.constant(0)))[0]!;
  assertEquals(slope(t.relu), 0);
  assertEquals(slope((x) => t.leakyRelu(x, { slope: 0.25 })), 0.25);
  assertEquals(slope(t.abs), 0);
  assertEquals(slope(t.softplus), 0.5);
  assertEquals(slope((x) => t.elu(x)), 1);
});

Deno.test("functions without derivative give zero, not an error", () => {
  const fns = [t.sign, t.floor, t.stopGradient];
  for (const fn of fns) assertEquals(t.valuesOf(grad(fn)(t.constant(1.5))), [0]);
  const viaInteger = (x: ReturnType<typeof t.constant>) => t.convert(t.convert(x, "i32"), "f32");
  assertEquals(t.valuesOf(grad(viaInteger)(t.constant(1.5))), [0]);
});

Deno.test("softmax and its relatives stay finite for large scores", () => {
  const scores = t.constant([1e4, 0, -1e4]);
  assertEquals(t.valuesOf(t.softmax(scores)), [1, 0, 0]);
  assertEquals(t.valuesOf(t.logSoftmax(scores)), [0, -1e4, -2e4]);
  assertEquals(t.valuesOf(t.logSumExp(scores)), [1e4]);
  assertEquals(t.valuesOf(t.softplus(t.constant([1e4, -1e4]))), [1e4, 0]);
  const slope = t.valuesOf(grad((x: typeof scores) => t.logSumExp(x))(scores));
  assertEquals(slope, [1, 0, 0]);
});
