/**
 * Pretext tasks of a study's own, beside those of the package.
 *
 * @module
 */
import {
  component,
  pretextTasks,
  type TaskRegistry,
  type TaskSetting,
} from "../../components/mod.ts";
import { describe } from "../../ir/describe.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { kebabCase } from "../../text/kebab_case.ts";

/**
 * Adds tasks to those of the package.
 *
 * @param own Makers of tasks by name.
 * @returns All tasks by name.
 * @throws {RangeError} If a name is taken or not in kebab-case.
 * @throws {TypeError} If a maker is no function.
 */
export function withOwnTasks(
  own: Readonly<Record<string, (setting: TaskSetting) => PretextTask>>,
): TaskRegistry {
  for (const [name, make] of Object.entries(own)) {
    if (Object.hasOwn(pretextTasks, name) || !kebabCase.test(name)) {
      throw new RangeError(
        `Cannot add the task "${name}": expected a name in kebab-case other than ${
          Object.keys(pretextTasks).join(", ")
        }.`,
      );
    }
    if (typeof make !== "function") {
      throw new TypeError(`Cannot add the task "${name}": expected a function that makes it.`);
    }
  }
  const added = Object.entries(own).map(([name, make]) => {
    const part = component("A task of this study.", {}, (_, setting: TaskSetting) => {
      const task = make(setting);
      if (task?.name === name) return task;
      const made = typeof task?.name === "string"
        ? `with the name "${task.name}"`
        : `as ${describe(task)}`;
      throw new TypeError(
        `Cannot take the task "${name}": it was made ${made}, expected the same name. Set its 'name'.`,
      );
    });
    return [name, part] as const;
  });
  return { ...pretextTasks, ...Object.fromEntries(added) };
}
