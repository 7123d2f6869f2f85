/** The formats of the mutation test: how a whole file is made, and what a loader makes of it. */
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import { createHash } from "node:crypto";
import { decodeImage, type ImageDataset, loadCifar10, loadOmniglot } from "../../src/data/mod.ts";
import { decodeShards } from "../../src/data/decode_shards.ts";
import { gzip, sha256, tar, tinyCifar10 } from "../data/fixtures.ts";
import { IMAGE_FIXTURES } from "../data/image_fixtures.ts";
import { MORE_IMAGE_FIXTURES } from "../data/image_fixtures_more.ts";
import { png } from "../data/png_fixtures.ts";

/** What a loader found in a file, in a form that can be compared. */
export interface Meaning {
  /** Number of images, their size, number of classes: what must not be wrong. */
  readonly shape: string;
  /** Hash of labels, names and pixels. */
  readonly content: string;
}

/** One kind of file. */
export interface Format {
  /** For tables. */
  readonly name: string;
  /** Whether every byte that counts is under a checksum of the format itself. */
  readonly checked: boolean;
  /** Makes whole files; a mutation damages one of them. */
  readonly files: () => Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** What a damaged file says by the letter of the format, where that is easily told. */
  readonly literal?: (bytes: Uint8Array) => Meaning;
  /** Writes a file into `folder`, with what belongs beside it, and loads that. */
  readonly load: (bytes: Uint8Array, folder: string) => Promise<Meaning>;
}

function meaning(shape: unknown, ...parts: (Uint8Array | string)[]): Meaning {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return { shape: JSON.stringify(shape), content: hash.digest("hex") };
}

type Loaded = Pick<
  ImageDataset,
  "count" | "height" | "width" | "classNames" | "labels" | "images"
>;

const ofDataset = ({ count, height, width, classNames, labels, images }: Loaded): Meaning =>
  meaning(
    { count, height, width, classes: classNames.length },
    classNames.join(),
    new Uint8Array(Int32Array.from(labels).buffer),
    images,
  );

const images = (test: (name: string) => boolean) =>
  [...IMAGE_FIXTURES, ...MORE_IMAGE_FIXTURES].filter(({ name }) => test(name))
    .map(({ file }) => Uint8Array.fromBase64(file));

const loadImage = async (bytes: Uint8Array): Promise<Meaning> => {
  const { width, height, channels, pixels } = await decodeImage(bytes);
  return meaning({ width, height, channels }, pixels);
};

/** A parquet file of 30 images in the hub's layout. */
function parquet(file: (row: number) => Uint8Array, rowGroupSize: number): Uint8Array {
  const names = Array.from({ length: 10 }, (_, label) => `class ${label}`);
  const features = { label: { names, _type: "ClassLabel" } };
  const rows = Array.from({ length: 30 }, (_, row) => row);
  return new Uint8Array(parquetWriteBuffer({
    schema: [
      { name: "root", num_children: 2 },
      { name: "img", num_children: 2, repetition_type: "OPTIONAL" },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: "label", type: "INT64", repetition_type: "OPTIONAL" },
    ],
    columnData: [
      { name: "img", data: rows.map((row) => ({ bytes: file(row), path: `${row}.png` })) },
      { name: "label", data: rows.map((row) => BigInt((7 * row) % 10)) },
    ],
    rowGroupSize,
    kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
  }));
}

/** Loads parquet in this thread: the worker around it must not be needed. */
const loadParquet = async (bytes: Uint8Array, folder: string): Promise<Meaning> => {
  const path = `${folder}/a.parquet`;
  await Deno.writeFile(path, bytes);
  const shape: unknown[] = [];
  const parts: (Uint8Array | string)[] = [];
  const job = { paths: [path], channels: 3, limit: Infinity } as const;
  let count = 0;
  for await (const part of decodeShards(job)) {
    if (part.kind === "opened") {
      shape.push(part.rows);
      parts.push(JSON.stringify(part.classNames ?? null));
    } else {
      shape.push(part.height, part.width);
      parts.push(part.images, new Uint8Array(part.labels.buffer));
      count += part.labels.length;
    }
  }
  return meaning([...shape, count], ...parts);
};

/** Training images of record files, by the letter of the format. */
function literalRecords(files: ReadonlyMap<string, Uint8Array>): Meaning {
  const records = [...files].filter(([name]) => name.startsWith("data"))
    .flatMap(([, bytes]) => [...bytes]);
  const count = records.length / 3073;
  const images = Uint8Array.from({ length: count * 3072 }, (_, at) => {
    const [record, pixel, channel] = [Math.floor(at / 3072), Math.floor(at % 3072 / 3), at % 3];
    return records[record * 3073 + 1 + channel * 1024 + pixel]!;
  });
  const labels = Uint8Array.from({ length: count }, (_, record) => records[record * 3073]!);
  const classNames = "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck".split(",");
  return ofDataset({ count, height: 32, width: 32, classNames, labels, images });
}

const drawing = (seed: number) => png(105, 105, (x, y) => ((x * y + seed) % 7 === 0 ? 0 : 1));

const writeAll = async (folder: string, files: ReadonlyMap<string, Uint8Array>) => {
  for (const [name, bytes] of files) await Deno.writeFile(`${folder}/${name}`, bytes);
};

/** All formats. */
export const FORMATS: readonly Format[] = [
  {
    name: "records",
    checked: false,
    files: () => [tinyCifar10().get("data_batch_4.bin")!],
    literal: (bytes) => literalRecords(tinyCifar10().set("data_batch_4.bin", bytes)),
    load: async (bytes, folder) => {
      await writeAll(folder, tinyCifar10().set("data_batch_4.bin", bytes));
      return ofDataset((await loadCifar10({ data: folder })).train);
    },
  },
  {
    name: "tar.gz",
    checked: true,
    files: async () => {
      const entries = [...tinyCifar10()].map(([name, bytes]) => ({ path: name, bytes }));
      return [await gzip(tar(entries))];
    },
    load: async (bytes, folder) => {
      const path = `${folder}/a.tar.gz`;
      await Deno.writeFile(path, bytes);
      // The hash of the archive would find everything: here it is that of the damaged file.
      const archive = { url: "http://127.0.0.1/", size: bytes.length, sha256: sha256(bytes) };
      const { train, test } = await loadCifar10({ data: path, archive });
      const [a, b] = [ofDataset(train), ofDataset(test)];
      return { shape: a.shape + b.shape, content: a.content + b.content };
    },
  },
  {
    name: "parquet of PNG",
    checked: false,
    files: () =>
      [7, 30].map((group) => parquet((row) => png(8, 8, (x, y) => (x * y + row) % 2), group)),
    load: loadParquet,
  },
  {
    name: "parquet of JPEG",
    checked: false,
    files: () => {
      const [jpeg] = images((name) => name === "JPEG, half-size chroma");
      return [parquet(() => jpeg!, 13)];
    },
    load: loadParquet,
  },
  {
    name: "PNG",
    checked: true,
    files: () => images((name) => name.startsWith("PNG")),
    load: loadImage,
  },
  {
    name: "JPEG",
    checked: false,
    files: () => images((name) => name.startsWith("JPEG")),
    load: loadImage,
  },
  {
    name: "zip",
    checked: true,
    files: () => {
      const entry = (index: number) =>
        `images/Greek/character0${1 + index % 3}/0${index}_0${index}.png`;
      const drawings = Array.from({ length: 12 }, (_, index) => [entry(index), drawing(index)]);
      return [zipSync(Object.fromEntries(drawings), { level: 6 })];
    },
    load: async (bytes, folder) => {
      const path = `${folder}/a.zip`;
      await Deno.writeFile(path, bytes);
      return ofDataset(await loadOmniglot({ paths: [path], size: 28 }));
    },
  },
];
