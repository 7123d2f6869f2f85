/**
 * Ways to judge a backbone.
 *
 * @module
 */
export { adapted, adaptedTransductive } from "./adapted.ts";
export { asIs } from "./as_is.ts";
export { fineTune } from "./fine_tune.ts";
export { knn } from "./knn.ts";
export { linearProbe } from "./linear_probe.ts";
export type {
  Judgement,
  PreparedModel,
  Pretrained,
  Protocol,
  ProtocolInputs,
  ProtocolPlan,
} from "./protocol.ts";
