/** A dry run predicts with the kernels that the run would take. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "@std/yaml";
import { objectives } from "../../src/components/mod.ts";
import { builtInProfile } from "../../src/adapter/mod.ts";
import type { Prediction } from "../../src/experiment/prediction.ts";
import { keepKernels } from "../../src/machine/mod.ts";
import { openPaper } from "../../src/predict/paper_backend.ts";
import { predictOnPaper } from "../../src/study/arms/predict_study.ts";
import { studySchema } from "../../src/study/arms/study_schema.ts";
import { webgpuTest } from "../webgpu.ts";

const CONFIG = {
  arms: { one: { pretrain: [{ objective: "classification" }], protocols: ["as-is"] } },
  model: { backbone: { encoder: { widths: [8, 8], embedding: 8 } } },
  ...{ batchSize: 8, pictures: 0, refreshBatches: 0 },
};

/** What the command says, in a process that knows the profiles of a folder only. */
async function predicted(folder: string, ...flags: string[]): Promise<Prediction> {
  const main = new URL("../../experiments/main.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", decodeURIComponent(main.pathname), "cifar-hypothesis"],
      ...["--dry-run", "--config", `${folder}/one.yaml`, "--set", 'only.arms=["one"]'],
      ...["--set", 'only.regimes=["same"]', ...flags],
    ],
    env: { MUTASESUMELE_PROFILES: folder },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return (parse(decoder.decode(stdout)) as { prediction: Prediction }).prediction;
}

webgpuTest("--dry-run predicts half precision with its table, and single without", async (gpu) => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/one.yaml`, JSON.stringify(CONFIG));
    const table = new Map<string, string>();
    const chooseKernel = (shape: string, names: readonly string[]): undefined => {
      if (names.includes("conv2d_3x3_half")) table.set(shape, "conv2d_3x3_half");
    };
    const options = { profile: builtInProfile("software"), traits: { chooseKernel } };
    using paper = openPaper(gpu, { ...options, halfPrecision: true });
    await predictOnPaper(studySchema.parse(CONFIG), { paper, seed: 0, data: "auto", objectives });
    assert(table.size > 0);
    const without = [await predicted(folder), await predicted(folder, "--half-precision")];
    await keepKernels(gpu.device, table, { folder, halfPrecision: true, log: () => {} });
    const withTable = [await predicted(folder), await predicted(folder, "--half-precision")];
    const [single, half] = withTable.map(({ phases }) => phases[0]!.stepSeconds);
    const rules = without.map(({ phases }) => phases[0]!.stepSeconds);
    // Without a table there is nothing to choose.
    assertEquals(rules, [single, single]);
    assert(half !== single, `${half} and ${single} s a step`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
