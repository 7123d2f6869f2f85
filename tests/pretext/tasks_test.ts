/** Laws of every pretext task. */
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
  concat,
  constant,
  dot,
  flip,
  full,
  mean,
  mul,
  stack,
  sub,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { grad, hvp, vmap } from "../../src/transform/mod.ts";
import { flatten, mapTree, unflatten } from "../../src/tree/tree.ts";
import {
  type Both,
  encodeBy,
  images,
  labels,
  lossOf,
  paramsFor,
  shown,
  SIZE,
  TASKS,
} from "./fixtures.ts";

Deno.test("every task of src/pretext has a row", () => {
  const task = (fn: unknown): boolean =>
    [{}, { classes: 2 }].some((options) => {
      try {
        const made = (fn as (options: object) => unknown)(options);
        return typeof made === "object" && made !== null && "initHead" in made;
      } catch {
        return false;
      }
    });
  const names = Object.entries(pretext).filter(([, fn]) => task(fn)).map(([name]) => name);
  assertEquals(names.sort(), Object.keys(TASKS).sort());
});

for (const [name, task] of Object.entries(TASKS)) {
  Deno.test(`${name} has a finite loss and reaches every parameter, at both orders`, () => {
    const params = paramsFor(task);
    const { loss, metrics } = task.loss({
      encode: encodeBy(params.backbone),
      head: params.head,
      images,
      labels,
      key: randomKey(3),
    });
    assert(valuesOf(loss).every((value) => Number.isFinite(value) && value > 0));
    for (const metric of Object.values(metrics)) {
      assertEquals(metric.shape, []);
      assert(valuesOf(metric).every(Number.isFinite));
    }
    const fn = (both: Both): Tensor => lossOf(task, both);
    const gradient = flatten<Tensor>(grad(fn)(params));
    const second = flatten<Tensor>(hvp(fn)(params, params));
    // A bias in front of a batch normalization has no effect.
    const exempt = ["backbone.embedding.bias"];
    gradient.leaves.forEach((leaf, k) => {
      const path = gradient.paths[k]!;
      const [first, curvature] = [valuesOf(leaf), valuesOf(second.leaves[k]!)];
      assert([...first, ...curvature].every(Number.isFinite), `${path} is not finite`);
      if (exempt.includes(path)) return;
      assert(first.some((value) => Math.abs(value) > 1e-9), `${path} has no gradient`);
      assert(curvature.some((value) => Math.abs(value) > 1e-9), `${path} has no curvature`);
    });
  });

  Deno.test(`${name} gives the same for the same key and something else for another`, () => {
    const params = paramsFor(task);
    const value = (seed: number): number =>
      valuesOf(lossOf(task, params, { key: randomKey(seed) }))[0]!;
    assertEquals(value(5), value(5));
    assertNotEquals(value(5), value(6));
  });

  Deno.test(`${name} encodes once, with images in [0, 1]`, () => {
    const seen = shown(task);
    assertEquals(seen.length, 1);
    assert(seen[0]!.every((value) => value >= 0 && value <= 1));
  });

  // Through one side of SimSiam no gradient goes, so that what is followed is no derivative of the
  // loss, and neither through the overlap that detection asks for; at the edges of enlarged patches equal
  // pixels meet in the backbone's pooling, a kink.
  if (!["simSiam", "detection", "relativePosition"].includes(name)) {
    Deno.test(`a small step along the gradient of ${name} lowers its loss`, () => {
      const params = paramsFor(task);
      const fn = (both: Both): Tensor => lossOf(task, both);
      const gradient = grad(fn)(params);
      const { leaves } = flatten<Tensor>(gradient);
      const squared = leaves.reduce((total, leaf) => total + valuesOf(dot(leaf, leaf))[0]!, 0);
      const rate = 1e-7;
      const moved = mapTree<Both>((p: Tensor, g: Tensor) => sub(p, mul(g, rate)), params, gradient);
      const [before, after] = [params, moved].map((point) => valuesOf(fn(point))[0]!);
      assertAlmostEquals((before! - after!) / (rate * squared), 1, 1e-2);
    });
  }

  Deno.test(`${name} of tasks with own weights is the task one by one`, () => {
    const seeds = [11, 12];
    const all = seeds.map((seed) => paramsFor(task, seed));
    const lists = all.map((params) => flatten<Tensor>(params));
    const together = unflatten<Both>(
      lists[0]!.structure,
      lists[0]!.leaves.map((_, k) => stack(lists.map(({ leaves }) => leaves[k]!))),
    );
    const keys = seeds.map(randomKey);
    const run = (params: Both, key: Tensor): Tensor => lossOf(task, params, { key });
    const mapped = valuesOf(vmap(run)(together, stack(keys)));
    all.forEach((params, k) =>
      assertAlmostEquals(mapped[k]!, valuesOf(run(params, keys[k]!))[0]!, 1e-10)
    );
  });
}

Deno.test("a head can solve rotation when the embedding tells the turn", () => {
  // Bright top edge, dark elsewhere: the means of the four edges give the turn.
  const edge = constant(
    [Array.from({ length: SIZE }, (_, y) => Array.from({ length: SIZE }, () => [y === 0 ? 1 : 0]))],
  );
  const batch = concat(new Array(12).fill(edge));
  const task = pretext.rotation({ hidden: 8 });
  const encode: Encode = (x) => {
    const rows = mean(x, { axes: [2, 3] });
    const columns = mean(x, { axes: [1, 3] });
    return concat([rows, columns, flip(rows, 1)], { axis: 1 });
  };
  let head = task.initHead(randomKey(1), 3 * SIZE);
  const fn = (own: Params, key: Tensor): Tensor =>
    task.loss({ encode, head: own, images: batch, key }).loss;
  for (let step = 0; step < 30; step++) {
    const gradient = grad(fn)(head, randomKey(step));
    head = mapTree<Params>(
      (p: Tensor, g: Tensor) => {
        const next = sub(p, mul(g, 0.5));
        return constant(valuesOf(next), { shape: next.shape });
      },
      head,
      gradient,
    );
  }
  const { metrics } = task.loss({ encode, head, images: batch, key: randomKey(77) });
  assertEquals(valuesOf(metrics["accuracy"]!), [1]);
});

Deno.test("tasks throw on images they cannot use", () => {
  const encode: Encode = (x) => mean(x, { axes: [1, 2] });
  const run = (task: PretextTask, shape: readonly number[]): void => {
    const head = task.initHead(randomKey(0), 3);
    task.loss({ encode, head, images: uniform(randomKey(0), shape), key: randomKey(0) });
  };
  assertThrows(() => run(pretext.rotation(), [2, 4, 6, 3]), TypeError, "square images");
  assertThrows(() => run(pretext.jigsaw(), [2, 8, 10, 3]), RangeError, "with a gap of 4");
  assertThrows(() => run(pretext.colorization(), [2, 8, 8, 3]), TypeError, "imageSize: 8");
  assertThrows(() => pretext.colorization({ mapSize: 5 }), RangeError, "divides the image");
  assertThrows(() => run(pretext.maskedAutoencoding(), [2, 8, 8, 3]), TypeError, "imageSize: 8");
  assertThrows(() => pretext.maskedAutoencoding({ patch: 5 }), RangeError, "divides the image");
  assertThrows(() => pretext.maskedAutoencoding({ ratio: 1 }), RangeError, "one visible");
  assertThrows(() => pretext.inpainting({ hole: 32 }), RangeError, "from 1 to 31");
  const needPairs = [
    "barlowTwinsTask",
    "contrastive",
    "exemplar",
    "simSiam",
    "vicRegTask",
  ] as const;
  for (const name of needPairs) {
    assertThrows(() => run(pretext[name](), [1, 8, 8, 3]), RangeError, "two images or more");
  }
});

for (const [name, task] of Object.entries(TASKS)) {
  Deno.test(`${name} hides nothing that has diverged: its loss and all metrics are NaN`, () => {
    const params = paramsFor(task);
    const { loss, metrics } = task.loss({
      // Of a backbone that has diverged, and of images that are none.
      encode: (...given) => mul(encodeBy(params.backbone)(...given), full([], { value: NaN })),
      head: params.head,
      images: full(images.shape, { value: NaN }),
      labels,
      key: randomKey(3),
    });
    const found = { loss, ...metrics };
    const numbers = Object.entries(found).filter(([, tensor]) =>
      !Number.isNaN(valuesOf(tensor)[0])
    );
    assertEquals(numbers.map(([metric]) => metric), []);
  });
}
