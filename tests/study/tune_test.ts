import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { parse } from "@std/yaml";
import { tuneCommand } from "../../src/study/sweep/tune_command.ts";
import { drawTrials, nested } from "../../src/study/sweep/tune_plan.ts";
import { readTrials, readUnits } from "../../src/study/read_units.ts";
import { readTuning, trialTable, tuningTable } from "../../src/study/tuning.ts";
import { studyPage } from "../../src/study/verdict/study_page.ts";
import { runVerdict } from "../../src/study/verdict/verdict_command.ts";
import { demoVerdict } from "./demo_page.ts";
import { program } from "./sweep_process.ts";

const range = (from: number, to: number) => ({ from, to });
const plan = {
  ...{ format: 1, study: "demo", regime: "same", seed: 9, trials: 3 } as const,
  arms: {
    meta: { protocol: "fine-tune", space: { gain: range(0.01, 0.4) } },
    scratch: {
      protocol: "fine-tune",
      space: { gain: range(0.01, 0.4), "fineTune.rate": range(1e-4, 1) },
    },
  },
};

Deno.test("trials are drawn evenly on a logarithmic scale, as many for every arm, the same for more", () => {
  const trials = drawTrials({ ...plan, trials: 2000 });
  assertEquals(drawTrials(plan), trials.slice(0, 6));
  for (const arm of ["meta", "scratch"]) {
    const drawn = trials.filter((trial) => trial.arm === arm).map(({ values }) => values["gain"]!);
    assertEquals(drawn.length, 2000);
    assert(drawn.every((value) => value >= 0.01 && value <= 0.4));
    // Uniform in the logarithm: mean and variance of its share of the range are 1/2 and 1/12.
    const shares = drawn.map((value) => Math.log(value / 0.01) / Math.log(40));
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    const variance = shares.reduce((sum, x) => sum + (x - mean) ** 2, 0) / shares.length;
    assertAlmostEquals(mean, 1 / 2, 4 / Math.sqrt(12 * 2000));
    assertAlmostEquals(variance, 1 / 12, 0.01);
  }
  assertEquals(nested({ "fineTune.rate": 1, "fineTune.steps": 2, rate: 3 }), {
    fineTune: { rate: 1, steps: 2 },
    rate: 3,
  });
});

Deno.test("deno task tune ranks trials, goes on where it was, and the verdict shows them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // The fixture knows no options of groups.
    const file = { ...plan, arms: { meta: plan.arms.meta, scratch: plan.arms.meta } };
    const path = `${folder}/demo.tune.yaml`;
    await Deno.writeTextFile(path, JSON.stringify(file));
    const out = `${folder}/trials`;
    const lines: string[] = [];
    const output = { print: (line: string) => lines.push(line), log: () => {} };
    const tune = () => tuneCommand(["demo", "--plan", path, "--out", out], { output, program });
    assertEquals(await tune(), 0, lines.join("\n"));
    const tuning = await readTuning(`${out}/trials.json`);
    // The experiment's accuracy is 0.59 and the gain that was tried.
    for (const { values, accuracy } of tuning.results) {
      assertAlmostEquals(accuracy!, 0.59 + values["gain"]!, 1e-12);
    }
    const gains = (arm: string) =>
      tuning.results.filter((result) => result.arm === arm).map(({ values }) => values["gain"]!);
    const tuned = parse(await Deno.readTextFile(`${out}/tuned.yaml`));
    assertEquals(tuned, {
      arms: {
        meta: { gain: Math.max(...gains("meta")) },
        scratch: { gain: Math.max(...gains("scratch")) },
      },
    });
    // No trial has seen a test image, nor could it tell what the test images say.
    const trials = await readTrials(out);
    assertEquals(trials.flatMap(({ outcomes }) => outcomes.map((one) => "test" in one)), [
      ...Array(6).fill(false),
    ]);
    await assertRejects(() => readUnits([out]), SyntaxError, "outcomes.0.test: found nothing");
    const median = [...gains("meta")].sort((a, b) => a - b)[1]!;
    const [row] = tuningTable(tuning).rows;
    assertEquals(row![1], "3");
    assertEquals(row![3], `${(59 + 100 * median).toFixed(2)}%`);
    assertEquals(trialTable(tuning).rows.length, 6);
    assertMatch(trialTable(tuning).rows[0]![1]!, /^gain 0\.\d+$/);
    const first = await Deno.readTextFile(`${out}/trials.json`);
    assertEquals(await tune(), 0);
    assertEquals(await Deno.readTextFile(`${out}/trials.json`), first);

    const { verdict: demo, units } = demoVerdict();
    const withSeeds = (seeds: readonly number[]) => ({ ...demo, plan: { ...demo.plan, seeds } });
    const provenance = { plan: "p", planChanged: false, units: [], warnings: [] };
    const page = await studyPage(withSeeds([0, 1]), { units, provenance, tuning });
    assertStringIncludes(page, "Tuning: 3 random trials of every arm in same, seed 9");
    assertStringIncludes(page, `data-label="median">${row![3]}</td>`);
    assertStringIncludes(page, "No unit of the plan has this seed.");
    const warned = await studyPage(withSeeds([1, 9]), { units, provenance, tuning });
    assertStringIncludes(warned, "The study uses the seed 9 too");

    await Deno.writeTextFile(
      `${folder}/demo.verdict.yaml`,
      "{format: 1, study: demo, regimes: [same], seeds: 0-1, comparisons: " +
        "[{candidate: meta/fine-tune, control: scratch/fine-tune, kind: superiority, family: f}]}",
    );
    lines.length = 0;
    const collected = `${folder}/collected`;
    await Deno.mkdir(`${folder}/none`);
    const read = (...args: string[]) =>
      runVerdict([...args, "--plan", `${folder}/demo.verdict.yaml`], { output });
    assertEquals(
      await read(`${folder}/none`, "--tuning", `${out}/trials.json`, "--collect", collected),
      3,
    );
    assertEquals(await read(collected), 3);
    const shown = lines.filter((line) => line.includes("Tuning: 3 random trials"));
    assertEquals(shown.length, 2);
    await Deno.writeTextFile(`${collected}/trials.json`, "{}");
    const log: string[] = [];
    const failed = await runVerdict([collected, "--plan", `${folder}/demo.verdict.yaml`], {
      output: { print: () => {}, log: (line) => log.push(line) },
    });
    assertEquals(failed, 1);
    assertMatch(log.join("\n"), /Cannot use .*trials\.json as the trials of tuning:\n.*plan: /);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
