/**
 * The backbone that a protocol judges.
 *
 * @module
 */
import type { Concrete } from "../../engine/mod.ts";
import type { Variables } from "../evaluate_classifier.ts";
import { backboneOf } from "../model_parts.ts";
import type { ProtocolInputs } from "./protocol.ts";

/**
 * Gives the pretrained backbone, or the one that every arm begins with.
 *
 * @param inputs What the protocol works on.
 * @returns Parameters and running statistics.
 */
export async function backboneFor(
  { training, pretrained }: Pick<ProtocolInputs, "training" | "pretrained">,
): Promise<Concrete<Variables>> {
  return pretrained ? backboneOf(pretrained.training) : await training.initialBackbone();
}
