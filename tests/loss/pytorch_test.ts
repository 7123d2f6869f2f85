/** Losses against PyTorch: values and first and second derivatives that `pytorch/losses.py` has written. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  barlowTwins,
  binaryCrossEntropy,
  meanSquaredError,
  ntXent,
  softmaxCrossEntropy,
  supervisedContrastive,
  vicReg,
} from "../../src/loss/mod.ts";
import { constant, mul, valuesOf } from "../../src/tensor/mod.ts";
import { hvp, valueAndGrad } from "../../src/transform/mod.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

/** `wave` of losses.py. */
const wave = waves(1, 0);

const labels = constant([2, 0, 1, 2, 1], { dtype: "i32" });
const classes = constant([0, 1, 0, 2, 0, 1], { dtype: "i32" });
const other = wave([5, 3], 2);

const LOSSES: Readonly<Record<keyof typeof golden, (x: Tensor) => Tensor>> = {
  "cross-entropy": (x) => softmaxCrossEntropy(mul(x, 3), labels),
  "label smoothing": (x) => softmaxCrossEntropy(mul(x, 3), labels, { labelSmoothing: 0.1 }),
  "binary cross-entropy": (x) => binaryCrossEntropy(mul(x, 3), wave([7], 1, 0.5, 0.5)),
  "mean squared error": (x) => meanSquaredError(x, wave([4, 3], 1)),
  "nt-xent": (x) => ntXent(x),
  "nt-xent at 0.5": (x) => ntXent(x, { temperature: 0.5 }),
  "supervised contrastive": (x) => supervisedContrastive(x, classes),
  "barlow twins": (x) => barlowTwins(x, other),
  vicreg: (x) => vicReg(x, other),
};

for (
  const [name, loss] of Object.entries(LOSSES) as [keyof typeof golden, typeof LOSSES.vicreg][]
) {
  Deno.test(`${name} has PyTorch's value, gradient and Hessian`, () => {
    const expected = golden[name];
    const x = wave(expected.shape, 0.3);
    const { value, grad } = valueAndGrad(loss)(x);
    const product = hvp(loss)(x, wave(expected.shape, 1.1));
    const near = (actual: Tensor, numbers: readonly number[]): void => {
      const found = valuesOf(actual);
      assertEquals(found.length, numbers.length);
      const scale = Math.max(1, ...numbers.map(Math.abs));
      found.forEach((number, k) => assertAlmostEquals(number, numbers[k]!, 1e-10 * scale));
    };
    near(value, [expected.value]);
    near(grad, expected.gradient);
    near(product, expected.hessianProduct);
  });
}
