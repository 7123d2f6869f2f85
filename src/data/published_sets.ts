import type { HubFile } from "./hub_files.ts";

/** A data set that has a name here, and lies on the Hugging Face hub. */
export interface PublishedSet {
  /** Name, as after `--data`. */
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /** Owner and name on the hub. */
  readonly id: string;
  /** Commit, or a branch where no commit was pinned: its files are then pinned when first listed. */
  readonly revision: string;
  /** Folder of the shards in it. */
  readonly folder: string;
  /** Part to learn from. */
  readonly train: string;
  /** Part to test on; where tests are not labelled, that is `validation`. */
  readonly test: string;
  /** Sizes and hashes of the shards, where they are known. */
  readonly files?: readonly HubFile[];
}

/**
 * Data sets that can be loaded by name.
 *
 * Hashes stand here where they are known; elsewhere the hub's own list is taken at the first download
 * and kept beside the files. Pictures of different sizes need a size to be resized to.
 */
export const PUBLISHED_SETS: readonly PublishedSet[] = [
  {
    name: "cifar10",
    summary: "60,000 colour pictures of 10 classes, 32 x 32",
    id: "uoft-cs/cifar10",
    revision: "main",
    folder: "plain_text",
    train: "train",
    test: "test",
    files: [
      {
        path: "plain_text/train-00000-of-00001.parquet",
        size: 119705255,
        sha256: "8428b53a88a11ac374111006708df51469e315a22ac6d66470afd9c78d2ae883",
      },
      {
        path: "plain_text/test-00000-of-00001.parquet",
        size: 23940850,
        sha256: "841389e6f2d64f28bf17310e430aebac20ec3ba611a3c5e231dc93c645ce84de",
      },
    ],
  },
  {
    name: "cifar100",
    summary: "60,000 colour pictures of 100 classes, 32 x 32",
    id: "uoft-cs/cifar100",
    revision: "aadb3af77e9048adbea6b47c21a81e47dd092ae5",
    folder: "cifar100",
    train: "train",
    test: "test",
    files: [
      {
        path: "cifar100/train-00000-of-00001.parquet",
        size: 118518617,
        sha256: "694865d6b990e234804f01268586c41e88bcbbb75e20858432c05ad4081aca23",
      },
      {
        path: "cifar100/test-00000-of-00001.parquet",
        size: 23772751,
        sha256: "98776c529bb146a9c791229df74a5cf076be9b43d82dbbd334b6a7788d73dc68",
      },
    ],
  },
  {
    name: "svhn",
    summary: "99,289 house numbers of 10 classes, 32 x 32",
    id: "ufldl-stanford/svhn",
    revision: "main",
    folder: "cropped_digits",
    train: "train",
    test: "test",
  },
  {
    name: "food101",
    summary: "101,000 dishes of 101 classes, up to 512 pixels wide",
    id: "ethz/food101",
    revision: "main",
    folder: "data",
    train: "train",
    test: "validation",
  },
  {
    name: "beans",
    summary: "1,295 leaves of bean plants of 3 classes, 500 x 500",
    id: "AI-Lab-Makerere/beans",
    revision: "main",
    folder: "data",
    train: "train",
    test: "test",
  },
  {
    name: "imagenet-1k",
    summary: "1,331,167 pictures of 1,000 classes; its terms must be accepted on the hub",
    id: "ILSVRC/imagenet-1k",
    revision: "main",
    folder: "data",
    train: "train",
    test: "validation",
  },
];
