/**
 * Solvers without learning, on real images: what the input gives away of the target. A pretext task
 * that one of them solves teaches a backbone nothing.
 */
import { assert } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { distantPermutations } from "../../src/pretext/distant_permutations.ts";
import * as pretext from "../../src/pretext/mod.ts";
import type { Encode, PretextTask } from "../../src/pretext/mod.ts";
import { randomIntegers, randomKey, splitKey } from "../../src/random/mod.ts";
import { constant, mean, valuesOf } from "../../src/tensor/mod.ts";
import { SHARED, sharedTest } from "../shared.ts";

const COUNT = 200;

/** The first images of CIFAR-10's test file, `[n, 32, 32, 3]` in `[0, 1]`. */
async function cifarImages(): Promise<Tensor> {
  const bytes = await Deno.readFile(new URL("data/cifar-10-batches-bin/test_batch.bin", SHARED));
  const values = new Float32Array(COUNT * 3072);
  for (let image = 0; image < COUNT; image++) {
    for (let c = 0; c < 3; c++) {
      for (let at = 0; at < 1024; at++) {
        values[(image * 1024 + at) * 3 + c] = bytes[image * 3073 + 1 + c * 1024 + at]! / 255;
      }
    }
  }
  return constant(Array.from(values), { shape: [COUNT, 32, 32, 3] });
}

/** What the backbone is shown, as a function of image, row, column, channel. */
function shownBy(
  task: PretextTask,
  images: Tensor,
  key: Tensor,
): (image: number, y: number, x: number, c: number) => number {
  let seen: number[] = [];
  const encode: Encode = (x) => {
    seen = valuesOf(x);
    return mean(x, { axes: [1, 2] });
  };
  task.loss({ encode, head: task.initHead(randomKey(0), 3), images, key });
  return (image, y, x, c) => seen[((image * 32 + y) * 32 + x) * 3 + c]!;
}

/** Share of the mosaics whose order is the one in which the edges of the tiles fit best. */
function solvedByEdges(images: Tensor, gap: number): number {
  const key = randomKey(1);
  const at = shownBy(pretext.jigsaw({ gap, hidden: 4 }), images, key);
  const drawn = valuesOf(randomIntegers(splitKey(key, 4)[0]!, [COUNT], { high: 24 }));
  const orders = distantPermutations(4, 24);
  const [tile, border] = [16 - gap, Math.floor(gap / 2)];
  let solved = 0;
  for (let image = 0; image < COUNT; image++) {
    const pixel = (place: number, y: number, x: number, c: number): number =>
      at(image, (place >> 1) * 16 + border + y, (place & 1) * 16 + border + x, c);
    const misfit = (a: number, b: number, beside: boolean): number => {
      let total = 0;
      for (let k = 0; k < tile; k++) {
        for (let c = 0; c < 3; c++) {
          total += beside
            ? Math.abs(pixel(a, k, tile - 1, c) - pixel(b, k, 0, c))
            : Math.abs(pixel(a, tile - 1, k, c) - pixel(b, 0, k, c));
        }
      }
      return total;
    };
    const misfits = orders.map((order) => {
      const place = [0, 1, 2, 3].map((original) => order.indexOf(original));
      return misfit(place[0]!, place[1]!, true) + misfit(place[2]!, place[3]!, true) +
        misfit(place[0]!, place[2]!, false) + misfit(place[1]!, place[3]!, false);
    });
    if (misfits.indexOf(Math.min(...misfits)) === drawn[image]) solved++;
  }
  return solved / COUNT;
}

sharedTest("the edges of jigsaw tiles do not give the order away", async () => {
  const images = await cifarImages();
  // The solver is no straw man: without a gap it solves a third, where chance is a 24th.
  const touching = solvedByEdges(images, 0);
  assert(touching > 0.25, `without a gap ${touching}`);
  const apart = solvedByEdges(images, 4);
  assert(apart < 0.09, `with the usual gap ${apart}`);
});
