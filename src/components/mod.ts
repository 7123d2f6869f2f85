/**
 * Everything that a configuration can choose by name: pretext tasks, weightings, backbones, optimizers.
 * `deno task components` lists them.
 *
 * @module
 */
export {
  type Choice,
  type Component,
  component,
  makeMany,
  makeOne,
  manyOf,
  oneOf,
  type Registry,
} from "./component.ts";
export { type Backbone, backbones, type BackboneSetting } from "./backbones.ts";
export { optimizers } from "./optimizers.ts";
export { narrowTasks, pretextTasks, type TaskSetting } from "./pretext_tasks.ts";
export { weightings } from "./weightings.ts";
