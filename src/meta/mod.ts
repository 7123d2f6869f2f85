/** Meta-learning algorithms on exact mixed-mode meta-gradients. @module */
export * from "./adapt_tasks.ts";
export * from "./anil.ts";
export * from "./auto_lambda.ts";
export type { BilevelProblem, LossContext, LossResult, TaskLoss } from "./bilevel_problem.ts";
export * from "./combine_meta_gradients.ts";
export type { ByPath } from "./fast_weights.ts";
export * from "./fomaml.ts";
export * from "./forum.ts";
export * from "./guard.ts";
export * from "./initial_rates.ts";
export type { InnerLoopOptions, MetaParameters, TaskData } from "./inner_loop.ts";
export type { InnerUpdate } from "./inner_update.ts";
export * from "./ledger.ts";
export * from "./maml.ts";
export {
  type MetaGradient,
  metaGradient,
  type MetaGradientOptions,
  type MetaGradientResult,
  type MetaOrder,
} from "./meta_gradient.ts";
export * from "./meta_sgd.ts";
export * from "./moml.ts";
export * from "./multi_task_loss.ts";
export * from "./reptile.ts";
export type { TaskLosses } from "./task_losses.ts";
