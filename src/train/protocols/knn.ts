/**
 * The protocol of nearest neighbours.
 *
 * @module
 */
import { backboneFor } from "./backbone_for.ts";
import type { Protocol } from "./protocol.ts";

/** The nearest labelled images vote; nothing is trained (Wu et al., arXiv 1805.01978). */
export const knn: Protocol = {
  name: "knn",
  summary: "The nearest labelled images vote; nothing is trained.",
  refuses: () => undefined,
  prepare: async (inputs) => {
    const backbone = await backboneFor(inputs);
    return {
      judge: async (images) => ({
        accuracy: await inputs.training.judge.nearest(backbone, images),
      }),
    };
  },
};
