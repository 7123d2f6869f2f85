/**
 * The protocol of fine-tuning.
 *
 * @module
 */
import { backboneOf } from "../model_parts.ts";
import type { Protocol } from "./protocol.ts";

/** All weights learn the wanted task under a fresh head; from the initialisation where nothing was pretrained. */
export const fineTune: Protocol = {
  name: "fine-tune",
  summary: "All weights learn the wanted task under a fresh head.",
  refuses: () => undefined,
  prepare: async ({ training, arm, pretrained, plans, run }) => {
    const { training: model, record } = await run(
      training.stage(training.classification("target", plans["fine-tune"]), {
        ...{ arm, phase: "fine-tune", side: "target" },
        ...plans["fine-tune"],
        ...(pretrained && { backbone: backboneOf(pretrained.training) }),
      }),
    );
    return { record, judge: (images) => training.judge.classify("target", model, images) };
  },
};
