import {
  classifierHead,
  conv4,
  encoder,
  type Layer,
  layerNorm,
  type Params,
} from "../../src/nn/mod.ts";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { zerosNd } from "../../src/ir/nd_array.ts";
import { add, constant, div, mul } from "../../src/tensor/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";
import { assertForward, gradientOf, type Subject } from "../cases/laws.ts";

const MODELS: Record<string, { layer: Layer; input: readonly number[]; classes: number }> = {
  "encoder with dropout": {
    layer: encoder({ widths: [2], embedding: 3, imageSize: 7 }),
    input: [3, 7, 7, 3],
    classes: 3,
  },
  conv4: {
    layer: conv4({ ways: 2, channels: 2, imageSize: 16 }),
    input: [3, 16, 16, 3],
    classes: 2,
  },
  classifierHead: {
    layer: classifierHead({ inputs: 4, classes: 3, hidden: 5 }),
    input: [4, 4],
    classes: 3,
  },
  layerNorm: { layer: layerNorm({ features: 3 }), input: [4, 3], classes: 3 },
};

for (const [name, { layer, input, classes }] of Object.entries(MODELS)) {
  Deno.test(`the loss of ${name} has exact first and second derivatives`, () => {
    const { params, state } = layer.init(randomKey(1));
    const { leaves, structure } = flatten<Tensor>(params);
    const x = normal(randomKey(2), input);
    const labels = constant(Array.from({ length: input[0]! }, (_, k) => k % classes), {
      dtype: "i32",
    });
    // Differences are taken along small steps around the initial parameters, and the loss is scaled
    // accordingly: hundreds of ReLUs leave no room for large ones.
    const scale = 0.01;
    const subject: Subject = {
      name,
      fn: (...steps) => {
        const moved = leaves.map((leaf, k) => add(leaf, mul(steps[k]!, scale)));
        const own = unflatten<Params>(structure, moved);
        const options = { training: true, key: randomKey(3) };
        const { output } = layer.apply(own, state, x, options);
        return [div(softmaxCrossEntropy(output, labels), scale)];
      },
      point: leaves.map(({ shape, dtype }) => zerosNd(shape, dtype)),
      varying: leaves.map((_, k) => k),
    };
    assertForward(subject, 1e-7);
    assertForward(gradientOf(subject), 1e-7);
  });
}
