/**
 * Objectives by name.
 *
 * @module
 */
import { z } from "zod";
import { augmented, type PretextTask } from "../pretext/mod.ts";
import {
  alignmentObjective,
  classificationObjective,
  jointObjective,
  type Learner,
  metaObjective,
  type Objective,
  pretextObjective,
} from "../train/mod.ts";
import { component, makeMany, makeOne, manyOf, oneOf, type Registry } from "./component.ts";
import { optimizers } from "./optimizers.ts";
import { placebos } from "./placebos.ts";
import { pretextTasks, type TaskSetting } from "./pretext_tasks.ts";
import { weightings } from "./weightings.ts";

/** What an objective takes from the data and the model. */
export interface ObjectiveSetting {
  /** Backbone, head, outer optimizer. */
  readonly learner: Learner;
  /** What its pretext tasks take. */
  readonly setting: TaskSetting;
}

/** Pretext tasks by name. */
export type TaskRegistry = Registry<PretextTask, TaskSetting>;

/** Objectives by name. */
export type Objectives = Registry<Objective, ObjectiveSetting>;

const weighting = oneOf(weightings, { equal: {} }).describe("How much each loss counts.");
const inner = {
  innerSteps: z.int().min(1).default(1).describe("Steps of every inner loop."),
  innerRate: z.number().min(0).default(0.001).describe("Rate of the inner loop."),
};
const share = (what: string) =>
  z.number().min(0).default(1).describe(`How much the pretext heads learn from ${what}.`);

/**
 * Every objective by its name, on some pretext tasks.
 *
 * @param registry The tasks that configurations may choose.
 * @returns The objectives.
 */
export function objectivesOn(registry: TaskRegistry): Objectives {
  const taskOptions = {
    tasks: manyOf(registry, { contrastive: {}, rotation: {} }).describe("The pretext tasks."),
    augmentSupport: z.boolean().default(false)
      .describe("Whether images of pretext tasks are first augmented as labelled ones are."),
  };
  /** The pretext tasks that are named. */
  function tasksOf(
    { tasks, augmentSupport }: z.output<z.ZodObject<typeof taskOptions>>,
    { learner: { augment }, setting }: ObjectiveSetting,
  ): PretextTask[] {
    const made = makeMany(registry, tasks, setting);
    return augmentSupport ? made.map((task) => augmented(task, augment)) : made;
  }
  return {
    alignment: component(
      "The wanted loss and an explicit bonus for aligned gradients: meta-training to first order.",
      { ...taskOptions, ...inner },
      (options, given) =>
        alignmentObjective(given.learner, {
          tasks: tasksOf(options, given),
          alpha: options.innerSteps * options.innerRate,
        }),
    ),
    classification: component(
      "The wanted loss: supervised training.",
      {},
      (_, { learner }) => classificationObjective(learner),
    ),
    joint: component(
      "The wanted loss and the pretext losses together.",
      {
        ...taskOptions,
        weighting,
        pretextWeight: z.number().min(0).default(1).describe("Factor of every pretext loss."),
      },
      (options, given) =>
        jointObjective(given.learner, {
          tasks: tasksOf(options, given),
          weighting: makeOne(weightings, options.weighting, {}),
          pretextWeight: options.pretextWeight,
        }),
    ),
    meta: component(
      "The wanted loss at copies that were adapted to pretext tasks (1703.03400).",
      {
        ...taskOptions,
        ...inner,
        order: z.enum(["exact", "first"]).default("exact").describe("Order of the meta-gradient."),
        optimizer: oneOf(optimizers, { sgd: {} }).describe("Optimizer of the inner loop."),
        weighting,
        placebo: z.enum(Object.keys(placebos)).nullable().default(null)
          .describe("A control that changes the inner loop; null for none."),
        ownHeads: share("their own losses"),
        outerHeads: share("the outer loss"),
      },
      (options, given) => {
        const { innerSteps, innerRate, order, optimizer, weighting, placebo } = options;
        const equal = Object.keys(weighting).every((name) => name === "equal");
        return metaObjective(given.learner, {
          tasks: tasksOf(options, given),
          inner: { innerSteps, innerRate, optimizer: makeOne(optimizers, optimizer, {}) },
          order,
          heads: { own: options.ownHeads, outer: options.outerHeads },
          ...(!equal && { weighting: makeOne(weightings, weighting, {}) }),
          ...(placebo !== null && { placebo: makeOne(placebos, { [placebo]: {} }, {}) }),
        });
      },
    ),
    pretext: component(
      "The pretext losses alone: self-supervised pretraining.",
      { ...taskOptions, weighting },
      (options, given) =>
        pretextObjective(given.learner, {
          tasks: tasksOf(options, given),
          weighting: makeOne(weightings, options.weighting, {}),
        }),
    ),
  };
}

/** Every objective on all pretext tasks of the package. */
export const objectives: Objectives = objectivesOn(pretextTasks);
