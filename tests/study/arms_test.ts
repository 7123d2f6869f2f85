/** Arms and regimes as data: what they resolve to, and where what is wrong with them is said to be. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { experiment as hypothesis } from "../../experiments/cifar-hypothesis.ts";
import { experiment as maml } from "../../experiments/cifar-maml.ts";
import { objectives } from "../../src/components/mod.ts";
import { fileLayer, resolveConfig, setLayer } from "../../src/experiment/config_layers.ts";
import { loadPresets } from "../../src/experiment/presets.ts";
import { UsageError } from "../../src/experiment/usage_error.ts";
import { readYaml } from "../../src/experiment/yaml_source.ts";
import { randomKey } from "../../src/random/mod.ts";
import type { Arm } from "../../src/study/arms/arms.ts";
import { studyModel } from "../../src/study/arms/image_learner.ts";
import {
  armsOf,
  regimeNames,
  type StudyConfig,
  studySchema,
} from "../../src/study/arms/study_schema.ts";
import { unitConfiguration } from "../../src/study/arms/unit_configuration.ts";

/** A configuration from YAML and assignments. */
async function configOf(text: string, ...assignments: string[]): Promise<StudyConfig> {
  const layers = [fileLayer(await readYaml(text, "f.yaml"))];
  for (const assignment of assignments) layers.push(await setLayer(assignment));
  return await resolveConfig(studySchema, layers);
}

async function armsBy(text: string, ...assignments: string[]): Promise<Record<string, Arm>> {
  return byName(armsOf(await configOf(text, ...assignments), objectives));
}

const byName = (arms: readonly Arm[]) => Object.fromEntries(arms.map((arm) => [arm.name, arm]));

async function faultsOf(text: string, ...assignments: string[]): Promise<string[]> {
  const error = await assertRejects(() => configOf(text, ...assignments), UsageError);
  return error.message.split("\n");
}

const META = "meta: { pretrain: [{ objective: meta }], protocols: [as-is, adapted] }";

Deno.test("arms take from `like` what they do not say, over several links", async () => {
  const arms = await armsBy(`
arms:
  ${META}
  first: { like: meta, order: first, innerSteps: 3 }
  last: { like: first, innerRate: 0.5, protocols: [knn], clip: 2, fineTune: { rate: 0.25 } }
  tuned: { like: last, fineTune: { steps: 7 }, placebo: weight-noise }
  scratch: {}
`);
  const of = ({ pretrain }: Arm) =>
    pretrain.map(({ options }) => [options["order"], options["innerSteps"], options["innerRate"]]);
  assertEquals(of(arms["meta"]!), [["exact", 1, 0.001]]);
  assertEquals(of(arms["first"]!), [["first", 3, 0.001]]);
  assertEquals(of(arms["last"]!), [["first", 3, 0.5]]);
  assertEquals([arms["meta"]!, arms["last"]!].map(({ pretrain }) => pretrain[0]!.clip), [null, 2]);
  assertEquals(arms["first"]!.protocols, ["as-is", "adapted"]);
  assertEquals(arms["last"]!.protocols, ["knn"]);
  assertEquals(arms["tuned"]!.fineTune, { rate: 0.25, steps: 7 });
  assertEquals(arms["tuned"]!.pretrain[0]!.options["placebo"], "weight-noise");
  assertEquals(arms["last"]!.pretrain[0]!.options["placebo"], null);
  assertEquals(arms["scratch"], {
    ...{ name: "scratch", pretrain: [], protocols: ["fine-tune"], fineTune: {}, probe: {} },
  });
});

Deno.test("groups give defaults, arms change them, --set reaches into a phase, null takes an arm out", async () => {
  const text = `
meta: { innerRate: 0.2, tasks: { jigsaw: {} }, pretextWeight: 3 }
pretrain: { steps: 9, schedule: cosine }
arms:
  ${META}
  joint: { pretrain: [{ objective: joint, steps: 4 }, { objective: classification }] }
  other: { like: joint, steps: 5 }
`;
  const arms = await armsBy(text, "arms.meta.pretrain.0.order=first", "arms.joint.clip=1");
  const [phase] = arms["meta"]!.pretrain;
  assertEquals([phase!.steps, phase!.schedule, phase!.options["innerRate"]], [9, "cosine", 0.2]);
  assertEquals(phase!.options["order"], "first");
  assertEquals(Object.keys(phase!.options["tasks"] as object), ["jigsaw"]);
  assertEquals("pretextWeight" in phase!.options, false);
  const [joint, supervised] = arms["joint"]!.pretrain;
  assertEquals([joint!.steps, supervised!.steps, joint!.clip, supervised!.clip], [4, 9, 1, 1]);
  assertEquals(joint!.options["pretextWeight"], 3);
  assertEquals(supervised!.options, {});
  assertEquals(arms["other"]!.pretrain.map(({ steps }) => steps), [5, 5]);
  await assertRejects(() => armsBy(text, "arms.joint.clip=1", "arms.joint.tasks.rotation={}"));
  assertEquals(Object.keys(await armsBy(text, "arms.joint=null", "arms.other=null")), ["meta"]);
  assertEquals(Object.keys(await armsBy(text, "only.arms=[other]")), ["other"]);
});

Deno.test("what is wrong with an arm is said once, with its place and what is valid", async () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      `arms:\n  ${META}\n  x: { like: mta }`,
      'f.yaml:3:14: arms.x.like: Unknown arm "mta". Did you mean "meta"?',
    ],
    [
      "arms:\n  x: { like: mta }\n  y: { like: x }\n  z: { like: y }",
      "f.yaml:2:14: arms.x.like: Unknown arm",
    ],
    ["arms:\n  x: { like: x }", 'f.yaml:2:14: arms.x.like: The arm "x" is like itself'],
    ["arms:\n  x: { like: constructor }", 'f.yaml:2:14: arms.x.like: Unknown arm "constructor"'],
    [
      "arms:\n  a: { like: b }\n  b: { like: a }",
      'f.yaml:3:14: arms.b.like: The arm "a" is like itself',
    ],
    ["arms:\n  y: null\n  x: { like: y }", 'f.yaml:3:14: arms.x.like: Unknown arm "y"'],
    [
      "arms:\n  x: { pretrain: [{ objective: mta }] }",
      "f.yaml:2:32: arms.x.pretrain.0.objective: Invalid option",
    ],
    ["arms:\n  x: { protocols: [knm] }", "f.yaml:2:20: arms.x.protocols.0: Invalid option"],
    [
      "arms:\n  x: { pretrain: [{ objective: pretext, tasks: { rotate: {} } }] }",
      'f.yaml:2:50: Unknown key of "arms.x.pretrain.0.tasks" "rotate"',
    ],
    [
      "arms:\n  x: { pretrain: [{ objective: joint, innerRate: 1 }] }",
      'f.yaml:2:50: arms.x.pretrain.0.innerRate: Unknown option of the objective "joint" "innerRate"',
    ],
    [
      "arms:\n  x: { pretrain: [{ objective: joint, weighting: { famo: {}, dwa: {} } }] }",
      "f.yaml:2:50: arms.x.pretrain.0.weighting: Choose exactly one",
    ],
    [
      "arms:\n  x: { pretrain: [{ objective: meta, placebo: sugar }] }",
      "f.yaml:2:47: arms.x.pretrain.0.placebo: Invalid option",
    ],
    [
      "arms:\n  x: { order: first }",
      "f.yaml:2:15: arms.x.order: There is no phase of pretraining to change",
    ],
    [
      "arms:\n  s: {}\n  x: { like: s, order: first }",
      "f.yaml:3:24: arms.x.order: There is no phase of pretraining to change",
    ],
    [
      "arms:\n  x: {}\nonly: { arms: [x, z] }",
      'f.yaml:3:19: only.arms.1: There is no "z". Valid: x',
    ],
    ["only:\n  regimes: [none]", 'f.yaml:2:13: only.regimes.0: There is no "none". Valid: all'],
    ["regimes: { all: null }", "f.yaml:1:10: regimes: Expected at least one"],
    ["arms: { X: {} }", "f.yaml:1:12: arms.X: "],
  ];
  const wrong: string[] = [];
  for (const [text, expected] of cases) {
    const faults = await faultsOf(text);
    if (!faults.some((fault) => fault.startsWith(expected))) {
      wrong.push(`${expected}\n  found ${faults.join("\n  ")}`);
    }
    const places = faults.map((fault) => fault.split(": ").slice(0, 2).join());
    if (new Set(places).size < places.length) wrong.push(`twice: ${faults.join("\n  ")}`);
  }
  assertEquals(wrong, []);
});

Deno.test("arms and regimes of the experiments resolve in every preset", async () => {
  for (const experiment of [maml, hypothesis]) {
    const presets = await loadPresets(experiment);
    for (const name of presets.names) {
      const config = await resolveConfig(experiment.schema, [
        ...presets.common,
        await presets.layer(name),
      ]);
      const arms = armsOf(config as StudyConfig, objectives);
      assert(arms.length >= 3 && regimeNames(config as StudyConfig).length >= 1, name);
      if (experiment.name !== "cifar-hypothesis") continue;
      const found = byName(arms);
      const phase = (arm: string) => found[arm]!.pretrain[0]!;
      const same = ({ options, ...rest }: ReturnType<typeof phase>, changed: object) => ({
        ...rest,
        options: { ...options, ...changed },
      });
      assertEquals(phase("meta-first"), same(phase("meta"), { order: "first" }));
      assertEquals(phase("meta-5-steps"), same(phase("meta"), { innerSteps: 5 }));
      assertEquals(phase("alpha-zero"), same(phase("meta"), { innerRate: 0 }));
      for (
        const placebo of ["shuffled-targets", "random-direction", "weight-noise", "sign-flipped"]
      ) {
        assertEquals(phase(placebo), same(phase("meta"), { placebo }));
      }
      assertEquals(regimeNames(config as StudyConfig).length, 5);
    }
  }
});

const DATA = ["a", "b"];
async function hashOf(config: StudyConfig, arm: string, regime: string): Promise<string> {
  const found = armsOf(config, objectives).find(({ name }) => name === arm)!;
  return await unitConfiguration(config, { arm: found, regime, data: DATA });
}

Deno.test("the hash of a unit changes when and only when what it computes changes", async () => {
  const text = `
regimes: { same: {}, poor: { source: { labelsPerClass: 20 } } }
arms:
  ${META}
  first: { like: meta, order: first }
  scratch: { protocols: [fine-tune] }
`;
  const base = await configOf(text);
  const units = [["meta", "same"], ["scratch", "same"], ["scratch", "poor"]] as const;
  const changed = async (...assignments: string[]) => {
    const config = await configOf(text, ...assignments);
    const hashes = await Promise.all(
      units.map(async ([arm, regime]) =>
        await hashOf(config, arm, regime) !== await hashOf(base, arm, regime)
      ),
    );
    return hashes;
  };
  const cases: readonly (readonly [string, readonly [boolean, boolean, boolean]])[] = [
    ["saveEvery=7", [false, false, false]],
    ["only.arms=[meta, scratch]", [false, false, false]],
    ["arms.first.innerRate=0.3", [false, false, false]],
    ["arms.new={}", [false, false, false]],
    ["regimes.poor.source.labelsPerClass=21", [false, false, true]],
    ["meta.innerRate=0.3", [true, false, false]],
    ["pretrain.steps=77", [true, false, false]],
    ["arms.meta.pretrain.0.order=first", [true, false, false]],
    ["fineTune.rate=0.3", [false, true, true]],
    ["arms.scratch.fineTune.rate=0.3", [false, true, true]],
    ["probe.rate=0.3", [false, false, false]],
    ["batchSize=16", [true, true, true]],
    ["splitSeed=1", [true, true, true]],
    ["model.hidden=16", [true, true, true]],
    ["refreshBatches=1", [true, true, true]],
    ["evaluateEvery=3", [true, true, true]],
  ];
  for (const [assignment, expected] of cases) {
    assertEquals(await changed(assignment), [...expected], assignment);
  }
  // Saying what is so anyway, or in another order, changes nothing; other data do.
  assertEquals(await changed("meta.innerRate=0.001", "fineTune.schedule=constant"), [
    ...[false, false, false],
  ]);
  const arm = armsOf(base, objectives)[0]!;
  assertNotEquals(
    await unitConfiguration(base, { arm, regime: "same", data: DATA }),
    await unitConfiguration(base, { arm, regime: "same", data: ["a", "c"] }),
  );
  assertThrows(() => studySchema.parse({ arms: { x: { like: "y" } } }));
});

Deno.test("a configuration chooses the head of the wanted task", () => {
  const neutral = { mean: [0, 0, 0], standardDeviation: [1, 1, 1] };
  const partsOf = (head: object): string[] => {
    const config = studySchema.parse({ model: { head, hidden: 4 } });
    return Object.keys(studyModel(config, neutral).head(3).init(randomKey(0)).params);
  };
  assertEquals(partsOf({ classifier: {} }).sort(), ["hidden", "norm", "output"]);
  assertEquals(partsOf({ classifier: null, linear: {} }).sort(), ["bias", "weight"]);
  const found = studySchema.safeParse({ model: { head: { linear: {}, mlp: {} } } });
  assertStringIncludes(found.error!.issues[0]!.message, "Choose exactly one, found linear, mlp");
});
