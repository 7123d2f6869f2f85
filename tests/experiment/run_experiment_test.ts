import { assertEquals, assertRejects } from "@std/assert";
import { z } from "zod";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { runExperiment } from "../../src/experiment/run_experiment.ts";
import { UsageError } from "../../src/experiment/usage_error.ts";

Deno.test("runExperiment() runs what the schema makes of a configuration, and nothing that it refuses", async () => {
  const root = await Deno.makeTempDir();
  const progress = {
    write: () => {},
    terminal: false,
    color: false,
    columns: () => 0,
    now: () => 0,
  };
  try {
    const seen: unknown[] = [];
    const experiment = defineExperiment({
      ...{ name: "count", title: "Counting", summary: "Counts." },
      schema: z.strictObject({ to: z.int().default(3).describe("Last.") }),
      run: ({ config }) => Promise.resolve(void seen.push(config)),
    });
    const run = (config: unknown) =>
      runExperiment(experiment, {
        ...{ config: config as { to: number }, seed: 0, engine: "reference", data: "synthetic" },
        ...{ preset: null, command: ["test"], folder: { root } },
        output: { print: () => {}, progress },
      });
    assertEquals((await run({})).exitCode, 0);
    assertEquals(seen, [{ to: 3 }]);
    const begun = [...Deno.readDirSync(`${root}/count`)].length;
    await assertRejects(
      () => run({ to: "5" }),
      UsageError,
      "Cannot run count: found an object of to",
    );
    await assertRejects(() => run({ too: 5 }), UsageError, "its schema takes");
    assertEquals([...Deno.readDirSync(`${root}/count`)].length, begun);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
