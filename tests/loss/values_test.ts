import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  accuracy,
  barlowTwins,
  binaryCrossEntropy,
  meanSquaredError,
  ntXent,
  prototypeLogits,
  softmaxCrossEntropy,
  supervisedContrastive,
  vicReg,
} from "../../src/loss/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import { constant, mul, takeRows, valuesOf, zeros } from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { f32 } from "../cases/case.ts";
import { assertAdjoint, assertForward, assertVectorized, gradientOf } from "../cases/laws.ts";
import { type CompositeCase, subjectFrom } from "../tensor/fixtures.ts";

const labels = constant([2, 0, 1, 2], { dtype: "i32" });

function chunked(values: readonly number[], width: number): number[][] {
  return Array.from(
    { length: values.length / width },
    (_, k) => values.slice(k * width, (k + 1) * width),
  );
}

Deno.test("softmaxCrossEntropy() is the mean negative log-probability of the target", () => {
  const logits = normal(randomKey(0), [4, 3], { deviation: 3 });
  for (const labelSmoothing of [0, 0.1, 1]) {
    const expected = chunked(valuesOf(logits), 3).map((row, k) => {
      const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
      return row.reduce((sum, x, c) => {
        const hit = c === valuesOf(labels)[k] ? 1 - labelSmoothing : 0;
        return sum - (hit + labelSmoothing / 3) * Math.log(Math.exp(x) / total);
      }, 0);
    }).reduce((a, b) => a + b) / 4;
    const loss = softmaxCrossEntropy(logits, labels, { labelSmoothing });
    assertAlmostEquals(valuesOf(loss)[0]!, expected, 1e-12);
  }
  const sure = softmaxCrossEntropy(mul(logits, 1e5), labels);
  assert(Number.isFinite(valuesOf(sure)[0]!));
});

Deno.test("accuracy() counts the first largest logit and has no derivative", () => {
  const logits = constant([[0, 1, 2], [3, 1, 3], [1, 1, 1], [0, 1, 0]]);
  assertEquals(valuesOf(accuracy(logits, labels)), [0.5]);
  const slope = grad((x: Tensor) => accuracy(x, labels))(logits);
  assertEquals(valuesOf(slope), new Array(12).fill(0));
});

Deno.test("binaryCrossEntropy() and meanSquaredError() agree with their formulas", () => {
  const [x, z] = [[-3, 0.5, 2], [0, 1, 0.25]];
  const s = x.map((value) => 1 / (1 + Math.exp(-value)));
  const expected = s.map((p, k) => -z[k]! * Math.log(p) - (1 - z[k]!) * Math.log(1 - p));
  const loss = binaryCrossEntropy(constant(x), constant(z));
  assertAlmostEquals(valuesOf(loss)[0]!, expected.reduce((a, b) => a + b) / 3, 1e-12);
  assertEquals(valuesOf(binaryCrossEntropy(constant([-1e4]), constant([0]))), [0]);
  const squares = x.map((value, k) => (value - z[k]!) ** 2).reduce((a, b) => a + b) / 3;
  assertAlmostEquals(valuesOf(meanSquaredError(constant(x), constant(z)))[0]!, squares, 1e-12);
});

Deno.test("ntXent() is equation 1 of SimCLR", () => {
  for (const temperature of [0.1, 0.5, 2]) {
    const embeddings = normal(randomKey(1), [6, 4]);
    const rows = chunked(valuesOf(embeddings), 4);
    const cosine = (a: number[], b: number[]): number => {
      const dot = (u: number[], v: number[]): number => u.reduce((sum, x, k) => sum + x * v[k]!, 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    const expected = rows.map((row, i) => {
      const power = (j: number): number => Math.exp(cosine(row, rows[j]!) / temperature);
      const others = [0, 1, 2, 3, 4, 5].filter((k) => k !== i).map(power);
      return -Math.log(power((i + 3) % 6) / others.reduce((a, b) => a + b));
    }).reduce((a, b) => a + b) / 6;
    assertAlmostEquals(valuesOf(ntXent(embeddings, { temperature }))[0]!, expected, 1e-10);
  }
});

Deno.test("ntXent() depends on neither scale nor order of the images", () => {
  const embeddings = normal(randomKey(2), [6, 4]);
  const loss = valuesOf(ntXent(embeddings))[0]!;
  const order = constant([1, 2, 0, 4, 5, 3], { dtype: "i32" });
  const swapped = constant([3, 4, 5, 0, 1, 2], { dtype: "i32" });
  assertAlmostEquals(valuesOf(ntXent(mul(embeddings, 7)))[0]!, loss, 1e-12);
  assertAlmostEquals(valuesOf(ntXent(takeRows(embeddings, order)))[0]!, loss, 1e-12);
  assertAlmostEquals(valuesOf(ntXent(takeRows(embeddings, swapped)))[0]!, loss, 1e-12);
  const wrong = constant([0, 1, 2, 4, 5, 3], { dtype: "i32" });
  assert(Math.abs(valuesOf(ntXent(takeRows(embeddings, wrong)))[0]! - loss) > 1e-3);
});

/** Columns of a row-major matrix. */
function columnsOf(x: Tensor): number[][] {
  const rows = chunked(valuesOf(x), x.shape[1]!);
  return rows[0]!.map((_, j) => rows.map((row) => row[j]!));
}

const average = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

/** Covariance of two columns, divided by `n - correction`. */
function covariance(a: readonly number[], b: readonly number[], correction = 0): number {
  const [x, y] = [average(a), average(b)];
  const total = a.reduce((sum, value, k) => sum + (value - x) * (b[k]! - y), 0);
  return total / (a.length - correction);
}

const [firstViews, secondViews] = [3, 4].map((seed) => normal(randomKey(seed), [5, 3]));

Deno.test("barlowTwins() is equation 1 of its paper", () => {
  const [a, b] = [firstViews!, secondViews!].map(columnsOf);
  let expected = 0;
  a!.forEach((one, i) =>
    b!.forEach((other, j) => {
      const deviation = (x: number[]): number => Math.sqrt(covariance(x, x) + 1e-5);
      const correlation = covariance(one, other) / (deviation(one) * deviation(other));
      expected += i === j ? (1 - correlation) ** 2 : 0.02 * correlation ** 2;
    })
  );
  const loss = barlowTwins(firstViews!, secondViews!, { redundancy: 0.02 });
  assertAlmostEquals(valuesOf(loss)[0]!, expected, 1e-10);
});

Deno.test("vicReg() is the sum of its three terms", () => {
  const [a, b] = [firstViews!, secondViews!].map(columnsOf);
  const distance = average(a!.flatMap((column, j) => column.map((x, k) => (x - b![j]![k]!) ** 2)));
  const hinge = (columns: number[][]): number =>
    average(columns.map((x) => Math.max(0, 1 - Math.sqrt(covariance(x, x, 1) + 1e-4))));
  const redundancy = (columns: number[][]): number =>
    columns.flatMap((x, i) => columns.map((y, j) => i === j ? 0 : covariance(x, y, 1) ** 2))
      .reduce((sum, value) => sum + value, 0) / 3;
  const expected = 7 * distance + 5 * (hinge(a!) + hinge(b!)) / 2 +
    2 * (redundancy(a!) + redundancy(b!));
  const loss = vicReg(firstViews!, secondViews!, { invariance: 7, variance: 5, covariance: 2 });
  assertAlmostEquals(valuesOf(loss)[0]!, expected, 1e-10);
});

Deno.test("supervisedContrastive() is equation 2 of its paper, and ntXent() where classes are images", () => {
  const [views, classes] = [normal(randomKey(5), [6, 4]), [0, 1, 0, 2, 0, 1]];
  const rows = chunked(valuesOf(views), 4).map((row) => {
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    return row.map((x) => x / length);
  });
  const power = (i: number, j: number): number =>
    Math.exp(rows[i]!.reduce((sum, x, k) => sum + x * rows[j]![k]!, 0) / 0.5);
  const expected = average(rows.map((_, i) => {
    const others = [0, 1, 2, 3, 4, 5].filter((k) => k !== i);
    const positive = others.filter((k) => classes[k] === classes[i]);
    const total = others.reduce((sum, k) => sum + power(i, k), 0);
    return positive.length === 0 ? 0 : -average(positive.map((p) => Math.log(power(i, p) / total)));
  }));
  const loss = supervisedContrastive(views, constant(classes, { dtype: "i32" }), {
    temperature: 0.5,
  });
  assertAlmostEquals(valuesOf(loss)[0]!, expected, 1e-10);
  const images = constant([0, 1, 2, 0, 1, 2], { dtype: "i32" });
  assertAlmostEquals(
    valuesOf(supervisedContrastive(views, images))[0]!,
    valuesOf(ntXent(views))[0]!,
    1e-10,
  );
});

const one = (
  name: string,
  shape: readonly number[],
  build: (x: Tensor) => Tensor,
): CompositeCase => ({
  name,
  operands: [f32(shape)],
  build: (x) => build(x!),
});
const LOSSES: readonly CompositeCase[] = [
  one(
    "softmaxCrossEntropy",
    [4, 3],
    (x) => softmaxCrossEntropy(x, labels, { labelSmoothing: 0.1 }),
  ),
  one("ntXent", [6, 3], (x) => ntXent(x, { temperature: 0.5 })),
  one("barlowTwins", [5, 3], (x) => barlowTwins(x, secondViews!, { redundancy: 0.5 })),
  one("vicReg", [5, 3], (x) => vicReg(x, secondViews!)),
  one(
    "supervisedContrastive",
    [4, 3],
    (x) => supervisedContrastive(x, labels, { temperature: 0.5 }),
  ),
  one("binaryCrossEntropy", [4], (x) => binaryCrossEntropy(x, constant([0, 1, 0.5, 1]))),
  one("meanSquaredError", [4], (x) => meanSquaredError(x, constant([0, 1, 0.5, 1]))),
];

for (const entry of LOSSES) {
  Deno.test(`${entry.name} obeys the laws of calculus and vectorization`, () => {
    const subject = subjectFrom(entry);
    assertForward(subject, 1e-7);
    assertAdjoint(subject);
    assertForward(gradientOf(subject), 1e-6);
    assertVectorized(subject, [1, 2].map((seed) => subjectFrom(entry, seed).point), [true]);
  });
}

Deno.test("losses throw on operands that do not fit", () => {
  assertThrows(
    () => softmaxCrossEntropy(zeros([3, 2]), labels),
    TypeError,
    "Cannot take the cross-entropy of logits f32[3, 2] and labels i32[4]",
  );
  assertThrows(() => accuracy(zeros([4, 2]), zeros([4])), TypeError, "i32[n]");
  assertThrows(() => softmaxCrossEntropy(zeros([4, 3]), labels, { labelSmoothing: 2 }), RangeError);
  assertThrows(() => ntXent(zeros([5, 2])), TypeError, "Cannot contrast f32[5, 2]");
  assertThrows(() => ntXent(zeros([2, 2])), TypeError, "n from 2");
  assertThrows(() => barlowTwins(zeros([4, 2]), zeros([4, 3])), TypeError, "of one shape");
  assertThrows(() => vicReg(zeros([1, 2]), zeros([1, 2])), TypeError, "with n from 2");
  assertThrows(() => supervisedContrastive(zeros([3, 2]), labels), TypeError, "f32[n, features]");
  assertThrows(() => ntXent(zeros([4, 2]), { temperature: 0 }), RangeError, "temperature 0");
});

Deno.test("prototypeLogits() is minus the squared distance to the mean of each class", () => {
  const support = normal(randomKey(7), [4, 3]);
  const queries = normal(randomKey(8), [5, 3]);
  const rows = chunked(valuesOf(support), 3);
  const of = valuesOf(labels);
  const prototypes = [0, 1, 2].map((label) => {
    const own = rows.filter((_, k) => of[k] === label);
    return [0, 1, 2].map((f) => own.reduce((sum, row) => sum + row[f]!, 0) / own.length);
  });
  const expected = chunked(valuesOf(queries), 3).flatMap((query) =>
    prototypes.map((mean) => -query.reduce((sum, x, f) => sum + (x - mean[f]!) ** 2, 0))
  );
  const logits = prototypeLogits(queries, { support, labels, classes: 3 });
  assertEquals(logits.shape, [5, 3]);
  valuesOf(logits).forEach((value, k) => assertAlmostEquals(value, expected[k]!, 1e-12));
  assertThrows(
    () => prototypeLogits(zeros([5, 2]), { support, labels, classes: 3 }),
    TypeError,
    "found embeddings f32[5, 2], support f32[4, 3] and labels i32[4]",
  );
  assertThrows(() => prototypeLogits(queries, { support, labels, classes: 0 }), RangeError, "0");
});
