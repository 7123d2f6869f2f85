import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { objectives } from "../../src/components/mod.ts";
import { augmented } from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { add, constant, mul, valuesOf } from "../../src/tensor/mod.ts";
import {
  brightness,
  computed,
  inputsFor,
  learner,
  startOf,
  table,
} from "../train/small_learner.ts";

const task = brightness("bright", 1);

Deno.test("augmented() changes what a task sees, and only that", () => {
  const images = uniform(randomKey(0), [2, 4, 4, 3]);
  const lossOf = (of: typeof task) => {
    const { loss } = of.loss({
      encode: (x) => learner.encoder.apply(params, {}, x, { training: true }).output,
      head: task.initHead(randomKey(2), learner.embedding),
      images,
      key: randomKey(3),
    });
    return valuesOf(loss)[0]!;
  };
  const { params } = learner.encoder.init(randomKey(1));
  const shifted = augmented(task, (x) => add(x, 0.25));
  assertEquals(shifted.name, "bright");
  assertNotEquals(lossOf(shifted), lossOf(task));
  assertAlmostEquals(lossOf(augmented(shifted, (x) => add(x, -0.25))), lossOf(task), 1e-6);
  // All that is random comes from the key of the task.
  const noisy = augmented(task, (x, key) => mul(x, uniform(key, x.shape)));
  assertEquals(lossOf(noisy), lossOf(noisy));
});

for (const name of ["alignment", "joint", "meta", "pretext"]) {
  Deno.test(`the objective ${name} augments images of pretext tasks if told`, () => {
    const figures = (options: object, augment = learner.augment) => {
      const { make, options: schema } = objectives[name]!;
      const objective = make(schema.parse({ tasks: { rotation: {} }, ...options }), {
        learner: { ...learner, augment },
        setting: { imageSize: 4, imageChannels: 3, classes: 3, hidden: 4 },
      });
      const { metrics } = objective.step(
        startOf(objective),
        table,
        randomKey(4),
        inputsFor(["rotation"]),
      );
      return computed<Record<string, Float64Array>>(metrics)["rotationLoss"]![0]!;
    };
    const plain = figures({});
    // Of grey images no turn can be told: every turn gets the same logits.
    const grey = (x: Parameters<typeof learner.augment>[0]) => add(mul(x, 0), 0.5);
    assertEquals(figures({}, grey), plain);
    assertEquals(figures({ augmentSupport: true }), plain);
    const blind = figures({ augmentSupport: true }, grey);
    assertNotEquals(blind, plain);
    assert(blind >= Math.log(4) - 1e-9);
  });
}

Deno.test("labels of a support batch stay those of its images", () => {
  const labels = constant([0, 1, 2], { dtype: "i32" });
  let seen: unknown;
  const spy = augmented(
    { ...task, loss: (inputs) => (seen = inputs.labels, task.loss(inputs)) },
    (x) => x,
  );
  spy.loss({
    encode: (x) =>
      learner.encoder.apply(learner.encoder.init(randomKey(1)).params, {}, x, { training: true })
        .output,
    head: task.initHead(randomKey(2), learner.embedding),
    images: uniform(randomKey(0), [3, 4, 4, 3]),
    labels,
    key: randomKey(3),
  });
  assertEquals(seen, labels);
});
