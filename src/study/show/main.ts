/**
 * `deno task show-task`, which imports modules of one's own; no part of the package, whose imports are all known.
 *
 * @module
 */
import { showTaskCommand } from "./show_task_command.ts";

if (import.meta.main) {
  Deno.exit(await showTaskCommand(Deno.args, { load: (url) => import(url) }));
}
