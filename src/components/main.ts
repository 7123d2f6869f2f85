/**
 * Lists the parts that a configuration can choose, or the options of one: `deno task components
 * [NAME]`. Of a backbone it counts parameters and operations, with other options and images if told:
 * `deno task components resnet depth=50 stem=imagenet --image=224 --classes=1000`.
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
import { sizeText } from "./backbone_size.ts";
import { listText, optionsText } from "./list.ts";

const USAGE = `Usage: deno task components [NAME] [OPTION=VALUE ...] [--image=SIZE] [--classes=N]

Lists pretext tasks, weightings, objectives, placebos, protocols, backbones, heads, optimizers and data sets that
a configuration can choose; with a NAME, its options. Of a backbone it counts parameters and operations, with
other options and images if told: resnet depth=50 stem=imagenet --image=224 --classes=1000`;

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
  const [name, ...settings] = Deno.args;
  if (name === "--help" || name === "-h") {
    console.log(USAGE);
  } else if (name === undefined) {
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
    try {
      if (Object.hasOwn(backbones, name)) console.log(sizeText(name, settings));
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      Deno.exit(2);
    }
  }
}
