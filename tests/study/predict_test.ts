/**
 * What a dry run says of a study.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { objectives } from "../../src/components/mod.ts";
import { type Prediction, predictionLines } from "../../src/experiment/prediction.ts";
import { predictOnPaper } from "../../src/study/arms/predict_study.ts";
import { studySchema } from "../../src/study/arms/study_schema.ts";
import { madeUpPaper } from "../predict/made_up_adapter.ts";

const CONFIG = studySchema.parse({
  arms: {
    supervised: { pretrain: [{ objective: "classification" }], protocols: ["as-is"] },
    longer: { like: "supervised", steps: 40 },
  },
  model: { backbone: { encoder: { widths: [4], embedding: 8 } }, hidden: 8 },
  batchSize: 8,
  validation: 20,
  testImages: 30,
  pretrain: { steps: 10 },
  refreshBatches: 0,
  evaluateEvery: 4,
  evaluationBatch: 10,
  pictures: 0,
});

Deno.test("a study is predicted phase by phase, in the numbers of its steps, evaluations and images", async () => {
  using paper = madeUpPaper();
  const options = { paper, seed: 0, data: "synthetic", objectives };
  const prediction = await predictOnPaper(CONFIG, options);
  const { phases, assumed } = prediction;
  assertEquals(phases.map(({ arm, phase }) => `${arm} ${phase}`), [
    "supervised pretrain",
    "longer pretrain",
    "supervised as-is, judged",
    "longer as-is, judged",
  ]);
  const [short, long, judged] = phases;
  // Before the first step, after 4, 8 and 10.
  assertEquals([short!.steps, short!.evaluations, long!.steps, long!.evaluations], [10, 4, 40, 11]);
  assert(short!.stepSeconds > 1e-4 && short!.stepSeconds < 1, `${short!.stepSeconds} s a step`);
  assertEquals(short!.stepSeconds, long!.stepSeconds);
  // Three batches of test images, two of validation: what one more takes is not twice as much.
  const more = judged!.evaluationSeconds - short!.evaluationSeconds;
  assert(more > 0 && more < short!.evaluationSeconds, `${more} s`);
  // 10,000 images of 3 KiB lie on the device.
  assert(phases.every(({ peakBytes }) => peakBytes > 10_000 * 3072 && peakBytes < 2 ** 26));
  assertStringIncludes(assumed[0]!, "10000 images to learn from, 30 to test on, of 10 classes");
});

Deno.test("a prediction is printed with its sums, its splits, and what is not counted", () => {
  const phase = {
    ...{ arm: "meta", phase: "pretrain", steps: 200, stepSeconds: 0.25, evaluations: 9 },
    ...{ evaluationSeconds: 2, peakBytes: 3 * 2 ** 20, splits: {} },
  };
  const prediction: Prediction = {
    adapter: "some GPU",
    profile: "built-in",
    phases: [
      phase,
      {
        ...phase,
        ...{ phase: "as-is, judged", steps: 0, stepSeconds: 0, evaluations: 1 },
        splits: { step: ["split in 4 over axis 0 of size 32"] },
      },
    ],
    assumed: ["so many images"],
    notCounted: ["the first call"],
  };
  const text = predictionLines(prediction).join("\n");
  assertMatch(text, /^prediction for some GPU, by the built-in profile .*doctor --measure/);
  assertMatch(text, /meta pretrain +200 +250 ms +9 +2\.00 s +68\.0 s +3\.0 MiB/);
  assertMatch(text, /meta as-is, judged +- +- +1 +2\.00 s +2\.00 s +3\.0 MiB/);
  assertStringIncludes(text, "total 1m10s, at most 3.0 MiB of device memory");
  assertStringIncludes(
    text,
    "in parts: meta as-is, judged, program 'step': split in 4 over axis 0",
  );
  assertStringIncludes(text, "assumed: so many images");
  assertStringIncludes(text, "not counted: the first call");
});
