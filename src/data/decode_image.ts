import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { type DecodeImageOptions, decodeJpeg } from "./decode_jpeg.ts";
import { decodePng } from "./decode_png.ts";
import type { DecodedImage } from "./decoded_image.ts";

/**
 * Decodes an image file, JPEG or PNG by its first bytes.
 *
 * Time and memory are bounded by the size of the file: an image of more pixels than its bytes can
 * hold is refused before anything is allocated.
 *
 * @param bytes The file.
 * @param options What to do with faults that can be passed over.
 * @returns The image, grey or RGB, upright by its EXIF orientation.
 * @throws {Error} If it is another format, cut short or damaged.
 *
 * @example
 * ```ts
 * import { decodeImage } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => decodeImage(new TextEncoder().encode("GIF89a")), Error, "47 49 46 38");
 * ```
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: DecodeImageOptions = {},
): Promise<DecodedImage> {
  requireArguments("decodeImage", { bytes }, { bytes: is.bytes });
  requireOptions("decodeImage", options, { onFault: is.optional(is.callback) });
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return await decodeJpeg(bytes, options);
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return decodePng(bytes);
  const first = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
  throw new Error(
    `Cannot decode an image: it starts with ${
      first.join(" ") || "nothing"
    }, expected JPEG (ff d8) or PNG (89 50). Convert the images to one of the two.`,
  );
}
