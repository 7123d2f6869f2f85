/** What placebos change of an inner loss, and what they must leave as it is; in float64. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { lossWithMetrics } from "../../src/meta/bilevel_problem.ts";
import type { Params } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { randomKey, splitKey, uniform } from "../../src/random/mod.ts";
import { add, constant, mul, sum, valuesOf } from "../../src/tensor/mod.ts";
import {
  adaptToTasks,
  type InnerLoss,
  type MetaObjective,
  metaObjective,
  type MetaTraining,
  type Placebo,
  randomDirection,
  shuffledTargets,
  signFlipped,
  weightNoise,
} from "../../src/train/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { flatten, mapTree } from "../../src/tree/tree.ts";
import { relativeError } from "../meta/host.ts";
import {
  brightness,
  computed,
  EMBEDDING,
  gradientsOf,
  learner,
  SIZE,
  startOf,
  stepOf,
  table,
} from "./small_learner.ts";

type Images = { readonly images: Tensor };
type Inner = InnerLoss<Params, Images, object>;

const task = brightness("bright", 1);
const inner: Inner = (params, head, { images }, { key }) =>
  task.loss({
    encode: (views) => learner.encoder.apply(params, state, views, { training: true }).output,
    ...{ head, images, key },
  });
const state = { flatten: {}, body: {} };
const params = learner.encoder.init(randomKey(0)).params;
const head = task.initHead(randomKey(1), EMBEDDING);
const batch = { images: uniform(randomKey(2), [4, SIZE, SIZE, 3]) };
const context = (key: Tensor) => ({ key, constants: {} });

const gradientOf = (loss: Inner, key: Tensor): Params =>
  grad((given: Params) => lossWithMetrics(loss(given, head, batch, context(key)), "inner").loss)(
    params,
  );
const leavesOf = (tree: unknown): Float64Array[] => flatten<Float64Array>(tree).leaves as never;
const norm = (parts: readonly Float64Array[]) => Math.hypot(...parts.flatMap((part) => [...part]));

/** Product of the Hessian by the backbone with a fixed direction. */
function curvature(loss: Inner, key: Tensor): Float64Array[] {
  const along = mapTree<Params>((x: Tensor) => uniform(randomKey(7), x.shape), params);
  const product = grad((given: Params) => {
    const gradient = grad((own: Params) =>
      lossWithMetrics(loss(own, head, batch, context(key)), "inner").loss
    )(given);
    return flatten<Tensor>(
      mapTree((g: Tensor, v: Tensor) => sum(mul(g, v)), gradient, along),
    ).leaves.reduce(add);
  })(params);
  return leavesOf(computed(product));
}

const placebos = [randomDirection(), weightNoise(), signFlipped()];
const [key, otherKey] = splitKey(randomKey(5), 2) as [Tensor, Tensor];

Deno.test("placebos keep value, metrics and the gradient of the head", () => {
  const all = (loss: Inner) =>
    computed([
      lossWithMetrics(loss(params, head, batch, context(key)), "inner"),
      grad((given: Params) =>
        lossWithMetrics(loss(params, given, batch, context(key)), "inner").loss
      )(head),
    ]);
  for (const placebo of placebos) {
    assert(relativeError(all(placebo.inner!(inner)), all(inner)) < 1e-12, placebo.name);
  }
});

Deno.test("random directions and noise are as long as the gradient, in another direction, without curvature", () => {
  const real = leavesOf(computed(gradientOf(inner, key)));
  assert(norm(curvature(inner, key)) > 1e-3);
  for (const placebo of [randomDirection(), weightNoise()]) {
    const loss = placebo.inner!(inner);
    const [once, again, other] = [key, key, otherKey].map((k) =>
      leavesOf(computed(gradientOf(loss, k)))
    ) as [Float64Array[], Float64Array[], Float64Array[]];
    assertEquals(once, again);
    assertNotEquals(once, other);
    assertAlmostEquals(norm(once), norm(real), 1e-12);
    const cosine = once.reduce(
      (total, part, k) => total + part.reduce((inside, x, i) => inside + x * real[k]![i]!, 0),
      0,
    ) / norm(once) / norm(real);
    assert(Math.abs(cosine) < 0.5, `${placebo.name}: ${cosine}`);
    const ratios = once.map((part, k) => norm([part]) / norm([real[k]!]));
    const even = ratios.every((ratio) => Math.abs(ratio - 1) < 1e-10);
    assertEquals(even, placebo.name === "weight-noise", `${placebo.name}: ${ratios}`);
    assertEquals(norm(curvature(loss, key)), 0, placebo.name);
  }
});

Deno.test("sign-flipped turns the gradient and the curvature round", () => {
  const flipped = signFlipped().inner!(inner);
  const minus = (parts: readonly Float64Array[]) => parts.map((part) => part.map((x) => -x));
  const real = leavesOf(computed(gradientOf(inner, key)));
  assert(relativeError(leavesOf(computed(gradientOf(flipped, key))), minus(real)) < 1e-12);
  assert(relativeError(curvature(flipped, key), minus(curvature(inner, key))) < 1e-12);
});

Deno.test("shuffled-targets permutes whole embeddings, anew for every key", () => {
  const rows = Array.from({ length: 12 }, (_, k) => [k, -k]);
  const shuffled = (k: Tensor) => {
    const values = valuesOf(shuffledTargets().encode!(constant(rows), k));
    return rows.map((_, row) => values.slice(2 * row, 2 * row + 2));
  };
  const [first, second] = [shuffled(key), shuffled(otherKey)];
  assertEquals(first.toSorted(([a], [b]) => a! - b!).map(String), rows.map(String));
  assertNotEquals(first, rows);
  assertNotEquals(first, second);
});

function meta(placebo: Placebo | undefined, innerRate = 0.5) {
  return metaObjective(learner, {
    tasks: [brightness("bright", 1), brightness("bright2", 1)],
    inner: { innerSteps: 2, innerRate, optimizer: sgd() },
    order: "exact",
    heads: { own: 1, outer: 0 },
    ...(placebo && { placebo }),
  });
}

Deno.test("in a step of meta-training a placebo changes what the backbone learns, at no rate of 0", () => {
  const real = gradientsOf(meta(undefined))["encoder"];
  const found = new Map<string, unknown>();
  for (const placebo of [...placebos, shuffledTargets()]) {
    const changed = gradientsOf(meta(placebo));
    assert(relativeError(changed["encoder"], real) > 1e-3, placebo.name);
    found.set(placebo.name, changed["encoder"]);
    const still = relativeError(
      gradientsOf(meta(placebo, 0))["encoder"],
      gradientsOf(meta(undefined, 0))["encoder"],
    );
    assert(still < 1e-12, `${placebo.name}: ${still}`);
  }
  for (const [name, gradient] of found) {
    for (const [other, another] of found) {
      if (name !== other) assert(relativeError(gradient, another) > 1e-3, `${name}, ${other}`);
    }
  }
});

Deno.test("placebos draw anew for every step and every task", () => {
  const stepped = (objective: MetaObjective, step: number) =>
    computed(stepOf(objective, { step }).training.params);
  // Without a placebo nothing is drawn: both steps and both tasks are the same.
  const apart = (placebo: Placebo | undefined) => {
    const objective = meta(placebo);
    const { params, state } = startOf(objective) as MetaTraining;
    const { bright } = params.pretext;
    const rows = constant([1, 4, 5, 6], { dtype: "i32" });
    const copies = adaptToTasks(objective.meta)(
      { params: { ...params, pretext: { bright: bright!, bright2: bright! } }, state },
      table,
      key,
      { bright: rows, bright2: rows },
    );
    return [
      relativeError(stepped(objective, 0), stepped(objective, 1)),
      relativeError(computed(copies["bright"]), computed(copies["bright2"])),
    ];
  };
  assertEquals(apart(undefined), [0, 0]);
  for (const placebo of [randomDirection(), weightNoise(), shuffledTargets()]) {
    for (const error of apart(placebo)) assert(error > 1e-6, placebo.name);
  }
});
