import { formatAval } from "../ir/aval.ts";
import { requireTensor } from "../ir/require_tensor.ts";
import type { Layer } from "./layer.ts";

/** The images that a model is built for. */
export interface ImageSize {
  /** Height and width. */
  readonly imageSize: number;
  /** Number of channels. */
  readonly imageChannels: number;
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
export function forImages(name: string, size: ImageSize, layer: Layer): Layer {
  const { imageSize, imageChannels } = size;
  return {
    init: (key) => layer.init(key),
    apply(params, state, x, options) {
      requireTensor(`apply ${name}()`, x);
      const wanted = [x.shape[0], imageSize, imageSize, imageChannels];
      if (x.rank !== 4 || wanted.some((extent, axis) => extent !== x.shape[axis])) {
        throw new TypeError(
          `Cannot apply ${name}() to ${formatAval(x)}: it was built for images ` +
            `[n, ${imageSize}, ${imageSize}, ${imageChannels}] (n, height, width, channels). Set ` +
            `'imageSize' and 'imageChannels', or bring the images to that form by resizeImages(), ` +
            `transpose() or expandDims().`,
        );
      }
      return layer.apply(params, state, x, options);
    },
  };
}
