/** What experiments, their files, arms, regimes and own tasks are called. */
import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { rotation } from "../../mod.ts";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { experimentNames } from "../../src/experiment/experiment_folder.ts";
import { withOwnTasks } from "../../src/study/arms/own_tasks.ts";
import { studySchema } from "../../src/study/arms/study_schema.ts";
import { kebabCase } from "../../src/text/kebab_case.ts";

const good = ["a", "cifar-maml", "10-percent", "labels-100", "v2", "2"];
const bad = ["", "A", "a_b", "a b", "-a", "a-", "a--b", "../a", "a.b", "ä", "a\n"];

/** Whether a call does not throw. */
const passes = (call: () => unknown): boolean => {
  try {
    call();
    return true;
  } catch {
    return false;
  }
};

Deno.test("experiments, arms, regimes and own tasks have names of one kind", () => {
  const about = {
    title: "A demo",
    summary: "Demo.",
    schema: z.strictObject({}),
    run: async () => {},
  };
  const takers: Readonly<Record<string, (name: string) => unknown>> = {
    experiment: (name) => defineExperiment({ ...about, name }),
    arm: (name) => studySchema.parse({ arms: { [name]: { protocols: ["fine-tune"] } } }),
    regime: (name) => studySchema.parse({ regimes: { [name]: {} } }),
    task: (name) => withOwnTasks({ [name]: ({ hidden }) => ({ ...rotation({ hidden }), name }) }),
  };
  for (const [what, take] of Object.entries(takers)) {
    for (const name of good) assertEquals(passes(() => take(name)), true, `${what} ${name}`);
    for (const name of bad) assertThrows(() => take(name), Error, undefined, `${what} ${name}`);
  }
});

Deno.test("an experiment is listed if its file has a name that an experiment may have", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of [...good, ...bad, "main"].filter((name) => !/[/\n]/.test(name))) {
      await Deno.writeTextFile(`${folder}/${name}.ts`, "");
    }
    const found = await experimentNames(new URL(`file://${folder}/`));
    assertEquals(found, good.toSorted());
    assertEquals(found.every((name) => kebabCase.test(name)), true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
