/** Main effects of an orthogonal array whose truth is known. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { objectives } from "../../src/components/mod.ts";
import { loadPresets } from "../../src/experiment/presets.ts";
import { resolveConfig } from "../../src/experiment/config_layers.ts";
import { armsOf, studySchema } from "../../src/study/arms/study_schema.ts";
import { effectsCommand } from "../../src/study/verdict/effects_command.ts";
import { type EffectsPlan, readEffectsPlan } from "../../src/study/verdict/effects_plan.ts";
import { mainEffects } from "../../src/study/verdict/main_effects.ts";
import type { StoredUnit } from "../../src/study/stored_unit.ts";
import type { UnitSummary } from "../../src/study/unit_summary.ts";

const file = new URL("../../experiments/cifar-taguchi.effects.yaml", import.meta.url).pathname;
const plan: EffectsPlan = await readEffectsPlan(decodeURIComponent(file));

const NOTHING = { steps: 0, samples: 0, flops: 0, seconds: 0 };

function unit(
  arm: string,
  seed: number,
  accuracy: number,
  more: Partial<UnitSummary> = {},
): StoredUnit {
  const outcome = (protocol: string) => ({
    protocol,
    before: NOTHING,
    curve: [{ ...NOTHING, accuracy: 0.1 }],
    test: { accuracy, images: 1000 },
    figures: {},
  });
  const summary: UnitSummary = {
    ...{ format: 1, study: plan.study, arm, regime: plan.regime, seed, chance: 0.1 },
    outcomes: plan.protocols.map(outcome),
    phases: [],
    configuration: "0",
    facts: { commit: "0".repeat(40) },
    ...more,
  };
  return { path: `${arm}/seed-${seed}/unit.json`, unit: summary };
}

/** Units of a linear model: half of each effect is added or taken away by the factor's sign. */
function linear(effects: Readonly<Record<string, number>>, seeds = plan.seeds): StoredUnit[] {
  return seeds.flatMap((seed) =>
    plan.arms.map((arm, k) => {
      const sum = Object.entries(effects).reduce(
        (total, [factor, effect]) =>
          total + (plan.factors[factor]!.signs[k] === "+" ? 1 : -1) * effect / 2,
        0.5 + 0.001 * seed,
      );
      return unit(arm, seed, sum);
    })
  );
}

Deno.test("mainEffects() finds the effects of a linear model, each by itself", () => {
  const truth = { rotation: 0.04, order: -0.02, "inner rate": 0.01 };
  for (const { effects, missing, seeds } of mainEffects(plan, linear(truth))) {
    assertEquals([missing.length, seeds.length], [0, 9]);
    for (const { factor, high, low, differences, interval, p } of effects) {
      const effect = (truth as Record<string, number>)[factor] ?? 0;
      assertAlmostEquals(high - low, effect, 1e-12);
      for (const difference of differences) assertAlmostEquals(difference, effect, 1e-12);
      assertAlmostEquals(interval!.estimate, effect, 1e-12);
      // Of 2^9 signs only all alike are as extreme.
      if (effect !== 0) assertEquals(p, 2 / 512);
    }
    const { holm } = effects.find(({ factor }) => factor === "rotation")!;
    assertAlmostEquals(holm, 7 * 2 / 512, 1e-12);
  }
});

Deno.test("mainEffects() leaves out seeds without all arms, and says what is missing", () => {
  const units = linear({ jigsaw: 0.03 }).filter(({ unit: { arm, seed } }) =>
    !(arm === "run-3" && seed === 4)
  );
  const [first] = mainEffects(plan, [
    ...units,
    // What is not of the plan does not count.
    unit("run-3", 4, 0.9, { regime: "other" }),
    unit("scratch", 4, 0.9),
  ]);
  assertEquals([first!.missing, first!.seeds.includes(4), first!.seeds.length], [
    ["run-3/seed-4"],
    false,
    8,
  ]);
  assertAlmostEquals(first!.effects[2]!.high - first!.effects[2]!.low, 0.03, 1e-12);
  assertEquals(mainEffects(plan, [])[0]!.effects, []);
});

Deno.test("mainEffects() mixes no configurations", () => {
  const units = [unit("run-1", 0, 0.5), unit("run-1", 1, 0.5, { configuration: "1" })];
  assertThrows(() => mainEffects(plan, units), RangeError, "they are of 2 configurations");
});

Deno.test("mainEffects() mixes no precisions", () => {
  const half = { facts: { halfPrecision: true } };
  const units = [unit("run-1", 0, 0.5), unit("run-2", 0, 0.5, half)];
  assertThrows(() => mainEffects(plan, units), RangeError, "units differ in their halfPrecision");
});

Deno.test("a plan that is no orthogonal array is refused, with the factors", async () => {
  const text = await Deno.readTextFile(decodeURIComponent(file));
  const folder = await Deno.makeTempDir();
  try {
    const cases: [string, string, string][] = [
      ['"++++----"', '"+++-----"', "rotation: expected as many arms at level - as at level +"],
      ['"++----++"', '"++++----"', "contrastive: is confounded with rotation"],
      ['"++--++--"', '"++--++-"', "jigsaw: found 7 signs, expected 8"],
    ];
    for (const [from, to, message] of cases) {
      assert(text.includes(from));
      await Deno.writeTextFile(`${folder}/plan.yaml`, text.replace(from, to));
      await assertRejects(() => readEffectsPlan(`${folder}/plan.yaml`), Error, message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("deno task effects prints a table and tells an unfinished study by its exit code", async () => {
  const folder = await Deno.makeTempDir();
  const printed: string[] = [];
  const output = {
    print: (line: string) => printed.push(line),
    log: (line: string) => printed.push(line),
  };
  const run = () => effectsCommand([folder, "--plan", decodeURIComponent(file)], { output });
  try {
    for (const { unit } of linear({ rotation: 0.04 })) {
      await Deno.writeTextFile(`${folder}/${unit.arm}-${unit.seed}.json`, JSON.stringify(unit));
    }
    assertEquals(await run(), 0);
    const row = printed.join("\n").split("\n").find((line) => line.startsWith("rotation"))!;
    assert(row.includes("+4.00 [+4.00, +4.00]"), row);
    assert(row.includes("|########"), row);
    await Deno.remove(`${folder}/run-8-0.json`);
    printed.length = 0;
    assertEquals(await run(), 3);
    assert(printed[0]!.includes("8 of 9 seeds are complete; missing: run-8/seed-0"), printed[0]);
    assert(printed[0]!.includes("With 8 seeds and 7 factors no test can reach 0.05"), printed[0]);
    assertEquals(await effectsCommand([], { output }), 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the arms of cifar-taguchi have the levels of its plan", async () => {
  const presets = await loadPresets({
    presets: new URL("../../experiments/cifar-taguchi.yaml", import.meta.url),
  });
  const config = await resolveConfig(studySchema, [...presets.common, presets.layer("quick")]);
  const settings: Readonly<Record<string, readonly [string, unknown, unknown]>> = {
    "inner steps": ["innerSteps", 2, 1],
    "inner rate": ["innerRate", 0.03, 0.1],
    order: ["order", "first", "exact"],
  };
  armsOf(config, objectives).forEach(({ name, pretrain: [phase] }, k) => {
    assertEquals(name, plan.arms[k]);
    for (const [factor, { signs }] of Object.entries(plan.factors)) {
      const setting = settings[factor];
      const found = setting
        ? phase!.options[setting[0]]
        : factor in (phase!.options["tasks"] as object);
      const [low, high] = setting?.slice(1) ?? [false, true];
      assertEquals(found, signs[k] === "+" ? high : low, `${name}, ${factor}`);
    }
  });
});
