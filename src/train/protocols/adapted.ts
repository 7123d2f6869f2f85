/**
 * The protocols of the weights after self-supervised steps.
 *
 * @module
 */
import type { MetaObjective } from "../objectives/meta.ts";
import type { Objective } from "../objectives/objective.ts";
import { asIs } from "./as_is.ts";
import type { Judgement, Protocol } from "./protocol.ts";

function isMeta(objective: Objective): objective is MetaObjective {
  return "meta" in objective;
}

function adaptedProtocol(
  name: string,
  { summary, transductive }: { readonly summary: string; readonly transductive: boolean },
): Protocol {
  return {
    name,
    summary,
    refuses: (inputs) =>
      asIs.refuses(inputs) ??
        (isMeta(inputs.pretrained!.objective) ? undefined : "pretraining had no inner loop") ??
        (transductive && inputs.pretrained!.objective.tasks.some(({ needsLabels }) => needsLabels)
          ? "its inner loop reads labels, which judged images must not give"
          : undefined),
    prepare: ({ training, pretrained }) =>
      Promise.resolve({
        judge: async (images): Promise<Judgement> => {
          const { byTask, ...result } = await training.judge.adapted(
            pretrained!.objective as MetaObjective,
            pretrained!.training,
            images,
            ...transductive ? [images] : [],
          );
          return { ...result, figures: byTask };
        },
      }),
  };
}

/**
 * The pretrained model with its own head at theta', after the inner loop of each pretext task on training
 * images; the mean over tasks and support batches. What the inner loop costs here is in no ledger.
 */
export const adapted: Protocol = adaptedProtocol("adapted", {
  summary: "The pretrained model after the inner loop on training images.",
  transductive: false,
});

/** The same with support batches from the images that it is judged by, without their labels. */
export const adaptedTransductive: Protocol = adaptedProtocol("adapted-transductive", {
  summary: "The pretrained model after the inner loop on the judged images themselves.",
  transductive: true,
});
