import type { DecodedImage } from "./decoded_image.ts";

/** Tag of the orientation, and the TIFF type of its value, a 16-bit number. */
const ORIENTATION = 0x0112;
const SHORT = 3;

/**
 * Reads the orientation from EXIF data, which are a TIFF file (Exif 3.0, section 4.6.5).
 *
 * As in Pillow and libexif, data that make no sense ask for nothing: cameras write many such.
 *
 * @param tiff The TIFF header and what follows it.
 * @returns 1 (as stored) to 8; 1 if nothing valid is said.
 */
export function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (view.byteLength < 8) return 1;
  const order = view.getUint16(0);
  const little = order === 0x4949;
  if ((!little && order !== 0x4d4d) || view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > view.byteLength) return 1;
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const single = view.getUint16(at + 2, little) === SHORT && view.getUint32(at + 4, little) === 1;
    const value = view.getUint16(at + 8, little);
    return single && value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/**
 * Turns and mirrors an image so that it is seen as its EXIF orientation asks.
 *
 * @param image The image as stored.
 * @param orientation 1 to 8.
 * @returns The image upright; the image itself for 1.
 */
export function orient(image: DecodedImage, orientation: number): DecodedImage {
  if (orientation === 1) return image;
  const { width, height, channels, pixels } = image;
  const swapped = orientation >= 5;
  // Orientations 2, 3, 7, 8 start at the stored row's right end, 3, 4, 6, 7 at the stored bottom.
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const start = (fromRight ? width - 1 : 0) + (fromBottom ? height - 1 : 0) * width;
  const alongRow = fromRight ? -1 : 1;
  const alongColumn = fromBottom ? -width : width;
  const [across, down] = swapped ? [alongColumn, alongRow] : [alongRow, alongColumn];
  const size = swapped ? { width: height, height: width } : { width, height };
  const turned = new Uint8Array(pixels.length);
  let out = 0;
  for (let row = 0; row < size.height; row++) {
    for (let column = 0; column < size.width; column++) {
      const from = (start + row * down + column * across) * channels;
      for (let channel = 0; channel < channels; channel++) turned[out++] = pixels[from + channel]!;
    }
  }
  return { ...size, channels, pixels: turned };
}
