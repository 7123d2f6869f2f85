/** What tasks show to people. */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { PretextInputs, PretextLoss, PretextTask } from "../../src/pretext/mod.ts";
import { barPictures } from "../../src/pretext/bar_pictures.ts";
import { viewPictures } from "../../src/pretext/two_views.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { constant, mul, ones, valuesOf } from "../../src/tensor/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { BATCH, EMBEDDING, encodeBy, images, labels, paramsFor, SIZE, TASKS } from "./fixtures.ts";

function lossOf(task: PretextTask, seed: number, given: Partial<PretextInputs> = {}): PretextLoss {
  const { backbone, head } = paramsFor(task, seed);
  return task.loss({
    encode: encodeBy(backbone),
    head,
    images,
    labels,
    key: randomKey(3),
    ...given,
  });
}

/** The pixels of each picture of a batch. */
function each(pictures: Tensor): number[][] {
  const [count] = pictures.shape;
  const values = valuesOf(pictures);
  const size = values.length / count!;
  return Array.from({ length: count! }, (_, k) => values.slice(k * size, (k + 1) * size));
}

for (const [name, task] of Object.entries(TASKS)) {
  Deno.test(`${name} draws input, target and prediction`, () => {
    const { input, target, prediction } = lossOf(task, 2).pictures();
    for (const picture of [input, target, prediction]) {
      assertEquals(picture.rank, 4);
      assertEquals(picture.shape[0], input.shape[0]);
      assert([1, 3].includes(picture.shape[3]!), `${picture.shape}`);
      assert(valuesOf(picture).every(Number.isFinite));
    }
    assertEquals(prediction.shape, target.shape);
    for (const value of [...valuesOf(input), ...valuesOf(target)]) {
      assert(value >= -1e-6 && value <= 1 + 1e-6, `${value}`);
    }
    // The target is that of the data, the prediction that of the model.
    const others = [11, 12, 13].map((seed) => lossOf(task, seed).pictures());
    for (const other of others) {
      assertEquals(valuesOf(other.input), valuesOf(input));
      assertEquals(valuesOf(other.target), valuesOf(target));
    }
    const drawn = others.map((other) => valuesOf(other.prediction).join());
    assert(new Set(drawn).size > 1, "every model draws the same");
  });
}

/** Tasks whose metric says in how many pictures the prediction is the target, image by image. */
const TOLD: Record<string, PretextTask> = {
  rotation: pretext.rotation({ hidden: 8 }),
  "rotation, all turns": pretext.rotation({ hidden: 8, turns: "all" }),
  jigsaw: pretext.jigsaw({ gap: 1, hidden: 8 }),
  "jigsaw, tiles": pretext.jigsaw({ gap: 1, hidden: 8, view: "tiles" }),
  "relative position": pretext.relativePosition({ gap: 0, hidden: 8 }),
};

for (const [name, task] of Object.entries(TOLD)) {
  Deno.test(`the picture of ${name} is the target where the answer is right, and only there`, () => {
    const found = new Set<boolean>();
    const batch = uniform(randomKey(9), [24, SIZE, SIZE, 3]);
    for (let seed = 0; seed < 4; seed++) {
      const given = { images: batch, key: randomKey(20 + seed) };
      const { metrics, pictures } = lossOf(task, seed, given);
      const { target, prediction } = pictures();
      const [right, told] = [each(target), each(prediction)];
      const same = right.map((values, k) => values.every((value, at) => value === told[k]![at]));
      same.forEach((is) => found.add(is));
      const share = same.filter((is) => is).length / same.length;
      assertAlmostEquals(share, valuesOf(metrics["accuracy"]!)[0]!, 1e-12);
    }
    assertEquals(found.size, 2, "all right, or all wrong: nothing was compared");
  });
}

Deno.test("the picture of rotation is the image itself, turned back", () => {
  assertEquals(valuesOf(lossOf(TASKS["rotation"]!, 2).pictures().target), valuesOf(images));
});

for (const name of ["inpainting", "maskedAutoencoding"]) {
  Deno.test(`${name} paints into what is hidden, and nowhere else`, () => {
    const task = TASKS[name]!;
    const { loss, metrics, pictures } = lossOf(task, 2);
    const { input, target, prediction } = pictures();
    const [shown, right, painted] = [input, target, prediction].map(valuesOf);
    assertEquals(right, valuesOf(images));
    let [squares, trivial, hidden] = [0, 0, 0];
    right!.forEach((value, k) => {
      if (shown![k] === value) assertEquals(painted![k], value);
      else {
        hidden++;
        squares += (painted![k]! - value) ** 2;
        trivial += (shown![k]! - value) ** 2;
      }
    });
    assertEquals(hidden, images.size * (name === "inpainting" ? 1 / 4 : 3 / 4));
    if (name !== "inpainting") return;
    // The picture's error is the loss; what is shown of the hole is the trivial solver.
    assertAlmostEquals(squares / hidden, valuesOf(loss)[0]!, 1e-9);
    assertAlmostEquals(1 - squares / trivial, valuesOf(metrics["explained"]!)[0]!, 1e-6);
  });
}

Deno.test("maskedAutoencoding paints normalised patches with their own mean and deviation", () => {
  const options = { imageSize: SIZE, widths: [4] };
  const drawn = [true, false].map((normalize) => {
    const task = pretext.maskedAutoencoding({ ...options, normalize });
    const head = mapTree<Params>((p: Tensor) => mul(p, 0), task.initHead(randomKey(0), EMBEDDING));
    const { pictures } = lossOf(task, 2, { head, encode: () => ones([BATCH, EMBEDDING]) });
    return valuesOf(pictures().prediction);
  });
  // Any other head gives pictures whose error, over the variance of the patch, is the loss.
  const { loss, pictures } = lossOf(pretext.maskedAutoencoding(options), 2);
  const painted = valuesOf(pictures().prediction);
  let squares = 0;
  // A head that says nothing gives every hidden patch its mean, or black.
  const right = valuesOf(images);
  const patch = 4 * 4 * 3;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  let seen = 0;
  for (let image = 0; image < BATCH; image++) {
    for (const [top, left] of [[0, 0], [0, 4], [4, 0], [4, 4]]) {
      const places = Array.from({ length: patch }, (_, k) => {
        const [y, x, c] = [Math.floor(k / 12), Math.floor(k / 3) % 4, k % 3];
        return ((image * SIZE + top! + y) * SIZE + left! + x) * 3 + c;
      });
      const [own, plain] = drawn.map((values) => places.map((at) => values[at]!));
      const before = places.map((at) => right[at]!);
      if (own!.every((value, k) => value === before[k])) continue;
      seen++;
      own!.forEach((value) => assertAlmostEquals(value, mean(before), 1e-9));
      const variance = mean(before.map((value) => (value - mean(before)) ** 2)) + 1e-6;
      squares += mean(places.map((at, k) => (painted[at]! - before[k]!) ** 2)) / variance;
      plain!.forEach((value) => assertEquals(value, 0));
    }
  }
  assertEquals(seen, BATCH * 3);
  assertAlmostEquals(squares / seen, valuesOf(loss)[0]!, 1e-9);
});

Deno.test("colorization paints on the lightness that the backbone sees", () => {
  const { input, target, prediction } = lossOf(TASKS["colorization"]!, 2).pictures();
  const grey = uniform(randomKey(8), [1, SIZE, SIZE, 1]);
  const flat = mul(grey, ones([1, SIZE, SIZE, 3]));
  const of = lossOf(TASKS["colorization"]!, 2, { images: flat }).pictures();
  // Grey images have grey targets.
  valuesOf(of.target).forEach((value, k) => assertAlmostEquals(value, valuesOf(flat)[k]!, 1e-4));
  assertNotEquals(valuesOf(target), valuesOf(input));
  assertNotEquals(valuesOf(target), valuesOf(prediction));
});

Deno.test("classification draws a bar for every class", () => {
  const bars = valuesOf(barPictures(constant([[0, 0.5, 1]])));
  const lit = (column: number): number =>
    bars.filter((value, k) => k % 30 === column && value === 1).length;
  assertEquals([0, 9, 10, 19, 20, 29].map(lit), [0, 0, 16, 16, 32, 32]);
  // Bars stand on the ground.
  assertEquals([bars[15 * 30 + 10], bars[16 * 30 + 10]], [0, 1]);
  const { target } = lossOf(TASKS["classification"]!, 2).pictures();
  const classes = each(target).map((picture) => Math.floor(picture.indexOf(1) / 10));
  assertEquals(classes, [2, 0, 1, 0]);
});

Deno.test("tasks on two views draw the view that is found in the place of the partner", () => {
  // Four views of one pixel; the first image's view finds its partner, the second's does not.
  const views = constant([0.1, 0.2, 0.3, 0.4], { shape: [4, 1, 1, 1] });
  const query = constant([[1, 0], [0, 1], [2, 0.1], [1, -1]]);
  const { input, target, prediction } = viewPictures(views, { query });
  assertEquals([input, target, prediction].map(valuesOf), [[0.1, 0.2], [0.3, 0.4], [0.3, 0.3]]);
  // A view is found among the others by what they are searched by.
  const searched = constant([[1, 0], [0, 1], [-1, 0], [1, 0.1]]);
  assertEquals(valuesOf(viewPictures(views, { query, searched }).prediction), [0.4, 0.4]);
});
