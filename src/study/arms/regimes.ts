/**
 * Regimes as data: which images are labelled, and of which classes.
 *
 * @module
 */
import { z } from "zod";
import {
  type ImageDataset,
  type ImageSplits,
  selectClasses,
  type Split,
  splitDataset,
  subsetDataset,
  takePerClass,
} from "../../data/mod.ts";
import type { Layer } from "../../nn/mod.ts";
import { kebabCase } from "../../text/kebab_case.ts";
import type { ImageTask } from "../../train/mod.ts";
import type { StudyModel } from "./image_learner.ts";

const sideSchema = (what: string) =>
  z.strictObject({
    classes: z.array(z.string()).min(2).nullable().default(null)
      .describe(`Names of the classes that ${what}; null for all.`),
    labelsPerClass: z.int().min(1).nullable().default(null)
      .describe("Labelled training images of every class; null for all."),
  }).prefault({});

/** The schema of regimes by name. */
export const regimesSchema = z.record(
  z.string().max(64).regex(kebabCase, "Expected a kebab-case name"),
  z.strictObject({
    source: sideSchema("backbones are pretrained on").describe("What backbones are pretrained on."),
    target: sideSchema("they are judged by").describe("What they are judged by."),
    pretextImages: z.enum(["labelled", "all"]).default("labelled")
      .describe(
        "Images of the pretext tasks: the labelled ones of the source, or all of its classes.",
      ),
  }).nullable().describe("A regime; null takes it out."),
);

/** A regime. */
export type Regime = NonNullable<z.output<typeof regimesSchema>[string]>;

/** The images of a regime. */
export interface RegimeImages {
  /** What backbones are pretrained on. */
  readonly source: ImageTask;
  /** What they are judged by: the same object if nothing differs. */
  readonly target: ImageTask;
  /** The test images, of the target's classes; absent where none were given. */
  readonly test?: ImageDataset;
  /** Whether the target has other classes than the source. */
  readonly transfer: boolean;
  /** The model. */
  readonly model: StudyModel;
}

/** How images are shared out. */
export interface RegimeOptions {
  /** Images held out of training, of all classes: a share if below 1, else a count. */
  readonly validation: number;
  /** Seed of the split and of the choice of labelled images: equal for all seeds of a study. */
  readonly splitSeed: number;
  /** Builds the model, whose pixels are normalized by the labelled images of the source. */
  readonly model: (source: Omit<ImageTask, "head">) => StudyModel;
}

/**
 * Shares the images of a data set out as a regime says.
 *
 * @param splits The data set; without `test`, no test images are shared out.
 * @param regime The regime.
 * @param options Validation images, seed, heads.
 * @returns Source, target, test images.
 * @throws {RangeError} If a class is unknown, or has fewer images than asked for.
 */
export function regimeImages(
  { train, test }: Pick<ImageSplits, "train"> & Partial<ImageSplits>,
  { source, target, pretextImages }: Regime,
  { validation, splitSeed: seed, model: build }: RegimeOptions,
): RegimeImages {
  const selected = new Map<string, ImageDataset>();
  const of = (dataset: ImageDataset, classes: readonly string[] | null): ImageDataset => {
    if (!classes) return dataset;
    const id = JSON.stringify([dataset === test, classes]);
    if (!selected.has(id)) selected.set(id, selectClasses(dataset, classes));
    return selected.get(id)!;
  };
  // Split before classes are selected: what one side holds out the other does not learn from either.
  const whole = splitDataset(train, { validation, seed });
  const rowsOf = ({ classes, labelsPerClass }: Regime["source"]): Omit<ImageTask, "head"> => {
    const dataset = of(train, classes);
    const rows = classes ? selectedSplit(train, { classes, split: whole }) : whole;
    return {
      dataset,
      train: labelsPerClass === null
        ? rows.train
        : takePerClass(dataset, { perClass: labelsPerClass, seed, indices: rows.train }),
      validation: rows.validation,
      ...(pretextImages === "all" && { unlabelled: rows.train }),
    };
  };
  const rows = { source: rowsOf(source), target: rowsOf(target) };
  const model = build(rows.source);
  const heads = new Map<number, Layer>();
  const topped = (side: Omit<ImageTask, "head">): ImageTask => {
    const count = side.dataset.classNames.length;
    if (!heads.has(count)) heads.set(count, model.head(count));
    return { ...side, head: heads.get(count)! };
  };
  const first = topped(rows.source);
  const same = JSON.stringify(source) === JSON.stringify(target);
  const second = same ? first : topped(rows.target);
  return {
    source: first,
    target: second,
    ...(test && { test: of(test, target.classes) }),
    model,
    transfer: JSON.stringify(source.classes) !== JSON.stringify(target.classes),
  };
}

/** A split of a data set in the rows of a selection of its classes, which keeps their order. */
function selectedSplit(
  { labels, classNames }: ImageDataset,
  { classes, split }: { readonly classes: readonly string[]; readonly split: Split },
): Split {
  const places = new Map<number, number>();
  labels.forEach((label, row) => {
    if (classes.includes(classNames[label]!)) places.set(row, places.size);
  });
  const placed = (rows: Int32Array): Int32Array =>
    Int32Array.from([...rows].filter((row) => places.has(row)), (row) => places.get(row)!);
  return { train: placed(split.train), validation: placed(split.validation) };
}

/**
 * Whether images lie class by class, as where a data set was made of one folder after the other: neighbours
 * differ in class less than half as often as if they were shuffled.
 *
 * @param dataset The data set.
 */
export function liesByClass({ labels, count, classNames }: ImageDataset): boolean {
  const sizes = new Float64Array(classNames.length);
  let changes = 0;
  labels.forEach((label, row) => {
    sizes[label]!++;
    if (row > 0 && label !== labels[row - 1]) changes++;
  });
  const alike = sizes.reduce((sum, size) => sum + (size / count) ** 2, 0);
  return changes < (count - 1) * (1 - alike) / 2;
}

/**
 * The first images of a data set, or all. Where images lie class by class, the first would be of few classes:
 * then as many at equal distances.
 *
 * @param dataset The data set.
 * @param count How many; `null` for all.
 */
export function firstImages(dataset: ImageDataset, count: number | null): ImageDataset {
  if (count === null || count >= dataset.count) return dataset;
  const distance = liesByClass(dataset) ? dataset.count / count : 1;
  const rows = Int32Array.from({ length: count }, (_, at) => Math.floor(at * distance));
  return subsetDataset(dataset, rows);
}

/**
 * Throws where the first images of a data set, which a stream holds in memory, are of few of its classes because
 * images lie class by class.
 *
 * @param held The images.
 * @throws {Error} Says how many classes they have, and what to do.
 */
export function requireMixed(held: ImageDataset): void {
  const classes = new Set(held.labels).size;
  const all = held.classNames.length;
  if (classes === all || classes > 1 && !liesByClass(held)) return;
  throw new Error(
    `Cannot hold the first ${held.count} images of ${held.name}: they lie class by class and are of ${classes} of ` +
      `its ${all} classes, expected some of each. Load all into memory (stream: false), or shuffle the rows of ` +
      `the shards.`,
  );
}
