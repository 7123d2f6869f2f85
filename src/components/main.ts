/**
 * Lists the parts that a configuration can choose, or the options of one: `deno task components
 * [NAME]`.
 *
 * @module
 */
import {
  backbones,
  dataSets,
  heads,
  objectives,
  optimizers,
  placebos,
  pretextTasks,
  protocols,
  weightings,
} from "./mod.ts";
import { listText, optionsText } from "./list.ts";

if (import.meta.main) {
  const kinds = {
    "pretext tasks": pretextTasks,
    weightings,
    objectives,
    placebos,
    protocols,
    backbones,
    heads,
    optimizers,
    "data sets": dataSets,
  };
  const [name] = Deno.args;
  if (name === undefined) {
    console.log(listText(kinds));
  } else {
    const text = optionsText(kinds, name);
    if (text === undefined) {
      console.error(
        `Cannot show "${name}": expected one of ${
          Object.values(kinds).flatMap((registry) => Object.keys(registry)).join(", ")
        }.`,
      );
      Deno.exit(2);
    }
    console.log(text);
  }
}
