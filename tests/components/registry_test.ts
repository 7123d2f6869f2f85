import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  backbones,
  type Choice,
  dataSets,
  heads,
  makeMany,
  makeOne,
  manyOf,
  oneOf,
  optimizers,
  pretextTasks,
  weightings,
} from "../../src/components/mod.ts";
import { backboneSize, sizeText } from "../../src/components/backbone_size.ts";
import { listText, optionsText } from "../../src/components/list.ts";
import { dataNames } from "../../src/data/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import * as multitask from "../../src/multitask/mod.ts";
import type { Params } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { constant, mean, valuesOf, zeros } from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { flatten } from "../../src/tree/tree.ts";

const setting = { imageSize: 16, imageChannels: 3, classes: 3, hidden: 8 };
const small: Choice = {
  "barlow-twins": { projection: 4 },
  colorization: { bin: 40, widths: [4] },
  inpainting: { widths: [4] },
  "masked-autoencoding": { widths: [4] },
  "masked-patches": { features: 4, heads: 2, depth: 1 },
  simsiam: { projection: 4 },
  vicreg: { projection: 4 },
};

for (const name of Object.keys(pretextTasks)) {
  Deno.test(`the pretext task '${name}' is made by its name and has a loss`, () => {
    const task = makeOne(pretextTasks, { [name]: small[name] ?? {} }, setting);
    assertEquals(task.name, name);
    const { loss } = task.loss({
      encode: (x, _, { visible } = {}) =>
        visible ? zeros([...visible.indices.shape, 3]) : mean(x, { axes: [1, 2] }),
      head: task.initHead(randomKey(0), 3),
      images: uniform(randomKey(1), [4, 16, 16, 3]),
      labels: constant([0, 1, 2, 0], { dtype: "i32" }),
      key: randomKey(2),
    });
    assert(Number.isFinite(valuesOf(loss)[0]!));
  });
}

Deno.test("every pretext task and every weighting of the library is in its registry", () => {
  const makesTask = (fn: unknown): boolean =>
    [{}, { classes: 2 }].some((options) => {
      try {
        const made = (fn as (options: object) => unknown)(options);
        return typeof made === "object" && made !== null && "initHead" in made;
      } catch {
        return false;
      }
    });
  const tasks = Object.values(pretext).filter((value) =>
    typeof value === "function" && makesTask(value)
  );
  assertEquals(Object.keys(pretextTasks).length, tasks.length);
  const weighs = (fn: unknown): boolean =>
    [[[1, 1]], [{}], []].some((args) => {
      try {
        const made = (fn as (...args: unknown[]) => unknown)(...args);
        return typeof made === "object" && made !== null && "weigh" in made;
      } catch {
        return false;
      }
    });
  const made = Object.values(multitask).filter((value) =>
    typeof value === "function" && weighs(value)
  );
  assertEquals(Object.keys(weightings).length, made.length);
});

Deno.test("weightings, optimizers and backbones bear the names under which they are chosen", () => {
  for (const name of Object.keys(weightings)) {
    const options = name === "fixed" ? { weights: [1, 2] } : {};
    assertEquals(makeOne(weightings, { [name]: options }, {}).name, name);
  }
  for (const name of Object.keys(optimizers)) makeOne(optimizers, { [name]: {} }, {});
  for (const name of Object.keys(backbones)) {
    const { embedding } = makeOne(backbones, { [name]: {} }, { imageSize: 32, imageChannels: 3 });
    assert(embedding > 1);
  }
});

Deno.test("every head gives logits of the wanted classes, and learns by all of its parameters", () => {
  for (const name of Object.keys(heads)) {
    const head = makeOne(heads, { [name]: {} }, { inputs: 5, classes: 3, hidden: 4 });
    const { params, state } = head.init(randomKey(0));
    const embeddings = uniform(randomKey(1), [6, 5]);
    const labels = constant([0, 1, 2, 0, 1, 2], { dtype: "i32" });
    const loss = (own: Params): Tensor => {
      const { output } = head.apply(own, state, embeddings, { training: true });
      assertEquals(output.shape, [6, 3]);
      return softmaxCrossEntropy(output, labels);
    };
    const { leaves, paths } = flatten<Tensor>(grad(loss)(params));
    leaves.forEach((leaf, k) => {
      assert(valuesOf(leaf).some((value) => Math.abs(value) > 1e-9), `${name}: ${paths[k]}`);
    });
  }
  const deep = makeOne(heads, { mlp: { layers: 3 } }, { inputs: 5, classes: 3, hidden: 4 });
  assert("hidden3" in deep.init(randomKey(0)).params);
});

Deno.test("every data set of the command line is in its registry, and is loaded by its name", async () => {
  assertEquals(Object.keys(dataSets), dataNames());
  const small = { syntheticTrainCount: 20, syntheticTestCount: 10, size: 8 };
  const { train } = await makeOne(dataSets, { synthetic: {} }, small);
  assertEquals([train.count, train.height, train.synthetic], [20, 8, true]);
  // By another name something else is loaded: here nothing, for want of a network.
  const nowhere = { offline: true, defaultDirectory: "/nowhere" };
  await assertRejects(() => makeOne(dataSets, { beans: {} }, nowhere), Error, "beans");
});

Deno.test("deno task components lists every kind, without any permission", async () => {
  const program = new URL("../../src/components/main.ts", import.meta.url).pathname;
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", decodeURIComponent(program), ...args],
      env: { NO_COLOR: "1" },
      stderr: "null",
    }).output();
    assertEquals(code, 0);
    return new TextDecoder().decode(stdout);
  };
  const kinds = (await run()).split("\n").flatMap((line) =>
    /^(\w[\w ]*) \(\d+\)$/.exec(line)?.[1] ?? []
  );
  assertEquals(kinds, [
    ...["pretext tasks", "weightings", "objectives", "placebos", "protocols"],
    ...["backbones", "heads", "optimizers", "data sets"],
  ]);
  assertStringIncludes(await run("mlp"), "layers: Number of hidden layers.");
});

Deno.test("a choice names known parts, with known options; null takes one out", () => {
  const many = manyOf(pretextTasks, { rotation: {}, contrastive: {} });
  const names = (choice: unknown): string[] =>
    makeMany(pretextTasks, many.parse(choice), setting).map(({ name }) => name);
  assertEquals(names(undefined), ["contrastive", "rotation"]);
  assertEquals(names({ rotation: null, jigsaw: { gap: 1 } }), ["jigsaw"]);
  const problems = (schema: typeof many, value: unknown): string[] =>
    schema.safeParse(value).error!.issues.map(({ message, path }) =>
      `${path.join(".")}: ${message}`
    );
  assertStringIncludes(problems(many, { rotaton: {} })[0]!, "rotaton");
  assertStringIncludes(problems(many, { jigsaw: { gap: -1 } })[0]!, "jigsaw.gap: Too small");
  assertStringIncludes(problems(many, { rotation: null })[0]!, "Choose at least one.");
  const one = oneOf(optimizers, { adam: {} });
  assertStringIncludes(
    problems(one, { adam: {}, sgd: {} })[0]!,
    "Choose exactly one, found adam, sgd. Set the others to null.",
  );
  // What was validated is valid, as a resumed run asks.
  assertEquals(one.parse(one.parse({ sgd: {} })), { sgd: {} });
  assertThrows(() => makeOne(optimizers, { lion: {} }, {}), RangeError, "expected one of adam");
});

Deno.test("the list shows every part in a line, and the options of one", () => {
  const text = listText({ weightings, optimizers });
  assertEquals(
    text.split("\n").length,
    3 + Object.keys(weightings).length + Object.keys(optimizers).length,
  );
  assertStringIncludes(text, "famo         Logarithms of losses that fall at one rate");
  assertStringIncludes(optionsText({ optimizers }, "momentum")!, "decay: How much of the velocity");
  assertStringIncludes(optionsText({ optimizers }, "sgd")!, "no options");
  assertEquals(optionsText({ optimizers }, "lion"), undefined);
});

Deno.test("backbones have the published numbers of parameters and operations", () => {
  const imagenet = { imageSize: 224, imageChannels: 3, classes: 1000 };
  const [small, large] = [18, 50].map((depth) =>
    backboneSize("resnet", { depth, stem: "imagenet" }, imagenet)
  );
  // torchvision's numbers of parameters; multiply-adds of 1512.03385, table 1: 1.8e9 and 3.8e9 (without
  // shortcuts, and with the stride in the first convolution of a block; torchvision has 4.09e9).
  assertEquals([small!.parameters, large!.parameters], [11_689_512, 25_557_032]);
  assert(Math.abs(small!.flops / 2 / 1.814e9 - 1) < 0.02, `${small!.flops}`);
  assert(Math.abs(large!.flops / 2 / 4.089e9 - 1) < 0.02, `${large!.flops}`);
  // DeiT-Tiny has 5,717,416 (2012.12877, table 1: 5 M) with a class token and its position, 192 each.
  const tiny = backboneSize("vit", { patch: 16 }, imagenet);
  assertEquals(tiny.parameters, 5_717_416 - 2 * 192);
  assert(Math.abs(tiny.flops / 2 / 1.25e9 - 1) < 0.03, `${tiny.flops}`);
  const line = sizeText("resnet", [
    "depth=18",
    "normalization=group",
    "--image=16",
    "--classes=10",
  ]);
  assertStringIncludes(line, "For images of 16 x 16 x 3 and 10 classes: 11,173,962 parameters,");
  for (const wrong of ["depth", "--image=big", "--size=3"]) {
    assertThrows(() => sizeText("resnet", [wrong]), RangeError, `Cannot read "${wrong}"`);
  }
});
