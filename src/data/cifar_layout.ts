import type { ExpectedFile } from "./verify_file.ts";

/** A published file. */
export interface PublishedArchive extends ExpectedFile {
  /** Address. */
  readonly url: string;
}

/** How a member of the CIFAR family lies on disk (https://www.cs.toronto.edu/~kriz/cifar.html). */
export interface CifarLayout {
  /** Short name, e.g. `cifar-10`. */
  readonly name: string;
  /** Name for people. */
  readonly title: string;
  /** The official archive. */
  readonly archive: PublishedArchive;
  /** Folder inside of the official archive. */
  readonly folder: string;
  /** Record files of the training part, in order. */
  readonly trainFiles: readonly string[];
  /** Record file of the test part. */
  readonly testFile: string;
  /** File with a class name a line; need not be there. */
  readonly namesFile: string;
  /** Official class names. */
  readonly classNames: readonly string[];
  /** Label bytes before the pixels of a record, and which of them is the label. */
  readonly labelBytes: number;
  readonly labelAt: number;
  /** Throws, in short words, if label bytes contradict each other. */
  readonly checkLabels?: (labels: Uint8Array) => void;
}

/** Most bytes of a record file: a little more than the longest of CIFAR-100 has. */
export const MOST_CIFAR_BYTES = 200_000_000;

/** Bytes of one record. */
export function cifarRecordBytes({ labelBytes }: CifarLayout): number {
  return labelBytes + 3072;
}

/** The official archive of CIFAR-10's binary version. */
export const CIFAR10_ARCHIVE: PublishedArchive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  size: 170052171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

/** The official archive of CIFAR-100's binary version. */
export const CIFAR100_ARCHIVE: PublishedArchive = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
  size: 168513733,
  sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
};

/** CIFAR-10: five training files and a test file of 10,000 records. */
export const CIFAR10_LAYOUT: CifarLayout = {
  name: "cifar-10",
  title: "CIFAR-10",
  archive: CIFAR10_ARCHIVE,
  folder: "cifar-10-batches-bin",
  trainFiles: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
  testFile: "test_batch.bin",
  namesFile: "batches.meta.txt",
  classNames: "airplane automobile bird cat deer dog frog horse ship truck".split(" "),
  labelBytes: 1,
  labelAt: 0,
};

/** The hundred classes of CIFAR-100 by their twenty superclasses. */
const SUPERCLASSES: Readonly<Record<string, string>> = {
  aquatic_mammals: "beaver dolphin otter seal whale",
  fish: "aquarium_fish flatfish ray shark trout",
  flowers: "orchid poppy rose sunflower tulip",
  food_containers: "bottle bowl can cup plate",
  fruit_and_vegetables: "apple mushroom orange pear sweet_pepper",
  household_electrical_devices: "clock keyboard lamp telephone television",
  household_furniture: "bed chair couch table wardrobe",
  insects: "bee beetle butterfly caterpillar cockroach",
  large_carnivores: "bear leopard lion tiger wolf",
  "large_man-made_outdoor_things": "bridge castle house road skyscraper",
  large_natural_outdoor_scenes: "cloud forest mountain plain sea",
  large_omnivores_and_herbivores: "camel cattle chimpanzee elephant kangaroo",
  medium_mammals: "fox porcupine possum raccoon skunk",
  "non-insect_invertebrates": "crab lobster snail spider worm",
  people: "baby boy girl man woman",
  reptiles: "crocodile dinosaur lizard snake turtle",
  small_mammals: "hamster mouse rabbit shrew squirrel",
  trees: "maple_tree oak_tree palm_tree pine_tree willow_tree",
  vehicles_1: "bicycle bus motorcycle pickup_truck train",
  vehicles_2: "lawn_mower rocket streetcar tank tractor",
};

/** Official names of the superclasses, in the order of their labels. */
const COARSE_NAMES: readonly string[] = Object.keys(SUPERCLASSES);

/** Official class names: all of them in alphabetical order. */
const FINE_NAMES: readonly string[] = Object.values(SUPERCLASSES)
  .flatMap((names) => names.split(" ")).sort();

/** Superclass of every class. */
const COARSE_OF_FINE: readonly number[] = FINE_NAMES.map((name) =>
  Object.values(SUPERCLASSES).findIndex((names) => names.split(" ").includes(name))
);

/**
 * CIFAR-100: one file of 50,000 records and one of 10,000, with two labels each, of which the first
 * must be the superclass of the second.
 *
 * @param labels Which of the two is the label.
 */
export function cifar100Layout(labels: "fine" | "coarse"): CifarLayout {
  return {
    name: labels === "fine" ? "cifar-100" : "cifar-100-coarse",
    title: labels === "fine" ? "CIFAR-100" : "CIFAR-100 (superclasses)",
    archive: CIFAR100_ARCHIVE,
    folder: "cifar-100-binary",
    trainFiles: ["train.bin"],
    testFile: "test.bin",
    namesFile: `${labels}_label_names.txt`,
    classNames: labels === "fine" ? FINE_NAMES : COARSE_NAMES,
    labelBytes: 2,
    labelAt: labels === "fine" ? 1 : 0,
    checkLabels: ([coarse, fine]) => {
      const expected = COARSE_OF_FINE[fine!];
      if (coarse === expected) return;
      throw new RangeError(
        `superclass ${coarse} with class ${fine}, expected ${
          expected === undefined ? "a class from 0 to 99" : `superclass ${expected}`
        }`,
      );
    },
  };
}
