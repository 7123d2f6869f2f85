/**
 * Images of which only the number counts.
 *
 * @module
 */
import { CIFAR10_LAYOUT } from "../../data/cifar_layout.ts";
import { type ImageDataset, type ImageSplits, SYNTHETIC_CLASS_NAMES } from "../../data/mod.ts";
import type { StudyConfig } from "./study_schema.ts";

/** Images to learn from, to test on, and classes. */
type Counts = readonly [number, number, number];

const CIFAR10: Counts = [50_000, 10_000, 10];

/** Images of the data sets that have a name; the stand-in's are those that `loadData` paints. */
const COUNTS: Readonly<Record<string, Counts>> = {
  auto: CIFAR10,
  cifar10: CIFAR10,
  cifar100: [50_000, 10_000, 100],
  "cifar100-binary": [50_000, 10_000, 100],
  synthetic: [10_000, 2_000, SYNTHETIC_CLASS_NAMES.length],
  svhn: [73_257, 26_032, 10],
  food101: [75_750, 25_250, 101],
  beans: [1_034, 133, 3],
  "imagenet-1k": [1_281_167, 50_000, 1000],
};

/**
 * Makes as many black images as a run will have.
 *
 * @param config The configuration.
 * @param data Name of the data set, or a path, which is not looked at.
 * @returns The images, and what was assumed.
 */
export function paperImages(
  { imageSize, trainImages, testImages }: StudyConfig,
  data: string,
): { readonly images: ImageSplits; readonly assumed: readonly string[] } {
  const known = COUNTS[data];
  const [train, test, classes] = known ?? CIFAR10;
  const counts = {
    train: Math.min(train, trainImages ?? Infinity),
    test: Math.min(test, testImages ?? Infinity),
  };
  const what = known ? `those of "${data}"` : `as in CIFAR-10, for "${data}" was not read`;
  return {
    images: {
      train: black(counts.train, { imageSize, classes }),
      test: black(counts.test, { imageSize, classes }),
    },
    assumed: [
      `${counts.train} images to learn from, ${counts.test} to test on, of ${classes} classes: ${what}` +
      `${data === "auto" ? " with a network or a folder of CIFAR-10" : ""}`,
    ],
  };
}

function black(
  count: number,
  { imageSize, classes }: { readonly imageSize: number; readonly classes: number },
): ImageDataset {
  const names = [CIFAR10_LAYOUT.classNames, SYNTHETIC_CLASS_NAMES]
    .find(({ length }) => length === classes) ??
    Array.from({ length: classes }, (_, k) => `class ${k}`);
  return {
    name: "paper",
    images: new Uint8Array(count * imageSize * imageSize * 3),
    labels: Int32Array.from({ length: count }, (_, k) => k % classes),
    count,
    height: imageSize,
    width: imageSize,
    channels: 3,
    classNames: names,
    source: "synthetic",
    provenance: "black images for a prediction",
    synthetic: true,
  };
}
