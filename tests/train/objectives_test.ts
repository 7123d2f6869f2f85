/** Laws of the objectives, in float64. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import { famo, nashMtl } from "../../src/multitask/mod.ts";
import { dropout, type Params, sequential } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { mul } from "../../src/tensor/mod.ts";
import {
  alignmentObjective,
  classificationObjective,
  jointObjective,
  metaObjective,
  type MetaObjectiveOptions,
  type Objective,
  pretextObjective,
  takeImages,
  takeLabels,
} from "../../src/train/mod.ts";
import { valueAndGrad } from "../../src/transform/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { relativeError } from "../meta/host.ts";
import {
  brightness,
  computed,
  gradientsOf,
  inputsFor,
  learner,
  stageKey,
  startOf,
  stepOf,
  table,
} from "./small_learner.ts";

const tasks = [brightness("bright", 1), brightness("dark", -2)];

function meta(innerRate: number, changes: Partial<MetaObjectiveOptions> = {}): Objective {
  return metaObjective(learner, {
    ...{ tasks, order: "exact", inner: { innerSteps: 1, innerRate, optimizer: sgd() } },
    ...changes,
  });
}

const model = ({ encoder, head }: Params) => ({ encoder, head });
const scaled = (tree: unknown, factor: number) =>
  mapTree((x: Float64Array) => x.map((value) => value * factor), tree);
const difference = (a: unknown, b: unknown) =>
  mapTree((x: Float64Array, y: Float64Array) => x.map((value, k) => value - y[k]!), a, b);

Deno.test("at alpha 0 every objective with a wanted loss is supervised training", () => {
  const wanted = model(gradientsOf(classificationObjective(learner)));
  const cases: Record<string, readonly [Objective, number]> = {
    "meta, exact": [meta(0), 1],
    "meta, first": [meta(0, { order: "first" }), 1],
    "meta, three steps": [meta(0, { inner: { innerSteps: 3, innerRate: 0, optimizer: sgd() } }), 1],
    alignment: [alignmentObjective(learner, { tasks, alpha: 0 }), 1],
    // Equal weights of three losses are a third each.
    joint: [jointObjective(learner, { tasks, pretextWeight: 0 }), 3],
  };
  for (const [name, [objective, factor]] of Object.entries(cases)) {
    const error = relativeError(scaled(model(gradientsOf(objective)), factor), wanted);
    assert(error < 1e-10, `${name}: ${error}`);
  }
  // With alpha above 0 none of them is.
  for (const other of [meta(0.1), alignmentObjective(learner, { tasks, alpha: 0.1 })]) {
    assert(relativeError(model(gradientsOf(other)), wanted) > 1e-3);
  }
});

Deno.test("at alpha 0 a dropped unit is dropped in every objective, and the labelled batch is the same", () => {
  const drops = dropout({ rate: 0.5 });
  const dropping: typeof learner = {
    ...learner,
    augment: (images, key) => mul(images, uniform(key, images.shape)),
    encoder: {
      init: learner.encoder.init,
      apply: (params, state, x, options) => {
        const { output, state: after } = learner.encoder.apply(params, state, x, options);
        return { output: drops.apply({}, {}, output, options).output, state: after };
      },
    },
  };
  const wanted = model(gradientsOf(classificationObjective(dropping)));
  assert(relativeError(wanted, model(gradientsOf(classificationObjective(learner)))) > 1e-3);
  const inner = { innerSteps: 2, innerRate: 0, optimizer: sgd() };
  const cases: Record<string, readonly [Objective, number]> = {
    meta: [metaObjective(dropping, { tasks, order: "exact", inner }), 1],
    alignment: [alignmentObjective(dropping, { tasks, alpha: 0 }), 1],
    joint: [jointObjective(dropping, { tasks, pretextWeight: 0 }), 3],
  };
  for (const [name, [objective, factor]] of Object.entries(cases)) {
    const error = relativeError(scaled(model(gradientsOf(objective)), factor), wanted);
    assert(error < 1e-10, `${name}: ${error}`);
  }
});

Deno.test("alignment is the derivative of meta-training in alpha at 0", () => {
  const plain = gradientsOf(classificationObjective(learner));
  for (const innerSteps of [1, 2]) {
    const bonus = gradientsOf(alignmentObjective(learner, { tasks, alpha: innerSteps }));
    const outer = { own: 0, outer: 1 };
    const at = (innerRate: number) =>
      gradientsOf(meta(innerRate, {
        heads: outer,
        inner: { innerSteps, innerRate, optimizer: sgd() },
      }));
    // A central difference of second order; uphill steps are steps of a negative rate.
    const rate = 1e-5;
    const slope = scaled(difference(at(rate), at(-rate)), 1 / (2 * rate)) as Params;
    const expected = difference(model(bonus), model(plain));
    const error = relativeError(model(slope), expected);
    assert(error < 1e-6, `${innerSteps} steps: ${error}`);
    // Of first order only half of it remains, which is not it.
    const first = (innerRate: number) => gradientsOf(meta(innerRate, { order: "first" }));
    const half = scaled(difference(first(rate), first(-rate)), innerSteps / (2 * rate)) as Params;
    assert(relativeError(model(half), expected) > 1e-2);
  }
});

Deno.test("the heads of meta-training learn from what they are told to", () => {
  const heads = (own: number, outer: number) =>
    gradientsOf(meta(0.1, { heads: { own, outer } }))["pretext"];
  const [own, outer, both] = [heads(1, 0), heads(0, 1), heads(1, 1)];
  assert(relativeError(both, difference(own, scaled(outer, -1))) < 1e-10);
  assert(relativeError(heads(0, 3), scaled(outer, 3)) < 1e-10);
  // Alone, they learn as in pretraining on their tasks; equal weights halve that.
  const pretext = gradientsOf(pretextObjective(learner, { tasks }))["pretext"];
  assert(relativeError(scaled(pretext, 2), own) < 1e-10);
});

/** Gradient of one loss of the tasks or of the wanted one, written by hand. */
function byHand(name: string): Params {
  const start = startOf(jointObjective(learner, { tasks })).params;
  const { rows, support } = inputsFor(tasks.map((task) => task.name));
  const at = support[name] ?? rows;
  const images = takeImages(table, at, learner.extents);
  const labels = takeLabels(table, at);
  const whole = sequential({ encoder: learner.encoder, head: learner.head });
  const { grad } = valueAndGrad((params: Params) => {
    const task = tasks.find((other) => other.name === name);
    const state = { encoder: { flatten: {}, body: {} }, head: {} };
    if (!task) {
      const both = { encoder: params["encoder"]!, head: params["head"]! };
      return softmaxCrossEntropy(
        whole.apply(both, state, images, { training: true, key: randomKey(9) }).output,
        labels,
      );
    }
    return task.loss({
      encode: (views) =>
        learner.encoder.apply(params["encoder"] as Params, state.encoder, views, { training: true })
          .output,
      head: (params["pretext"] as Record<string, Params>)[name]!,
      ...{ images, labels, key: randomKey(9) },
    }).loss;
  })(start);
  return computed<Params>(grad);
}

Deno.test("pretext and joint follow the mean of gradients that were written by hand", () => {
  const [bright, dark, wanted] = ["bright", "dark", "wanted"].map(byHand);
  const one = pretextObjective(learner, { tasks: [tasks[0]!] });
  const { encoder, pretext } = bright as { encoder: Params; pretext: Record<string, Params> };
  const alone = { encoder, pretext: { bright: pretext["bright"]! } };
  assert(relativeError(gradientsOf(one), alone) < 1e-10);
  const sumOf = (weight: number) =>
    mapTree(
      (a: Float64Array, b: Float64Array, c: Float64Array) =>
        a.map((value, k) => (weight * (value + b[k]!) + c[k]!) / 3),
      bright,
      dark,
      wanted,
    );
  assert(relativeError(gradientsOf(jointObjective(learner, { tasks })), sumOf(1)) < 1e-10);
  const light = jointObjective(learner, { tasks, pretextWeight: 0.25 });
  assert(relativeError(gradientsOf(light), sumOf(0.25)) < 1e-10);
});

Deno.test("metrics of a step are the losses before it, each under its name", () => {
  const first = (objective: Objective) =>
    mapTree((x: Float64Array) => x[0]!, computed(stepOf(objective).metrics)) as Record<
      string,
      number
    >;
  const classification = first(classificationObjective(learner));
  const joint = first(jointObjective(learner, { tasks, pretextWeight: 7 }));
  const pretext = first(pretextObjective(learner, { tasks }));
  const zero = first(meta(0));
  assertAlmostEquals(joint["loss"]!, classification["loss"]!, 1e-12);
  assertAlmostEquals(zero["loss"]!, classification["loss"]!, 1e-12);
  for (const metric of ["brightLoss", "darkLoss", "brightError"]) {
    assertAlmostEquals(joint[metric]!, pretext[metric]!, 1e-12);
    assertAlmostEquals(zero[metric]!, pretext[metric]!, 1e-12);
  }
  assertAlmostEquals(pretext["loss"]!, (pretext["brightLoss"]! + pretext["darkLoss"]!) / 2, 1e-12);
  assertAlmostEquals(joint["brightWeight"]!, 1 / 3, 1e-12);
});

Deno.test("a weighting keeps its state from step to step", () => {
  for (const weighting of [famo({ rate: 0.5 }), nashMtl()]) {
    for (
      const objective of [jointObjective(learner, { tasks, weighting }), meta(0.1, { weighting })]
    ) {
      const one = stepOf(objective);
      const names = tasks.map(({ name }) => name);
      const second = (training: typeof one.training) =>
        computed<Params>(
          objective.step(training, table, stageKey, inputsFor(names, { step: 1 })).training.params,
        );
      const { state } = one.training;
      const kept = computed<Params>(state["weighting"]);
      if (weighting.name === "famo") {
        const fresh = computed<Params>(startOf(objective).state["weighting"]);
        assert(relativeError(kept, fresh) > 1e-6, `${objective.name}: the state has not moved`);
        const forgetful = {
          ...one.training,
          state: { ...state, weighting: startOf(objective).state["weighting"]! },
        };
        assertNotEquals(second(one.training), second(forgetful));
      }
      assertEquals(Object.keys(second(one.training)).sort(), ["encoder", "head", "pretext"]);
    }
  }
});

Deno.test("objectives refuse to do without tasks", () => {
  const none = { tasks: [] };
  const inner = { innerSteps: 1, innerRate: 0.1, optimizer: sgd() };
  assertThrows(() => pretextObjective(learner, none), RangeError, "found none");
  assertThrows(() => jointObjective(learner, none), RangeError, "found none");
  assertThrows(() => alignmentObjective(learner, { ...none, alpha: 1 }), RangeError, "found none");
  const empty = { tasks: [], inner, order: "exact" } as const;
  assertThrows(() => metaObjective(learner, empty), RangeError, "expected at least one");
});
