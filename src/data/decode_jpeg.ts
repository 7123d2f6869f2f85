import { checkImageSize, type DecodedImage } from "./decoded_image.ts";

function fail(found: string, expected: string): never {
  throw new Error(
    `Cannot decode a JPEG image: ${found}, expected ${expected}. The file is damaged: fetch it again.`,
  );
}

/** Size and number of colour components from the frame header; throws if the end marker is missing. */
function inspect(bytes: Uint8Array): { width: number; height: number; components: number } {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) fail("another signature", "the bytes ff d8");
  const word = (at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
  let frame: { width: number; height: number; components: number } | undefined;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) fail(`byte ${bytes[at]} at ${at}`, "a marker (ff)");
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && at + 10 <= bytes.length) {
      frame = { height: word(at + 5), width: word(at + 7), components: bytes[at + 9]! };
    }
    if (marker === 0xda) {
      // Within coded data a byte ff is followed by 00 or a restart marker: ff d9 is the end.
      for (let end = at + 2 + word(at + 2); end + 1 < bytes.length; end++) {
        if (bytes[end] === 0xff && bytes[end + 1] === 0xd9) {
          return frame ?? fail("no frame header", "one before the image data");
        }
      }
      fail("no end marker", "ff d9: the image is cut short");
    }
    at += 2 + word(at + 2);
  }
  fail("no image data", "a start-of-scan marker");
}

/**
 * Decodes a JPEG image: with MozJPEG (as libjpeg does it, EXIF orientation applied), and CMYK images,
 * which it cannot decode, with jpeg-js.
 *
 * The decoders are loaded on first use.
 *
 * @param bytes The file.
 * @returns An RGB image.
 * @throws {Error} If the file is not JPEG, cut short or damaged.
 *
 * @example
 * ```ts
 * import { decodeJpeg } from "@mutasesumele/toolkit";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => decodeJpeg(Uint8Array.of(0xff, 0xd8)), Error, "no image data");
 * ```
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<DecodedImage> {
  const { width, height, components } = inspect(bytes);
  checkImageSize(width, height);
  const rgba = components === 4 ? await decodeCmyk(bytes) : await decodeWithMozjpeg(bytes);
  const turned = rgba.width === height && rgba.height === width;
  if (!turned && (rgba.width !== width || rgba.height !== height)) {
    fail(`${rgba.width} x ${rgba.height} decoded pixels`, `${width} x ${height}`);
  }
  const count = rgba.width * rgba.height;
  const pixels = new Uint8Array(count * 3);
  for (let pixel = 0; pixel < count; pixel++) {
    pixels[pixel * 3] = rgba.data[pixel * 4]!;
    pixels[pixel * 3 + 1] = rgba.data[pixel * 4 + 1]!;
    pixels[pixel * 3 + 2] = rgba.data[pixel * 4 + 2]!;
  }
  return { width: rgba.width, height: rgba.height, channels: 3, pixels };
}

/** An image of four channels, as both decoders give it. */
interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

async function decodeWithMozjpeg(bytes: Uint8Array): Promise<Rgba> {
  const { default: decode } = await import("@jsquash/jpeg/decode.js");
  try {
    return await decode(Uint8Array.from(bytes).buffer, { preserveOrientation: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    fail(`data that MozJPEG refuses (${error instanceof Error ? error.message : error})`, "JPEG");
  }
}

async function decodeCmyk(bytes: Uint8Array): Promise<Rgba> {
  const { decode } = await import("jpeg-js");
  try {
    return decode(bytes, { useTArray: true, tolerantDecoding: false });
  } catch (error) {
    fail(`data that jpeg-js refuses (${error instanceof Error ? error.message : error})`, "JPEG");
  }
}
