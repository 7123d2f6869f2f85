/**
 * The protocol of the weights as pretraining left them.
 *
 * @module
 */
import type { Protocol } from "./protocol.ts";

/** The pretrained model with its own head, at theta: nothing is trained after pretraining. */
export const asIs: Protocol = {
  name: "as-is",
  summary: "The pretrained model with its own head; nothing is trained.",
  refuses: ({ pretrained, transfer }) =>
    !pretrained?.objective.wanted
      ? "pretraining has left no head of the wanted task"
      : transfer
      ? "the target has other classes than the pretrained head"
      : undefined,
  prepare: ({ training, pretrained }) =>
    Promise.resolve({
      judge: (images) => training.judge.classify("source", pretrained!.training, images),
    }),
};
