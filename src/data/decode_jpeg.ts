import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { MozJPEGModule } from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { checkImageSize, type DecodedImage } from "./decoded_image.ts";
import { orient } from "./exif_orientation.ts";
import { failJpeg, inspectJpeg } from "./jpeg_structure.ts";

/** Options of {@linkcode decodeImage} and {@linkcode decodeJpeg}. */
export interface DecodeImageOptions {
  /**
   * Told of a fault that the decoder can pass over, such as bytes too many before a marker: the
   * image is then kept. Unless given, such a file is refused, for a changed byte shows itself so.
   */
  readonly onFault?: (fault: string) => void;
}

/**
 * Decodes a JPEG image: with MozJPEG (as libjpeg does it), and CMYK images, which it cannot decode,
 * with jpeg-js. The EXIF orientation is applied.
 *
 * The format has no checksum. A file that is cut, has no end marker, or at which the decoder wonders
 * is refused; but a changed byte may leave a valid file of another picture, and only a hash of the
 * file ({@linkcode sha256File}) finds that. The decoders are loaded on first use.
 *
 * @param bytes The file.
 * @param options What to do with faults that can be passed over.
 * @returns An RGB image.
 * @throws {Error} If the file is not JPEG, cut short or damaged, or the decoder may not be read: it lies where Deno keeps
 *   packages.
 *
 * @example
 * ```ts
 * import { decodeJpeg } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => decodeJpeg(Uint8Array.of(0xff, 0xd8)), Error, "no image data");
 * ```
 */
export async function decodeJpeg(
  bytes: Uint8Array,
  options: DecodeImageOptions = {},
): Promise<DecodedImage> {
  requireArguments("decodeJpeg", { bytes }, { bytes: is.bytes });
  requireOptions("decodeJpeg", options, { onFault: is.optional(is.callback) });
  const { width, height, components, orientation } = inspectJpeg(bytes);
  checkImageSize(width, height);
  const rgba = components === 4
    ? await decodeCmyk(bytes)
    : await decodeWithMozjpeg(bytes, options.onFault);
  if (rgba.width !== width || rgba.height !== height) {
    failJpeg(`${rgba.width} x ${rgba.height} decoded pixels`, `${width} x ${height}`);
  }
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    pixels[to] = rgba.data[from]!;
    pixels[to + 1] = rgba.data[from + 1]!;
    pixels[to + 2] = rgba.data[from + 2]!;
  }
  return orient({ width, height, channels: 3, pixels }, orientation);
}

/** An image of four channels, as both decoders give it. */
interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** A running copy of MozJPEG, and what it has said. */
interface Mozjpeg {
  readonly module: MozJPEGModule;
  readonly said: string[];
  /** Whether it has failed; its memory is then in disorder, and every later answer wrong. */
  failed: boolean;
}

/** Keeps one copy of MozJPEG running, and replaces it after a failure. */
class MozjpegKeeper {
  #running: Promise<Mozjpeg> | undefined;

  async get(): Promise<Mozjpeg> {
    for (;;) {
      const copy = await (this.#running ??= this.#start());
      // While this call waited, another one may have broken the copy.
      if (!copy.failed) return copy;
      this.#running = undefined;
    }
  }

  async #start(): Promise<Mozjpeg> {
    const { default: factory } = await import("@jsquash/jpeg/codec/dec/mozjpeg_dec.js");
    const said: string[] = [];
    // libjpeg writes its first warning about an image, and its last words, to standard error.
    const options = { noInitialRun: true, printErr: (line: string) => void said.push(line) };
    try {
      return { module: await factory(options), said, failed: false };
    } catch (error) {
      // Its code is imported, which needs no permission; its WebAssembly is read.
      if (error instanceof Error && error.name === "NotCapable") {
        const [found] = error.message.split(", run again");
        error.message =
          `Cannot load the decoder of JPEG images: ${found}, where Deno keeps packages. ` +
          `-P=experiment cannot allow that: use deno task experiment, which allows what its flags need, or ` +
          `name this path after --allow-read`;
      }
      throw error;
    }
  }
}

const mozjpeg = new MozjpegKeeper();

async function decodeWithMozjpeg(
  bytes: Uint8Array,
  onFault: ((fault: string) => void) | undefined,
): Promise<Rgba> {
  const copy = await mozjpeg.get();
  copy.said.length = 0;
  let image: Rgba | null;
  try {
    image = copy.module.decode(bytes as Uint8Array<ArrayBuffer>, false);
  } catch (error) {
    copy.failed = true;
    const words = copy.said[0] ?? (error instanceof Error ? error.message : "no reason given");
    failJpeg(`data that MozJPEG refuses (${words})`, "JPEG");
  }
  if (image === null) failJpeg("data that MozJPEG refuses", "JPEG");
  const fault = copy.said[0];
  if (fault !== undefined) {
    if (onFault === undefined) failJpeg(`data at which MozJPEG wonders (${fault})`, "none such");
    onFault(fault);
  }
  return image;
}

async function decodeCmyk(bytes: Uint8Array): Promise<Rgba> {
  const { decode } = await import("jpeg-js");
  try {
    return decode(bytes, { useTArray: true, tolerantDecoding: false });
  } catch (error) {
    failJpeg(
      `data that jpeg-js refuses (${error instanceof Error ? error.message : error})`,
      "JPEG",
    );
  }
}
