/** Tasks on two views of an image. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { Encode, PretextTask } from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import {
  add,
  concat,
  constant,
  dot,
  mean,
  mul,
  reshape,
  sub,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { flatten, mapTree } from "../../src/tree/tree.ts";
import { viewMetrics } from "../../src/pretext/two_views.ts";
import { BATCH, images, shown, SIZE, TASKS } from "./fixtures.ts";

Deno.test("contrastive cannot tell partners where all images are alike", () => {
  const one = uniform(randomKey(4), [1, SIZE, SIZE, 3]);
  const same = concat([one, one, one, one]);
  const task = pretext.contrastive({ augment: (x) => x, projection: 4 });
  const encode: Encode = (x) => mean(x, { axes: [1, 2] });
  const { loss, metrics } = task.loss({
    encode,
    head: task.initHead(randomKey(2), 3),
    images: same,
    key: randomKey(3),
  });
  assertAlmostEquals(valuesOf(loss)[0]!, Math.log(2 * BATCH - 1), 1e-9);
  assertAlmostEquals(valuesOf(metrics["alignment"]!)[0]!, 1, 1e-9);
});

/** A backbone without parameters that keeps all pixels of images of 4 x 4. */
const pixels: Encode = (x) => reshape(x, [x.shape[0]!, 48]);

/** A stand-in for what augmentations do: the same images with a little noise. */
const noisy = (x: Tensor, key: Tensor): Tensor => add(x, mul(uniform(key, x.shape), 0.05));

const siamese: Record<string, PretextTask> = {
  contrastive: pretext.contrastive({ projection: 6, hidden: 8, augment: noisy }),
  barlowTwins: pretext.barlowTwinsTask({ projection: 6, augment: noisy }),
  simSiam: pretext.simSiam({ projection: 6, augment: noisy }),
  vicReg: pretext.vicRegTask({ projection: 6, augment: noisy }),
};

for (const [name, task] of Object.entries(siamese)) {
  Deno.test(`${name} aligns views without collapsing when its head learns`, () => {
    const batch = uniform(randomKey(8), [8, 4, 4, 3]);
    let head = task.initHead(randomKey(1), 48);
    const fn = (own: Params, key: Tensor): Tensor =>
      task.loss({ encode: pixels, head: own, images: batch, key }).loss;
    const at = (own: Params): number => valuesOf(fn(own, randomKey(99)))[0]!;
    const before = at(head);
    for (let step = 0; step < 20; step++) {
      const gradient = grad(fn)(head, randomKey(step));
      head = mapTree<Params>(
        (p: Tensor, g: Tensor) => {
          const next = sub(p, mul(g, 0.05));
          return constant(valuesOf(next), { shape: next.shape });
        },
        head,
        gradient,
      );
    }
    const { metrics } = task.loss({ encode: pixels, head, images: batch, key: randomKey(99) });
    assert(at(head) < before, `${at(head)} after, ${before} before`);
    assert(valuesOf(metrics["spread"]!)[0]! > 0.3, "the views collapsed");
  });
}

Deno.test("simSiam sends no gradient through the projections that are predicted", () => {
  const task = pretext.simSiam({ projection: 6, augment: noisy });
  const head = task.initHead(randomKey(1), 48);
  const batch = uniform(randomKey(8), [4, 4, 4, 3]);
  const fn = (own: Params): Tensor =>
    task.loss({ encode: pixels, head: own, images: batch, key: randomKey(2) }).loss;
  const slope = grad(fn)(head);
  const step = mapTree<Params>((g: Tensor) => mul(g, 1e-6), slope);
  const moved = (part: string): Params => ({
    ...head,
    [part]: mapTree<Params>((p: Tensor, d: Tensor) => sub(p, d), head[part], step[part]),
  });
  const decrease = (part: string): number =>
    (valuesOf(fn(head))[0]! - valuesOf(fn(moved(part)))[0]!) / 1e-6;
  const squared = (part: string): number =>
    flatten<Tensor>(slope[part]).leaves
      .reduce((total, leaf) => total + valuesOf(dot(leaf, leaf))[0]!, 0);
  // The predictor's gradient is the derivative; the projector's is only the part through one view.
  assertAlmostEquals(decrease("predictor") / squared("predictor"), 1, 1e-3);
  assert(Math.abs(decrease("projector") / squared("projector") - 1) > 0.05);
});

Deno.test("spread is 1 for vectors all over the sphere, and 0 for one point", () => {
  const axes = [[1, 0], [-1, 0], [0, 1], [0, -1]];
  const spread = (vectors: readonly (readonly number[])[]): number =>
    valuesOf(viewMetrics(constant(vectors)).spread)[0]!;
  assertAlmostEquals(spread([...axes, ...axes]), 1, 1e-9);
  assertAlmostEquals(spread([[3, 4], [6, 8]]), 0, 1e-5);
});

Deno.test("supervisedContrastive pulls views of a class together, not of an image alone", () => {
  const task = pretext.supervisedContrastiveTask({ projection: 4, augment: (x) => x });
  const head = task.initHead(randomKey(0), 3);
  const encode: Encode = (x) => mean(x, { axes: [1, 2] });
  const run = (values: readonly number[]): number => {
    const labels = constant(values, { dtype: "i32" });
    return valuesOf(task.loss({ encode, head, images, labels, key: randomKey(3) }).loss)[0]!;
  };
  assertNotEquals(run([0, 1, 2, 3]), run([0, 0, 1, 1]));
  assertThrows(
    () => task.loss({ encode, head, images, key: randomKey(3) }),
    TypeError,
    "supervised-contrastive: found no labels",
  );
});

Deno.test("contrastive pairs the two views of an image, each drawn on its own", () => {
  const [seen] = shown(pretext.contrastive({ augment: (x) => x }));
  assertEquals(seen!.slice(0, images.size), seen!.slice(images.size));
  const [drawn] = shown(TASKS["contrastive"]!);
  assertNotEquals(drawn!.slice(0, images.size), drawn!.slice(images.size));
});
