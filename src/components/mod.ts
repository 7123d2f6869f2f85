/**
 * Everything that can be chosen by name: pretext tasks, weightings, objectives, placebos, protocols,
 * backbones, heads, optimizers and data sets.
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
export { type Backbone, backbones, type BackboneSetting, narrowBackbone } from "./backbones.ts";
export { dataSets, type DataSetting } from "./data_sets.ts";
export { heads, type HeadSetting } from "./heads.ts";
export {
  type Objectives,
  objectives,
  type ObjectiveSetting,
  objectivesOn,
  type TaskRegistry,
} from "./objectives.ts";
export { optimizers } from "./optimizers.ts";
export { placebos } from "./placebos.ts";
export { narrowTasks, pretextTasks, type TaskSetting } from "./pretext_tasks.ts";
export { protocols } from "./protocols.ts";
export { weightings } from "./weightings.ts";
