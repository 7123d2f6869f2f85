/**
 * The protocol of the linear probe.
 *
 * @module
 */
import { withHead } from "../model_parts.ts";
import { backboneFor } from "./backbone_for.ts";
import type { Protocol } from "./protocol.ts";

/** A linear classifier learns on frozen embeddings (Zhang et al., arXiv 1603.08511, section 3.2). */
export const linearProbe: Protocol = {
  name: "linear-probe",
  summary: "A linear classifier learns on the frozen backbone.",
  refuses: () => undefined,
  prepare: async (inputs) => {
    const { training, arm, plans, run } = inputs;
    const backbone = await training.judge.refreshed(await backboneFor(inputs));
    const { training: head, record } = await run(
      training.probe({ arm, phase: "linear-probe", ...plans["linear-probe"], backbone }),
    );
    const model = withHead(backbone, head);
    return { record, judge: (images) => training.judge.classify("probe", model, images) };
  },
};
