import type { ParquetFile } from "./parquet_file.ts";

/** Which columns hold images and labels. */
export interface ColumnOptions {
  /** Column of images; `img` or `image` unless told. */
  readonly imageColumn?: string;
  /** Column of labels; `label`, `labels` or `fine_label` unless told. */
  readonly labelColumn?: string;
}

/** Most classes; labels beyond are taken for damage. ImageNet-21k has 21,841. */
const MOST_CLASSES = 1 << 20;

/** Finds the only column of `candidates` that the file has. */
function findColumn(file: ParquetFile, { what, candidates }: {
  what: string;
  candidates: readonly string[];
}): string {
  const found = candidates.filter((name) => file.columns.includes(name));
  if (found.length === 1) return found[0]!;
  throw new Error(
    `Cannot find the ${what}s of ${file.path}: columns ${
      file.columns.join(", ")
    }, expected exactly one of ${candidates.join(", ")}. Name it with ${what}Column.`,
  );
}

/** Finds the image and label columns of a file. */
export function columnsOf(
  file: ParquetFile,
  { imageColumn, labelColumn }: ColumnOptions,
): { image: string; label: string } {
  return {
    image: findColumn(file, {
      what: "image",
      candidates: imageColumn === undefined ? ["img", "image"] : [imageColumn],
    }),
    label: findColumn(file, {
      what: "label",
      candidates: labelColumn === undefined ? ["label", "labels", "fine_label"] : [labelColumn],
    }),
  };
}

/** Class names that the file itself gives for a label column. */
export function namesOf(file: ParquetFile, column: string): readonly string[] | undefined {
  const feature = file.features[column];
  if (typeof feature !== "object" || feature === null || !("names" in feature)) return undefined;
  const { names } = feature;
  if (!Array.isArray(names)) return undefined;
  if (names.every((name) => typeof name === "string") && new Set(names).size === names.length) {
    return names;
  }
  throw new Error(
    `Cannot read the class names of ${file.path}: some are no text or come twice, expected one name a class. The file is damaged: fetch it again.`,
  );
}

/** The encoded bytes of an image cell: `{ bytes, path }` or plain bytes. */
export function cellBytes(cell: unknown): Uint8Array {
  if (cell instanceof Uint8Array) return cell;
  if (typeof cell === "object" && cell !== null && "bytes" in cell) {
    if (cell.bytes instanceof Uint8Array) return cell.bytes;
  }
  throw new Error(
    `Cannot read an image: the cell holds no bytes, expected an encoded image. Files that only name image paths cannot be used.`,
  );
}

/** The class of a label cell. */
export function cellLabel(cell: unknown, classes: number = MOST_CLASSES): number {
  const label = typeof cell === "bigint" ? Number(cell) : cell;
  if (typeof label === "number" && Number.isInteger(label) && label >= 0 && label < classes) {
    return label;
  }
  throw new Error(
    `Cannot read a label: found ${String(cell)}, expected a whole number from 0 to ${
      classes - 1
    }. Unlabelled rows cannot be used.`,
  );
}
