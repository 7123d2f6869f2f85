import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { checkImageSize, type DecodedImage } from "./decoded_image.ts";

/** As much of a canvas as decoding takes. */
interface Context {
  fillStyle: string;
  fillRect(x: number, y: number, width: number, height: number): void;
  drawImage(image: ImageBitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
}

/**
 * Decodes an image file with the means of a browser: every format that it shows, also in workers.
 *
 * Where no canvas can be drawn on (Deno, Node), use `decodeImage` of `@mutasesumele/toolkit/data`, which
 * gives the same pixels on every machine; browsers may differ by a step or two.
 *
 * @param file The file, for example one that was dropped on a page.
 * @returns The image, RGB, upright by its EXIF orientation; transparent pixels are laid on white.
 * @throws {TypeError} If there is no canvas that can be drawn on.
 * @throws {Error} If the browser cannot decode the file.
 *
 * @example
 * ```ts
 * import { decodeOnPlatform } from "@mutasesumele/toolkit";
 * import { assertRejects } from "@std/assert";
 *
 * // In a page: const image = await decodeOnPlatform(event.dataTransfer.files[0]);
 * await assertRejects(() => decodeOnPlatform(new Blob([])), TypeError, "Use decodeImage");
 * ```
 */
export async function decodeOnPlatform(file: Blob): Promise<DecodedImage> {
  requireArguments("decodeOnPlatform", { file }, {
    file: is.kind("a Blob or File", (found) => found instanceof Blob),
  });
  requireCanvas();
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch (cause) {
    throw new Error(
      `Cannot decode an image of ${file.size} bytes, type "${file.type}": ${
        cause instanceof Error ? cause.message : String(cause)
      } Give a picture that the browser shows.`,
      { cause },
    );
  }
  const { width, height } = bitmap;
  checkImageSize(width, height);
  const context = contextOf(width, height)!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    pixels.set(data.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  }
  return { width, height, channels: 3, pixels };
}

/** What draws on a canvas, or `undefined` where there is none. */
function contextOf(width: number, height: number): Context | undefined {
  const { OffscreenCanvas: Canvas } = globalThis as {
    OffscreenCanvas?: new (
      width: number,
      height: number,
    ) => { getContext(kind: "2d"): Context | null };
  };
  try {
    return Canvas && new Canvas(width, height).getContext("2d") || undefined;
  } catch {
    return undefined; // Deno has the canvas, but not this way to draw on it.
  }
}

function requireCanvas(): void {
  if (typeof createImageBitmap === "function" && contextOf(1, 1)) return;
  throw new TypeError(
    "Cannot decode an image on this platform: found no canvas that can be drawn on, expected a browser or " +
      "its worker. Use decodeImage of '@mutasesumele/toolkit/data'.",
  );
}
