/**
 * Pretext tasks of one's own, from a module.
 *
 * @module
 */
import type { TaskRegistry, TaskSetting } from "../../components/mod.ts";
import { exportedNames, importFile } from "../../experiment/import_file.ts";
import { UsageError } from "../../experiment/usage_error.ts";
import { describe } from "../../ir/describe.ts";
import type { PretextTask } from "../../pretext/mod.ts";
import { withOwnTasks } from "../arms/own_tasks.ts";

/**
 * Imports the tasks of a module, in addition to those of the package.
 *
 * @param path Its path, from the working folder.
 * @param load Imports a module by its URL.
 * @returns All tasks by name.
 * @throws {UsageError} If it cannot be imported, or exports no `tasks` as `imageStudy` takes them.
 */
export async function loadTasks(
  path: string,
  load: (url: string) => Promise<unknown>,
): Promise<TaskRegistry> {
  const module = await importFile(path, load);
  const { tasks } = module;
  if (tasks === null || typeof tasks !== "object" || Object.keys(tasks).length === 0) {
    const found = "tasks" in module ? `tasks = ${describe(tasks)}` : exportedNames(module);
    throw new UsageError(
      `Cannot take tasks from "${path}": it exports ${found}, expected \`tasks\`, those that ` +
        `imageStudy is given: export const tasks = { NAME: (setting) => task }.`,
    );
  }
  try {
    return withOwnTasks(tasks as Readonly<Record<string, (setting: TaskSetting) => PretextTask>>);
  } catch (error) {
    throw new UsageError(`Cannot take tasks from "${path}": ${(error as Error).message}`);
  }
}
