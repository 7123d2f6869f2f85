import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import * as kinds from "./kinds.ts";

/** An image in memory, one byte a channel, channels last. */
export interface DecodedImage {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 1 for grey, 3 for RGB. */
  readonly channels: 1 | 3;
  /** Pixels `[height, width, channels]`. */
  readonly pixels: Uint8Array;
}

/** Largest accepted number of pixels; guards against headers that announce absurd sizes. */
const MOST_PIXELS = 1 << 27;

/** Throws unless the size is sane. */
export function checkImageSize(width: number, height: number): void {
  if (width < 1 || height < 1 || width * height > MOST_PIXELS) {
    throw new RangeError(
      `Cannot decode an image of ${width} x ${height} pixels: expected 1 to ${MOST_PIXELS} pixels. The file is damaged or too large.`,
    );
  }
}

/**
 * Converts between grey and RGB; grey is `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601), rounded.
 *
 * @param image The image.
 * @param channels Wanted number of channels.
 * @returns The image itself if it has them already.
 *
 * @example
 * ```ts
 * import { withChannels } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const red = { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(255, 0, 0) } as const;
 * assertEquals(withChannels(red, 1).pixels, Uint8Array.of(76));
 * ```
 */
export function withChannels(image: DecodedImage, channels: 1 | 3): DecodedImage {
  requireArguments("withChannels", { image, channels }, {
    image: kinds.decodedImage,
    channels: is.oneOf(1, 3),
  });
  if (image.channels === channels) return image;
  const { width, height, pixels } = image;
  const converted = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (channels === 3) {
      converted.fill(pixels[pixel]!, pixel * 3, pixel * 3 + 3);
    } else {
      const [red, green, blue] = [
        pixels[pixel * 3]!,
        pixels[pixel * 3 + 1]!,
        pixels[pixel * 3 + 2]!,
      ];
      converted[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >>> 16;
    }
  }
  return { width, height, channels, pixels: converted };
}
