import { formatAval } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { requireCounts } from "../ir/options.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Layer } from "./layer.ts";

/** Extents of images; a data set has them. */
export interface ImageSize {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
  /** Channels of a pixel. */
  readonly channels: number;
}

/** How a model is told which images it is built for. */
export interface ImageSizeOptions {
  /** The images themselves, or whatever has their extents: a data set, for example. */
  readonly images?: ImageSize;
  /** Height and width of the images; 32 unless told. */
  readonly imageSize?: number;
  /** Channels of the images; 3 unless told. */
  readonly imageChannels?: number;
}

/**
 * The images that a model is built for.
 *
 * @param name Name of the model, for the error.
 * @param options What was told.
 * @returns Their extents.
 * @throws {TypeError} If both the images and a size were given.
 * @throws {RangeError} If an extent is no whole number from 1.
 */
export function imageSizeOf(name: string, options: ImageSizeOptions): ImageSize {
  const { images, imageSize = 32, imageChannels = 3 } = options;
  if (images === undefined) {
    requireCounts(name, { imageSize, imageChannels });
    return { height: imageSize, width: imageSize, channels: imageChannels };
  }
  if (options.imageSize !== undefined || options.imageChannels !== undefined) {
    throw new TypeError(
      `Cannot call ${name}(): found 'images' and ${
        options.imageSize === undefined ? "'imageChannels'" : "'imageSize'"
      }, expected one of them.`,
    );
  }
  if (images?.height === undefined) {
    throw new TypeError(
      `Cannot call ${name}(): found ${describe(images)} for 'images', expected a data set.`,
    );
  }
  const { height, width, channels } = images;
  requireCounts(name, { height, width, channels });
  return { height, width, channels };
}

/**
 * A model that refuses images of another size than it was built for: poolings would cut them off, and where
 * the rest happens to fit, the result would mean nothing.
 *
 * @param name Name of the model, for the error.
 * @param size The images it is built for.
 * @param layer The model.
 * @returns The same model, checking the images.
 */
export function forImages<P>(name: string, size: ImageSize, layer: Layer<P>): Layer<P> {
  const { height, width, channels } = size;
  return {
    init: (key) => layer.init(key),
    apply(params, state, x, options) {
      requireTensor(`apply ${name}()`, x);
      const wanted = [x.shape[0], height, width, channels];
      if (x.rank !== 4 || wanted.some((extent, axis) => extent !== x.shape[axis])) {
        throw new TypeError(
          `Cannot apply ${name}() to ${formatAval(x)}: it was built for images ` +
            `[n, ${height}, ${width}, ${channels}] (n, height, width, channels). Set ` +
            `'imageSize' and 'imageChannels', or bring the images to that form by resizeImages(), ` +
            `transpose() or expandDims().`,
        );
      }
      return layer.apply(params, state, x, options);
    },
  };
}
