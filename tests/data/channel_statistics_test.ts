import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  channelStatistics,
  gatherImages,
  type ImageDataset,
  loadCifar10,
  subsetDataset,
} from "../../src/data/mod.ts";
import { CIFAR10_FOLDER } from "./fixtures.ts";
import { sharedTest } from "../shared.ts";

const TINY: ImageDataset = {
  name: "tiny",
  images: Uint8Array.of(0, 10, 255, 30, 0, 10, 51, 10),
  labels: Uint8Array.of(0, 1),
  count: 2,
  height: 1,
  width: 2,
  channels: 2,
  classNames: ["a", "b"],
  source: "folder",
  provenance: "two images by hand",
  synthetic: false,
};

Deno.test("channelStatistics() equals the definition", () => {
  const { mean, standardDeviation } = channelStatistics(TINY);
  assertAlmostEquals(mean[0]!, (0 + 255 + 0 + 51) / 4 / 255, 1e-15);
  assertAlmostEquals(mean[1]!, 15 / 255, 1e-15);
  assertAlmostEquals(standardDeviation[1]!, Math.sqrt(75) / 255, 1e-15);
  const second = channelStatistics(TINY, Int32Array.of(1));
  assertEquals(second.standardDeviation[1], 0);
  assertAlmostEquals(second.mean[0]!, 0.1, 1e-15);
});

sharedTest("channelStatistics() finds the known statistics of CIFAR-10", async () => {
  const { train } = await loadCifar10({ data: CIFAR10_FOLDER });
  const { mean, standardDeviation } = channelStatistics(train);
  // The widely published values of all 50,000 images; these are 5085 of them.
  [0.4914, 0.4822, 0.4465].forEach((value, at) => assertAlmostEquals(mean[at]!, value, 0.01));
  [0.247, 0.2435, 0.2616].forEach((value, at) =>
    assertAlmostEquals(standardDeviation[at]!, value, 0.01)
  );
  // Standardised with its own statistics, a set has mean 0 and deviation 1.
  const indices = Int32Array.from({ length: 500 }, (_, index) => index * 7);
  const pixels = gatherImages(train, { indices, ...channelStatistics(train, indices) });
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0;
    let squares = 0;
    for (let at = channel; at < pixels.length; at += 3) {
      sum += pixels[at]!;
      squares += pixels[at]! ** 2;
    }
    assertAlmostEquals(sum / (500 * 1024), 0, 1e-6);
    assertAlmostEquals(squares / (500 * 1024), 1, 1e-6);
  }
});

Deno.test("gatherImages() and subsetDataset() copy the chosen images in the chosen order", () => {
  const indices = Int32Array.of(1, 0, 1);
  const subset = subsetDataset(TINY, indices);
  assertEquals([...subset.images], [0, 10, 51, 10, 0, 10, 255, 30, 0, 10, 51, 10]);
  assertEquals([...subset.labels], [1, 0, 1]);
  assertEquals(subset.provenance, "3 chosen of: two images by hand");
  const pixels = gatherImages(TINY, { indices });
  assertEquals([...pixels], Array.from(subset.images, (byte) => Math.fround(byte / 255)));
});

Deno.test("channelStatistics(), gatherImages() and subsetDataset() throw on bad arguments", () => {
  assertThrows(() => channelStatistics(TINY, new Int32Array(0)), RangeError, "no image");
  assertThrows(() => channelStatistics(TINY, Int32Array.of(2)), RangeError, "index 2");
  assertThrows(() => gatherImages(TINY, { indices: Int32Array.of(-1) }), RangeError, "index -1");
  assertThrows(() => subsetDataset(TINY, Int32Array.of(2)), RangeError, "index 2");
  const indices = Int32Array.of(0);
  assertThrows(() => gatherImages(TINY, { indices, mean: [0] }), RangeError, "1 means");
  assertThrows(
    () => gatherImages(TINY, { indices, standardDeviation: [1, 0] }),
    RangeError,
    "positive",
  );
});
