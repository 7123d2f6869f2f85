/**
 * Pictures of pixels.
 *
 * @module
 */
import type { EncodedPicture } from "../report/picture_grid.ts";
import type { MimeBundle } from "./displayable.ts";

/**
 * Makes the forms of a picture.
 *
 * @param picture The PNG file and its extents.
 * @param text What it shows.
 */
export function pictureForms({ png, width, height }: EncodedPicture, text?: string): MimeBundle {
  return {
    "text/plain": text ?? `A picture of ${width} x ${height} pixels`,
    "image/png": png.toBase64(),
  };
}
