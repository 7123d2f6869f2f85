import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { type Config, demo, inFolder } from "./demo.ts";

Deno.test("runCommand() --dry-run says what would run, and writes nothing", () =>
  inFolder(async (folder, command) => {
    const experiment = demo(() => Promise.reject(new Error("ran")));
    const { code, out } = await command(experiment, "--dry-run", "--seed", "2", "--set", "steps=8");
    assertEquals(code, 0);
    assertEquals(JSON.parse(out.join("\n")), {
      ...{ experiment: "demo", preset: null, seed: 2, engine: "auto", data: "auto" },
      config: { steps: 8, model: { width: 4 } },
    });
    assertEquals([...Deno.readDirSync(folder)], []);
    assertEquals((await command(experiment, "--dry-run", "--set", "step=8")).code, 2);
  }));

Deno.test("runCommand() --dry-run says what a run will take, or why that is not known", () =>
  inFolder(async (_, command) => {
    const phase = {
      ...{ arm: "a", phase: "train", steps: 8, stepSeconds: 0.5, evaluations: 2 },
      ...{ evaluationSeconds: 1, peakBytes: 2 ** 20, splits: {} },
    };
    const prediction = {
      ...{ adapter: "some GPU", profile: "measured" as const, phases: [phase] },
      ...{ assumed: [], notCounted: ["the first call"] },
    };
    const run = () => Promise.reject(new Error("ran"));
    const precisions: boolean[] = [];
    const known = defineExperiment({
      ...demo(run),
      predict: ({ steps }: Config, { seed, engine, data, memory, halfPrecision }) => {
        assertEquals([steps, seed, engine, data, memory], [8, 2, "auto", "auto", 4096]);
        precisions.push(halfPrecision);
        return Promise.resolve(prediction);
      },
    });
    const args = ["--dry-run", "--seed", "2", "--set", "steps=8", "--memory", "4KiB"];
    const { code, out, err } = await command(known, ...args);
    assertEquals([code, out.length], [0, 1]);
    assertEquals(JSON.parse(out[0]!).prediction, prediction);
    assertMatch(err, /a train +8 +500 ms +2 +1\.00 s +6\.00 s +1\.0 MiB/);
    assertStringIncludes(err, "not counted: the first call");
    const quiet = await command(known, ...args, "--no-predict");
    assertEquals([quiet.err, "prediction" in JSON.parse(quiet.out[0]!)], ["", false]);
    const half = await command(known, ...args, "--half-precision");
    assertEquals(precisions, [false, true]);
    const said = [out, half.out].map(([line]) => JSON.parse(line!).halfPrecision);
    assertEquals(said, [undefined, true]);
    const unknown = defineExperiment({
      ...demo(run),
      predict: () => Promise.resolve("No adapter."),
    });
    const without = await command(unknown, "--dry-run");
    assertEquals([without.code, without.err.trim()], [0, "No adapter."]);
    assertEquals("prediction" in JSON.parse(without.out[0]!), false);
  }));
