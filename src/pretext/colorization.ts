import { meanSquaredError } from "../loss/mod.ts";
import { projectionHead } from "../nn/mod.ts";
import { avgPool2d, broadcastTo, mul, reshape } from "../tensor/mod.ts";
import { chroma, luma, rgbOf } from "./augment/colour.ts";
import { explained } from "./explained.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode colorization}. */
export interface ColorizationOptions {
  /** Rows and columns of the colour map that is predicted; 8 unless told. */
  readonly grid?: number;
  /** Width of the decoder's hidden layer; 512 unless told. */
  readonly hidden?: number;
}

/** Chroma is small: its root mean square over natural images is near 0.1. */
const SCALE = 10;

/**
 * Colorization: the backbone sees the grey image, and a decoder predicts from the embedding the
 * mean chroma of every cell of a grid.
 *
 * Source: after Zhang et al., arXiv 1603.08511; a global embedding and a squared error replace the
 * paper's dense features and classes of colours.
 *
 * @param options Cells of the grid and width of the decoder.
 * @returns The task, for images `[n, height, width, 3]` that the grid divides; metric
 *   `explained`, the fraction of the squared chroma that is predicted (0: no better than grey).
 *
 * @example
 * ```ts
 * import { colorization, full, mean, randomKey } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const task = colorization({ grid: 2, hidden: 8 });
 * const head = task.initHead(randomKey(0), 3);
 * const encode = (images: Parameters<typeof mean>[0]) => mean(images, { axes: [1, 2] });
 * const images = full([2, 4, 4, 3], { value: 0.5 });
 * assertEquals(task.loss({ encode, head, images, key: randomKey(1) }).loss.shape, []);
 * ```
 */
export function colorization({ grid = 8, hidden = 512 }: ColorizationOptions = {}): PretextTask {
  const headFor = (inputs: number) => projectionHead({ inputs, hidden, outputs: grid * grid * 2 });
  return {
    name: "colorization",
    needsLabels: false,
    initHead: (key, embedding) => headFor(embedding).init(key).params,
    loss({ encode, head, images, key }) {
      const rgb = rgbOf("predict the colours of", images);
      const [n, height, width] = images.shape;
      if (height !== width || height! % grid !== 0) {
        throw new RangeError(
          `Cannot predict the colours of images of ${height} x ${width} on a grid of ${grid} x ` +
            `${grid}: expected squares with a side that ${grid} divides. Choose another grid.`,
        );
      }
      const target = mul(avgPool2d(chroma(rgb), { window: height! / grid }), SCALE);
      const embeddings = encode(broadcastTo(luma(rgb), images.shape), key);
      const { output } = headFor(embeddings.shape[1]!).apply(head, {}, embeddings, {
        training: true,
      });
      const loss = meanSquaredError(reshape(output, [n!, grid, grid, 2]), target);
      return { loss, metrics: { explained: explained(loss, target) } };
    },
  };
}
