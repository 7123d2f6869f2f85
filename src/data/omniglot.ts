import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { decodePng } from "./decode_png.ts";
import { withChannels } from "./decoded_image.ts";
import { HASH_LIST, verifyListed } from "./hash_list.ts";
import { compactLabels } from "./image_collector.ts";
import type { ImageDataset } from "./image_dataset.ts";
import { readZip } from "./read_zip.ts";
import { readRegularFile } from "./regular_file.ts";
import { resizeImage } from "./resize_image.ts";

/** Options of {@linkcode loadOmniglot}. */
export interface OmniglotOptions {
  /** The zip files, e.g. `images_background.zip`. */
  readonly paths: readonly string[];
  /** Rows and columns to resize to; 105, as drawn, unless told. */
  readonly size?: number;
  /** `true` makes strokes white on black; black on white, as published, unless told. */
  readonly invert?: boolean;
}

/** Rows and columns of a drawing. */
const SIZE = 105;

/** Whether two files have the same content. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Most bytes of a zip file, and of all its drawings: the published files have 10 MB at most. */
const MOST_PACKED = 1 << 28;
const MOST_UNPACKED = 1 << 26;

/** Reads the drawings of a zip file by their path `alphabet/character/file.png`. */
async function readDrawings(
  path: string,
): Promise<{ drawings: Map<string, Uint8Array>; verified: boolean }> {
  const bytes = await readRegularFile(path, MOST_PACKED);
  const verified = await verifyListed(path, { bytes }) !== undefined;
  const drawing = /(?:^|\/)([^/]+\/character\d+\/[^/]+\.png)$/;
  try {
    const entries = await readZip(bytes, {
      wanted: (name) => drawing.test(name) && !name.startsWith("__MACOSX/"),
      mostBytes: MOST_UNPACKED,
    });
    const drawings = new Map<string, Uint8Array>();
    for (const [name, content] of entries) {
      const short = drawing.exec(name)![1]!;
      if (drawings.has(short)) throw new Error(`two drawings ${short}, expected one`);
      drawings.set(short, content);
    }
    return { drawings, verified };
  } catch (error) {
    throw new Error(
      `Cannot read ${path}: ${
        error instanceof Error ? error.message : error
      }. The file is damaged or no zip file: fetch it again.`,
      { cause: error },
    );
  }
}

/**
 * Loads Omniglot (Lake, Salakhutdinov and Tenenbaum, "Human-level concept learning through
 * probabilistic program induction", Science 350, 2015) from its published zip files.
 *
 * A class is a character of an alphabet, named `alphabet/character`; classes and drawings are sorted
 * by name. Headers and checksums of the zip file must agree, and if a list `SHA256SUMS` lies beside
 * it, the file with that. A drawing that several files share (the two "small" background sets overlap) counts once.
 *
 * @param options Files, and the wanted size.
 * @returns Grey images `[count, size, size, 1]` with labels.
 * @throws {Error} If a file is not a zip file, has no drawing, a drawing is damaged or of another
 * size, or two files differ about a drawing.
 *
 * @example
 * ```ts
 * import { loadOmniglot } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => loadOmniglot({ paths: [] }), Error, "no drawing");
 * ```
 */
export async function loadOmniglot(options: OmniglotOptions): Promise<ImageDataset> {
  requireOptions("loadOmniglot", options, {
    paths: is.listOf(is.name),
    size: is.optional(is.count),
    invert: is.optional(is.flag),
  });
  const { paths, size = SIZE, invert = false } = options;
  const drawings = new Map<string, { bytes: Uint8Array; path: string }>();
  const unverified: string[] = [];
  let shared = 0;
  for (const path of paths) {
    const found = await readDrawings(path);
    if (!found.verified) unverified.push(path);
    for (const [name, bytes] of found.drawings) {
      const known = drawings.get(name);
      if (known !== undefined && !same(known.bytes, bytes)) {
        throw new Error(
          `Cannot load Omniglot from ${
            paths.join(", ")
          }: two different drawings ${name}, expected one. Pass files of one release.`,
        );
      }
      if (known !== undefined) shared++;
      drawings.set(name, { bytes, path });
    }
  }
  if (drawings.size === 0) {
    throw new Error(
      `Cannot load Omniglot from ${
        paths.join(", ") || "nothing"
      }: no drawing, expected alphabet/character01/0001_01.png and the like. Pass images_background.zip or images_evaluation.zip.`,
    );
  }
  const names = [...drawings.keys()].sort();
  const classOf = (name: string) => name.slice(0, name.lastIndexOf("/"));
  const classNames = [...new Set(names.map(classOf))].sort();
  const classIndex = new Map(classNames.map((name, label) => [name, label]));
  const count = names.length;
  const images = new Uint8Array(count * size * size);
  const labels = new Int32Array(count);
  names.forEach((name, index) => {
    const { bytes, path } = drawings.get(name)!;
    let image;
    try {
      image = decodePng(bytes);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`Cannot use drawing ${name} of ${path}. ${message}`, { cause: error });
    }
    if (image.width !== SIZE || image.height !== SIZE) {
      throw new Error(
        `Cannot use drawing ${name} of ${path}: ${image.width} x ${image.height} pixels, expected ${SIZE} x ${SIZE}. Fetch the published files.`,
      );
    }
    images.set(resizeImage(withChannels(image, 1), size).pixels, index * size * size);
    labels[index] = classIndex.get(classOf(name))!;
  });
  if (invert) images.forEach((byte, at) => images[at] = 255 - byte);
  return {
    name: "omniglot",
    images,
    labels: compactLabels(labels, classNames),
    count,
    height: size,
    width: size,
    channels: 1,
    classNames,
    source: "folder",
    provenance: `Omniglot: ${count} drawings of ${classNames.length} characters from ${
      paths.join(", ")
    }${shared > 0 ? ` (${shared} found twice)` : ""}${
      unverified.length === 0 ? `, verified by ${HASH_LIST}` : ""
    }`,
    synthetic: false,
  };
}
