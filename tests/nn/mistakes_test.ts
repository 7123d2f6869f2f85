/** What a caller without types does wrong with models, optimizers, methods and own images. */
import { assertEquals } from "@std/assert";
import * as t from "../../mod.ts";
import { type Mistake, tellMistakes, type Untyped } from "../engine/mistakes.ts";

const js = t as unknown as Record<string, Untyped>;
const { ones, randomKey, zeros } = t;
const x = ones([2, 2]);
const key = randomKey(0);

const sizes: readonly Mistake[] = [
  // Of no number the greatest divisor was sought for ever.
  ["no channels for groups", () => js.groupNorm!({}), "'features'", "a whole number from 1"],
  ["channels that are no number", () => js.normalizationLayer!("group", NaN), "'features'"],
  [
    "a program that is a function",
    () => js.simplify!(Math.sin),
    "simplify()",
    "a program, such as",
  ],
  ["a program before it is traced", () => js.evaluate!({}, []), "evaluate()", "an empty object"],
  ["nothing in place of a tensor", () => js.relu!(null), "relu()", "found null as argument 1"],
  ["a number to turn", () => js.rotate90!(3, 1), "found 3, expected a tensor"],
];
tellMistakes(sizes);

const surplus: readonly Mistake[] = [
  [
    "options of pcGrad()",
    () => js.pcGrad!({ seed: 1 }),
    "pcGrad()",
    "an object of seed beyond its 0",
  ],
  ["losses for pcGrad()", () => js.pcGrad!([x]), "an array of 1 beyond"],
  ["options of mgda()", () => js.mgda!({ normalize: true }), "mgda()", "beyond"],
  ["weights for equalWeighting()", () => js.equalWeighting!([1, 2]), "equalWeighting()", "beyond"],
  ["options of the others", () => js.upGrad!({ a: 1 }), "upGrad()", "beyond"],
  ["momentum of sgd()", () => js.sgd!({ momentum: 0.9 }), "sgd()", "an object of momentum beyond"],
  ["the rate of sgd()", () => js.sgd!(0.1), "sgd()", "found 0.1 beyond"],
  ["a slope of reluLayer()", () => js.reluLayer!({ slope: 0.1 }), "reluLayer()", "beyond"],
  ["three to subtract", () => js.sub!(x, x, x), "sub()", "beyond its 2"],
  ["three to divide", () => js.div!(x, x, x), "div()", "beyond its 2"],
  ["a modulus", () => js.pow!(x, 2, x), "pow()", "beyond its 2"],
  ["three to add", () => js.add!(x, x, x), "add()", "a tensor f32[2, 2] beyond its 2"],
  ["three to compare", () => js.maximum!(x, x, x), "maximum()", "beyond"],
  ["a transposed product", () => js.matmul!(x, x, true), "matmul()", "found true beyond its 2"],
  ["a slope of relu()", () => js.relu!(x, 0.1), "relu()", "found 0.1 beyond its 1 argument."],
  [
    "a threshold of sigmoid()",
    () => js.sigmoid!(x, 1),
    "sigmoid()",
    "found 1 beyond",
    "leave it out",
  ],
  ["digits of round()", () => js.round!(x, 2), "round()", "found 2 beyond its 1 argument."],
  ["the base of log()", () => js.log!(x, 10), "log()", "found 10 beyond"],
  ["a type for zerosLike()", () => js.zerosLike!(x, "i32"), "the text 'i32' beyond"],
  ["weights of a loss", () => js.meanSquaredError!(x, x, x), "f32[2, 2] beyond its 2"],
  ["weights of binaryCrossEntropy()", () => js.binaryCrossEntropy!(x, x, x), "beyond its 2"],
  ["values of oneHot()", () => js.oneHot!(t.range(2), 2, 1, 0), "oneHot()", "found 1 beyond"],
  ["two layers for sequential()", () => js.sequential!({}, {}), "sequential()", "beyond its 1"],
  ["TensorFlow.js's slice", () => js.slice!(x, [0, 0], [1, 1]), "slice()", "an array of 2 beyond"],
];

const tensors: readonly Mistake[] = [
  [
    "a loop over a tensor",
    () => [...(x as unknown as Iterable<unknown>)],
    "f32[2, 2]",
    "slice(x, [k])",
  ],
  ["an array from a tensor", () => Array.from(x as unknown as Iterable<unknown>), "slice(x, [k])"],
  ["a tensor taken apart", () => {
    const [row] = x as unknown as Iterable<unknown>;
    return row;
  }, "Cannot read numbers"],
  ["the length of a tensor", () => 1 < (x as unknown as { length: number }).length, "f32[2, 2]"],
  ["a tensor as JSON", () => JSON.stringify(x), "Cannot read numbers of the tensor f32[2, 2]"],
  ["a position to slice", () => js.slice!(x, 0), "found 0 for the ranges", "an array"],
  ["axes to transpose", () => js.transpose!(x, 1, 0), "found 1 for the order", "an array"],
  ["tensors before an equation", () => js.einsum!(x, "ij->"), "for 'equation'", "a text"],
  ["a function to print", () => js.print!(() => x), "print()", "trace(fn, shapes).program"],
  ["mean squares of all pairs", () => t.meanSquaredError(ones([3, 1]), ones([3])), "one shape"],
  [
    "cross-entropies of all pairs",
    () => t.binaryCrossEntropy(ones([3, 1]), ones([3])),
    "one shape",
  ],
  ["no data for maml()", () => {
    const loss = (w: t.Tensor) => t.sum(w);
    return js.maml!({ inner: loss, outer: loss }, {
      innerSteps: 1,
      innerRate: 1,
      optimizer: t.sgd(),
    })(
      { params: x, shared: {}, rates: {} },
    );
  }, "no 'support' among the data"],
];

const encoded = (change: object) =>
  js.encoder!({ widths: [4], embedding: 8, imageSize: 16, ...change });
const line = t.linear({ inputs: 3, outputs: 2 });
const lineOf = (weight: number[], bias: number[]) =>
  line.apply({ weight: ones(weight), bias: ones(bias) }, {}, ones([1, 3]), { training: true });
const filter = t.conv2dLayer({ inputs: 1, outputs: 2 });

const models: readonly Mistake[] = [
  ["widths as number", () => encoded({ widths: 4 }), "found 4 for 'widths'", "an array"],
  ["widths as text", () => encoded({ widths: "32,64" }), "the text '32,64' for 'widths'"],
  ["widths as texts", () => encoded({ widths: ["4"] }), "for 'widths'", "a whole number from 1"],
  ["width", () => encoded({ width: [4] }), "the option 'width'", "Did you mean 'widths'?"],
  ["an embedding as text", () => encoded({ embedding: "8" }), "the text '8' for 'embedding'"],
  ["dropout as text", () => encoded({ dropout: "0.5" }), "the text '0.5' for 'dropout'"],
  ["dropout as null", () => encoded({ dropout: null }), "found null for 'dropout'"],
  ["dropout in percent", () => encoded({ dropout: 25 }), "rate 25", "rate < 1"],
  ["a size as text", () => encoded({ imageSize: "16" }), "the text '16' for 'imageSize'"],
  ["a size as pair", () => encoded({ imageSize: [16, 16] }), "an array of 2 for 'imageSize'"],
  ["batchnorm", () => encoded({ normalization: "batchnorm" }), "'batchnorm'", "batch, batch-own"],
  [
    "pixels as images",
    () => js.encoder!({ images: [[[1]]] }),
    "an array of 1 for 'images'",
    "a data set",
  ],
  [
    "splits as images",
    () => js.encoder!({ images: { train: 1, test: 2 } }),
    "an object of train, test",
    "a data set",
  ],
  ["a number for an encoder", () => js.encoder!(32), "found 32 in the place of the options"],
  [
    "dropout without key",
    () => {
      const model = t.encoder({ widths: [4], embedding: 8, imageSize: 16 });
      const { params, state } = model.init(key);
      return model.apply(params, state, ones([2, 16, 16, 3]), { training: true });
    },
    "without a random key",
    "{ training: true, key }",
  ],
  ["an init without key", () => js.linear!({ inputs: 1, outputs: 1 }).init!(), "found undefined"],
  ["a wider weight", () => lineOf([3, 5], [5]), "no tensor 'weight' [3,2]", "f32[3, 5]"],
  ["a weight across", () => lineOf([2, 3], [2]), "no tensor 'weight' [3,2]", "f32[2, 3]"],
  ["a bias that broadcasts", () => lineOf([3, 2], [1]), "no tensor 'bias' [2]", "f32[1]"],
  [
    "wider filters",
    () =>
      filter.apply({ weight: ones([3, 3, 1, 5]), bias: ones([5]) }, {}, ones([1, 4, 4, 1]), {
        training: true,
      }),
    "no tensor 'weight' [3,3,1,2]",
  ],
  [
    "layers one after the other",
    () => js.sequential!(line, line),
    "the function init for 'init'",
    "a layer",
  ],
  [
    "a layer not made",
    () => js.sequential!({ line, relu: t.reluLayer }),
    "the function reluLayer for 'relu'",
  ],
  [
    "a function among layers",
    () => js.sequential!({ line, relu: t.relu }),
    "the function relu for 'relu'",
  ],
  ["a ResNet of 34", () => js.resNet!({ depth: 34 }), "found 34 for 'depth'", "'50'"],
  [
    "a temperature as text",
    () => js.contrastive!({ temperature: "0.1" }),
    "the text '0.1' for 'temperature'",
    "a finite number",
  ],
  ["a mask that is no number", () => js.maskedAutoencoding!({ ratio: NaN }), "NaN for 'ratio'"],
  ["smoothing as text", () => js.smoothTchebycheff!({ mu: "1" }), "the text '1' for 'mu'"],
  ["a radius without end", () => js.caGrad!({ radius: Infinity }), "Infinity for 'radius'"],
  ["a jigsaw of 4 x 4", () => js.jigsaw!({ grid: 4 }), "found 4 for 'grid'", "'3'"],
];

const updated = (name: "adam" | "momentum" | "rmsProp", state: unknown) =>
  js[name]!().update!(x, state, x, { rate: 1 });

const optimizers: readonly Mistake[] = [
  ["beta1", () => js.adam!({ beta1: 0.9 }), "the option 'beta1'", "'decay1'"],
  ["a rate for adam()", () => js.adam!(0.001), "found 0.001 in the place of the options"],
  ["a decay as text", () => js.adam!({ decay1: "0.9" }), "the text '0.9' for 'decay1'"],
  ["a decay above 1", () => js.momentum!({ decay: 9 }), "found 9 for 'decay'", "from 0 to 1"],
  ["no memory for adam()", () => updated("adam", undefined), "undefined as the state", "first"],
  ["empty memory for momentum()", () => updated("momentum", {}), "an empty object as the state"],
  ["wrong memory for rmsProp()", () => updated("rmsProp", { first: x }), "an object of first as"],
  ["nothing to weigh", () => js.mgda!().weigh!(), "weigh tasks by MGDA", "found undefined"],
  [
    "losses as numbers",
    () => js.pcGrad!().weigh!({ losses: [1, 2], state: {}, key }),
    "an array of 2",
  ],
  [
    "no inner products",
    () => js.pcGrad!().weigh!({ losses: ones([2]), state: {}, key }),
    "undefined",
  ],
];

const pixels = Array.from({ length: 3 }, (_, k) => [[k, 9], [8, 7]]);
const imagesOf = (change: object) =>
  js.imageDataset!({ images: pixels, labels: [0, 1, 2], ...change });
const bytes = (length: number) => new Uint8Array(length);

const images: readonly Mistake[] = [
  ["x and y", () => js.imageDataset!({ x: pixels, y: [0, 1, 2] }), "the option 'x'", "'images'"],
  [
    "images and labels in order",
    () => js.imageDataset!(pixels, [0]),
    "in the place of the options",
  ],
  ["classes", () => imagesOf({ classes: ["a"] }), "Did you mean 'classNames'?"],
  ["no labels", () => imagesOf({ labels: undefined }), "undefined for 'labels'", "Add 'labels'"],
  [
    "labels not awaited",
    () => imagesOf({ labels: Promise.resolve([0]) }),
    "a promise (not awaited) for 'labels'",
  ],
  ["another white", () => imagesOf({ white: 100 }), "found 100 for 'white'", "1 or 255"],
  ["labels from 1", () => imagesOf({ labels: [1, 2, 3] }), "labels from 1", "classNames"],
  ["labels below 0", () => imagesOf({ labels: [-1, 0, 1] }), "label -1", "expected 0 to 1"],
  ["labels as vectors", () => imagesOf({ labels: [[1, 0], [0, 1], [1, 0]] }), "an array of 2"],
  [
    "labels without name",
    () => imagesOf({ labels: ["a", "b", "c"], classNames: ["a", "b"] }),
    "'c'",
  ],
  ["too few labels", () => imagesOf({ labels: [0, 1] }), "2 labels for 3 images"],
  ["bytes without shape", () => imagesOf({ images: bytes(12) }), "a Uint8Array", "needs its shape"],
  [
    "a shape as text",
    () => imagesOf({ images: { data: bytes(12), shape: "3x2x2" } }),
    "the text '3x2x2'",
  ],
  [
    "channels first",
    () => imagesOf({ images: { data: bytes(144), shape: [3, 3, 4, 4] } }),
    "the second axis",
  ],
  [
    "floats to 255",
    () => imagesOf({ images: { data: new Float32Array(12).fill(9), shape: [3, 2, 2] } }),
    "Divide",
  ],
  ["fractions in a list", () => imagesOf({ images: [[[0.5]], [[0]], [[1]]] }), "a Float32Array"],
  [
    "bits for bytes",
    () => imagesOf({ images: [[[1]], [[0]], [[1]]] }),
    "only the pixels 0 and 1",
    "255",
    "{ white: 1 }",
  ],
  [
    "images not awaited",
    () => imagesOf({ images: pixels.map((one) => Promise.resolve(one)) }),
    "a promise (not awaited) as the first image",
    "Promise.all",
  ],
  [
    "names of files",
    () => imagesOf({ images: ["a.png", "b.png", "c.png"] }),
    "the text 'a.png'",
    "decodeOnPlatform",
  ],
  ["images of two sizes", () => imagesOf({ images: [pixels[0], [[1]], pixels[2]] }), "the shapes"],
  ["a tensor of images", () => imagesOf({ images: ones([3, 2, 2]) }), "the tensor f32[3, 2, 2]"],
  [
    "five of three classes",
    () =>
      new t.EpisodeSampler({
        examples: t.imageDataset({ images: pixels, labels: [0, 1, 2] }),
        way: 5,
        shot: 1,
        queryShot: 0,
        seed: 0,
      }),
    "5-way",
    "3 classes",
  ],
  [
    "ways as text",
    () =>
      new t.EpisodeSampler({
        examples: t.imageDataset({ images: pixels, labels: [0, 1, 2] }),
        way: "2" as never,
        shot: 1,
        queryShot: 0,
        seed: 0,
      }),
    "way the text '2'",
  ],
];

tellMistakes([...surplus, ...tensors, ...models, ...optimizers, ...images]);

Deno.test("what map() and reduce() give to a function is no mistake", () => {
  assertEquals([x, x, x].reduce(t.add).shape, [2, 2]);
  assertEquals([x, x].map(t.relu).length, 2);
});

Deno.test("labels that begin later are classes of given names", () => {
  const set = t.imageDataset({ images: pixels, labels: [1, 2, 1], classNames: ["a", "b", "c"] });
  assertEquals([...set.labels], [1, 2, 1]);
});

Deno.test("a tensor of one shape with its targets is compared, whatever the shape", () => {
  assertEquals(t.valuesOf(t.meanSquaredError(zeros([2, 1]), ones([2, 1]))), [1]);
});
