import { formatAval } from "../ir/aval.ts";
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type Layer, linear, type Params, sequential } from "../nn/mod.ts";
import { transformerTrunk } from "../nn/transformer_block.ts";
import { normal, splitKey, uniform } from "../random/mod.ts";
import {
  add,
  argSort,
  broadcastTo,
  concat,
  greaterEqual,
  slice,
  takeRows,
  where,
} from "../tensor/mod.ts";
import { vmap } from "../transform/vmap.ts";
import {
  GREY,
  maskingOf,
  type MaskOptions,
  reconstructionLoss,
  requireSize,
} from "./patch_reconstruction.ts";
import { spreadPatches } from "./patches.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Options of {@linkcode maskedPatches}. */
export interface MaskedPatchesOptions extends MaskOptions {
  /** Length of the decoder's tokens; 96 unless told. */
  readonly features?: number;
  /** Blocks of the decoder; 2 unless told. */
  readonly depth?: number;
  /** Heads of the decoder's attention; 3 unless told. */
  readonly heads?: number;
}

/**
 * Masked autoencoding by a vision transformer, as in the paper: the backbone sees a random quarter of the
 * patches and nothing else; a small transformer puts a learned token in the place of each hidden one, knows
 * every place by a learned vector, and predicts the pixels; only hidden patches count.
 *
 * Each image has an order of its own, drawn by sorting random scores: the first patches are visible, and the
 * decoder's tokens are brought back by the inverse of the order. The backbone's patches are the task's:
 * `patch` of both is the same. Parameters of the head: `join` (to the decoder's length), `token`, `places`,
 * `block1`, ..., `norm`, `output`.
 *
 * Source: He et al., arXiv 2111.06377, section 3. There the decoder has 8 blocks of length 512 for a
 * ViT-Large, and places are sines; the defaults here are half of a ViT-Tiny's length.
 *
 * @param options Size of images and patches, fraction that is hidden, normalization, decoder.
 * @returns The task; metric `explained` as of {@linkcode maskedAutoencoding}.
 * @throws {RangeError} If the patch does not divide the image, no or every patch is hidden, or the heads do
 *   not divide the length. The loss throws a `TypeError` for a backbone that is no vision transformer.
 *
 * @example
 * ```ts
 * import { maskedPatches, randomKey, uniform, visionTransformer } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const sizes = { imageSize: 8, patch: 2 };
 * const backbone = visionTransformer({ ...sizes, features: 6, depth: 1, heads: 2 });
 * const { params, state } = backbone.init(randomKey(0));
 * const task = maskedPatches({ ...sizes, features: 4, depth: 1, heads: 2 });
 * const { loss } = task.loss({
 *   encode: (images, key, options) =>
 *     backbone.apply(params, state, images, { training: true, key, ...options }).output,
 *   head: task.initHead(randomKey(1), 6),
 *   images: uniform(randomKey(2), [3, 8, 8, 3]),
 *   key: randomKey(3),
 * });
 * assertEquals(loss.shape, []);
 * ```
 */
export function maskedPatches(options: MaskedPatchesOptions = {}): PretextTask {
  requireOptions("maskedPatches", options, {
    imageSize: is.optionalNumber,
    imageChannels: is.optionalNumber,
    patch: is.optionalNumber,
    ratio: is.optionalNumber,
    normalize: true,
    features: is.optionalNumber,
    depth: is.optionalNumber,
    heads: is.optionalNumber,
  });
  const masking = maskingOf(options);
  const { imageChannels, patch, side, patches, hidden } = masking;
  const { features = 96, depth = 2, heads = 3 } = options;
  const visible = patches - hidden;
  const outputs = patch * patch * imageChannels;
  const trunk: Layer = sequential({
    ...transformerTrunk(depth, { features, heads }),
    output: linear({ inputs: features, outputs }),
  });
  const joinFor = (inputs: number): Layer => linear({ inputs, outputs: features });
  return {
    name: "masked-patches",
    needsLabels: false,
    initHead(key, embedding): Params {
      const [joinKey, tokenKey, placesKey, trunkKey] = splitKey(key, 4);
      return {
        ...trunk.init(trunkKey!).params,
        join: joinFor(embedding).init(joinKey!).params,
        places: normal(placesKey!, [patches, features], { deviation: 0.02 }),
        token: normal(tokenKey!, [features], { deviation: 0.02 }),
      };
    },
    loss({ encode, head, images, key }) {
      const n = requireSize(images, masking);
      const [orderKey, encodeKey] = splitKey(key, 2);
      const order = argSort(uniform(orderKey!, [n, patches]));
      const place = argSort(order);
      const indices = slice(order, [null, [0, visible]]);
      const seen = encode(images, encodeKey!, { visible: { indices, patches } });
      if (seen.rank !== 3 || seen.shape[1] !== visible) {
        throw new TypeError(
          `Cannot mask patches: found ${formatAval(seen)} from the backbone, expected the tokens ` +
            `[${n}, ${visible}, features] of a vision transformer. Choose the backbone 'vit', or ` +
            `the task 'masked-autoencoding'.`,
        );
      }
      const joined = joinFor(seen.shape[2]!).apply(head["join"] as Params, {}, seen, {
        training: true,
      }).output;
      const tokens = broadcastTo(head["token"] as Tensor, [n, hidden, features]);
      // Image by image: its gradient looks for a token among those of its own image only.
      const all = vmap(takeRows)(concat([joined, tokens], { axis: 1 }), place);
      const { output: prediction } = trunk.apply(
        head,
        {},
        add(all, head["places"] as Tensor),
        { training: true },
      );
      const mask = greaterEqual(place, visible);
      const away = spreadPatches(mask, { rows: side, columns: side, side: patch });
      const shown = where(away, GREY, images);
      return reconstructionLoss({ images, mask, shown, prediction }, masking);
    },
  };
}
