/** Shards of tiny images in the layout of the hub. */
import { parquetWriteBuffer } from "hyparquet-writer";
import { png } from "./png_fixtures.ts";

export const NAMES = ["ant", "bee", "cat"];

/** A shard whose row `r` is an image of four pixels that spell `first + r`, with label `(first + r) % 3`. */
export function shard(first: number, rows: number, label = "label"): Uint8Array<ArrayBuffer> {
  const numbers = Array.from({ length: rows }, (_, row) => first + row);
  const features = { [label]: { names: NAMES, _type: "ClassLabel" } };
  return new Uint8Array(parquetWriteBuffer({
    schema: [
      { name: "root", num_children: 2 },
      { name: "image", num_children: 2, repetition_type: "OPTIONAL" },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: label, type: "INT64", repetition_type: "OPTIONAL" },
    ],
    columnData: [
      {
        name: "image",
        data: numbers.map((number) => ({
          bytes: png(4, 4, (x, y) => (number >> (y * 4 + x)) & 1),
          path: `${number}.png`,
        })),
      },
      { name: label, data: numbers.map((number) => BigInt(number % 3)) },
    ],
    rowGroupSize: 5,
    kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
  }));
}

/** The number that an image spells. */
export function numberOf(image: Uint8Array, channels = 3): number {
  let number = 0;
  for (let pixel = 0; pixel < 16; pixel++) {
    number += (image[pixel * channels]! > 127 ? 1 : 0) << pixel;
  }
  return number;
}
