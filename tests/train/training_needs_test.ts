import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { experiment } from "../../experiments/cifar-maml.ts";
import { runCommand } from "../../src/experiment/run_command.ts";
import { loadPresets } from "../../src/experiment/presets.ts";
import { resolveConfig } from "../../src/experiment/config_layers.ts";
import { assertNeeds } from "../../src/experiment/needs.ts";
import {
  adam,
  classifierHead,
  contrastive,
  encoder,
  rotation,
  sgd,
  supervisedAugment,
} from "../../mod.ts";
import { imageTrainingNeeds, type TrainingNeedsOptions } from "../../src/train/mod.ts";

/** A tiny training; batch and inner steps as told. */
function options(
  more: {
    readonly innerSteps?: number;
    readonly evaluationBatch?: number;
    readonly widths?: number[];
  } = {},
): TrainingNeedsOptions {
  const { innerSteps = 1, evaluationBatch = 5, widths = [2] } = more;
  return {
    encoder: encoder({ widths, embedding: 4 }),
    embedding: 4,
    head: classifierHead({ inputs: 4, classes: 10, hidden: 4 }),
    optimizer: adam(),
    augment: supervisedAugment(),
    extents: { height: 32, width: 32, channels: 3 },
    meta: {
      tasks: [rotation({ hidden: 4 }), contrastive({ temperature: 0.1, projection: 4 })],
      inner: { innerSteps, innerRate: 0.01, optimizer: sgd() },
      order: "exact",
    },
    batchSize: 4,
    evaluationBatch,
  };
}

const amounts = (of: TrainingNeedsOptions) =>
  Object.fromEntries([...imageTrainingNeeds(of)].map(({ part, amount }) => [part, amount]));

Deno.test("imageTrainingNeeds() counts parameters, sets of them, results and operations", () => {
  const one = amounts(options());
  assertEquals(one["evaluation"], 4 * 5 * 32 * 32 * 2);
  assertEquals(amounts(options({ evaluationBatch: 50 }))["evaluation"], 10 * one["evaluation"]!);
  const several = [1, 2, 3, 7].map((innerSteps) => amounts(options({ innerSteps })));
  const programs = several.map(({ program }) => program!);
  assertEquals(several[3]!["inner loop"], 7 * one["inner loop"]!);
  assert(programs[1]! > programs[0]! + 100);
  assertEquals(programs[3]! - programs[0]!, 6 * (programs[1]! - programs[0]!));
  assert(amounts(options({ widths: [4] }))["parameters"]! > one["parameters"]!);
});

Deno.test("cifar-maml's presets fit, and what cannot fit is refused before anything is made", async () => {
  const presets = await loadPresets(experiment);
  for (const name of presets.names) {
    assertNeeds(
      experiment,
      await resolveConfig(experiment.schema, [...presets.common, await presets.layer(name)]),
    );
  }
  const folder = await Deno.makeTempDir();
  try {
    const encoder = "model.backbone.encoder";
    const cases: [string[], string[]][] = [
      [["meta.innerSteps=1000000"], ["meta.innerSteps=1000000", "8 GiB; expected at most 4 GiB"]],
      [["meta.innerSteps=500"], ["meta.innerSteps=500", "operations"]],
      [["evaluationBatch=1000000000"], ["evaluationBatch=1000000000", "TiB"]],
      [["batchSize=1000000"], ["batchSize=1000000", "f32[1, 2000000, 2000000] takes"]],
      [["batchSize=1000000000"], ["batchSize=1000000000", "[2000000000, 2000000000]"]],
      [[`${encoder}.widths=[1000000000]`], ['"widths":[1000000000]', "1000000000, 1000000000]"]],
      [[`${encoder}.embedding=10000000`], ['"embedding":10000000', "f32[10000000, 10000000]"]],
      [["model.hidden=100000000"], ["model.hidden=100000000", "GiB"]],
      [["only.arms=[scratch]", `${encoder}.embedding=10000000`], ['"embedding":10000000']],
      [["arms.meta.innerSteps=500"], ["operations"]],
    ];
    for (const [assignments, parts] of cases) {
      let err = "";
      const began = performance.now();
      const code = await runCommand(experiment, {
        args: [
          ...["--preset", "smoke", "--data", "synthetic", "--out", `${folder}/runs`],
          ...assignments.flatMap((assignment) => ["--set", assignment]),
        ],
        output: {
          print: () => {},
          progress: {
            write: (text) => void (err += text),
            terminal: false,
            color: false,
            columns: () => 0,
            now: () => 0,
          },
        },
      });
      assertEquals(code, 2, err);
      for (const part of ["Too large for this experiment", ...parts]) {
        assertStringIncludes(err, part);
      }
      assert(performance.now() - began < 20_000);
      assertEquals([...Deno.readDirSync(folder)], []);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("--memory sets the budget that a configuration is held against", async () => {
  const config = await resolveConfig(experiment.schema, []);
  const refused = (memory: number): string => {
    try {
      assertNeeds(experiment, config, { memory });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assertStringIncludes(refused(1e6), "expected at most 976.6 KiB");
  assertStringIncludes(refused(1e6), "or raise --memory");
  assertEquals(refused(1e9), "");
});
