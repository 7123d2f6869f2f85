import { assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { type ArmOutcome, writeArmReport } from "../../src/experiment/arm_report.ts";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { runExperiment } from "../../src/experiment/run_experiment.ts";

/** Writes the report of one arm; gives its page and the charts beside it. */
async function reportOn(
  arm: ArmOutcome,
): Promise<{ readonly html: string; readonly svg: string[] }> {
  const root = await Deno.makeTempDir();
  const progress = {
    write: () => {},
    terminal: false,
    color: false,
    columns: () => 0,
    now: () => 0,
  };
  const about = { summary: [], notices: [], facts: {}, chance: 0.1 };
  try {
    const experiment = defineExperiment({
      ...{ name: "demo", title: "A demo", summary: "Reports.", schema: z.strictObject({}) },
      run: (context) => writeArmReport(context, { ...about, arms: [arm] }, { title: "A demo" }),
    });
    const { exitCode, path } = await runExperiment(experiment, {
      ...{ config: {}, seed: 0, engine: "reference", data: "synthetic", preset: null },
      ...{ command: ["test"], folder: { root }, output: { print: () => {}, progress } },
    });
    assertEquals(exitCode, 0);
    const names = [...Deno.readDirSync(path)].map(({ name }) => name);
    return {
      html: await Deno.readTextFile(`${path}/report.html`),
      svg: names.filter((name) => name.endsWith(".svg")).sort(),
    };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const ledger = { steps: 10, samples: 40, flops: 1e6, seconds: 2 };
const point = (step: number) => ({ step, samples: 4 * step, flops: 1e5 * step, seconds: 0 });

Deno.test("a report has charts of what was learned, and none of arms without a classifier", async () => {
  const learned = await reportOn({
    ...{ name: "scratch", description: "not pretrained", test: { accuracy: 0.38 } },
    stages: [{
      phase: "fine-tune",
      record: { ledger, curve: [0, 10].map((k) => ({ ...point(k), validationAccuracy: k / 20 })) },
    }],
  });
  assertEquals(learned.svg, [
    "validation-after-pretraining.svg",
    "validation-flops.svg",
    "validation-steps.svg",
  ]);
  // Judged by nearest neighbours: pretext tasks alone have no accuracy on the way.
  const pretext = await reportOn({
    ...{ name: "pretext", description: "pretext tasks", test: { accuracy: 0.21 } },
    stages: [{ phase: "pretrain", record: { ledger, curve: [0, 10].map(point) } }],
  });
  assertEquals(pretext.svg, []);
  assertStringIncludes(pretext.html, "21.0");
  // A picture that has nothing on a logarithmic axis, which begins after 0.
  const begun = await reportOn({
    ...{ name: "begun", description: "evaluated once" },
    stages: [{
      phase: "fine-tune",
      record: { ledger, curve: [{ ...point(0), validationAccuracy: 0.1 }] },
    }],
  });
  assertEquals(begun.svg, ["validation-after-pretraining.svg", "validation-steps.svg"]);
});
