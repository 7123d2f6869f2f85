/**
 * Meta-gradients against PyTorch: what torch.autograd makes of the written-out inner loop, as
 * `tests/meta/pytorch/meta.py` has written it.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { softmaxCrossEntropy } from "../../src/loss/mod.ts";
import {
  anil,
  fomaml,
  maml,
  metaGradient,
  type MetaGradientOptions,
  metaSgd,
  reptile,
} from "../../src/meta/mod.ts";
import { adam, momentum, sgd, withClipping } from "../../src/optim/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import {
  add,
  constant,
  conv2d,
  matmul,
  maxPool2d,
  mul,
  relu,
  reshape,
  standardize,
  sum,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

const [TASKS, STEPS, RATE] = [2, 3, 0.3];
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  "conv.weight": [3, 3, 2, 3],
  "norm.beta": [3],
  "norm.gamma": [3],
  "output.bias": [3],
  "output.weight": [27, 3],
};

/** `wave` of meta.py. */
const wave = waves(0.5);

interface Net {
  readonly conv: { readonly weight: Tensor };
  readonly norm: { readonly beta: Tensor; readonly gamma: Tensor };
  readonly output: { readonly bias: Tensor; readonly weight: Tensor };
}

const initial = (path: string): Tensor =>
  wave(SHAPES[path]!, Object.keys(SHAPES).indexOf(path), path === "norm.gamma" ? 1 : 0);
const params = (): Net => ({
  conv: { weight: initial("conv.weight") },
  norm: { beta: initial("norm.beta"), gamma: initial("norm.gamma") },
  output: { bias: initial("output.bias"), weight: initial("output.weight") },
});

/** Learned rates around 0.3, one an element, or one a step and tensor. */
const rates = (shape?: readonly number[]): Record<string, Tensor> =>
  Object.fromEntries(
    Object.keys(SHAPES).map((path, k) => [path, wave(shape ?? SHAPES[path]!, k, RATE, 0.1)]),
  );

interface Batch {
  readonly images: Tensor;
  readonly labels: Tensor;
}

function batch(phase: number, count: number): Batch {
  const labels = Array.from(
    { length: TASKS * count },
    (_, at) => (Math.floor(at / count) + (at % count) ** 2) % 3,
  );
  return {
    images: wave([TASKS, count, 6, 6, 2], phase),
    labels: constant(labels, { shape: [TASKS, count], dtype: "i32" }),
  };
}

function loss({ conv, norm, output }: Net, _: unknown, { images, labels }: Batch): Tensor {
  const { normal } = standardize(conv2d(images, conv.weight, { padding: 1 }), [0, 1, 2]);
  const pooled = maxPool2d(relu(add(mul(normal, norm.gamma), norm.beta)), { window: 2 });
  const flat = reshape(pooled, [images.shape[0]!, 27]);
  return softmaxCrossEntropy(add(matmul(flat, output.weight), output.bias), labels);
}

const problem = { inner: loss, outer: loss };
const given = { innerSteps: STEPS, innerRate: RATE, optimizer: sgd() };
const data = () => ({ support: batch(0.3, 5), query: batch(1.9, 4), constants: {} });

interface Found {
  readonly loss: Tensor;
  readonly grads: unknown;
}

/** A meta-gradient with other options. */
const otherwise = (options: Partial<MetaGradientOptions>, learned = {}): Found => {
  const { innerRate: _, ...free } = given;
  const all = Object.keys(learned).length > 0 ? { ...free, ...options } : { ...given, ...options };
  const meta = { params: params(), shared: {}, rates: learned };
  return metaGradient(problem, all)(meta, data(), randomKey(0));
};
const plain = () => ({ params: params(), shared: {}, rates: {} });

const CASES: Readonly<Record<keyof typeof golden, () => Found>> = {
  maml: () => maml(problem, given)(plain(), data(), randomKey(0)),
  fomaml: () => fomaml(problem, given)(plain(), data(), randomKey(0)),
  anil: () => {
    const head = (path: string) => path.startsWith("output");
    return anil(problem, { ...given, head })(plain(), data(), randomKey(0));
  },
  "meta-sgd": () => {
    const meta = { ...plain(), rates: rates() };
    return metaSgd(problem, { innerSteps: STEPS })(meta, data(), randomKey(0));
  },
  "rates of every step": () => otherwise({ ratesPerStep: true }, rates([STEPS])),
  "outer loss of every step": () => otherwise({ outerWeights: [0.2, 0.3, 0.5] }),
  momentum: () => otherwise({ optimizer: momentum(), innerRate: 0.1 }),
  adam: () => otherwise({ optimizer: adam(), innerRate: 0.05 }),
  "adam, first order": () => otherwise({ optimizer: adam(), innerRate: 0.05, order: "first" }),
  clipped: () => otherwise({ optimizer: withClipping(sgd(), { maxNorm: 0.5 }) }),
  reptile: () => {
    const { query: _, ...support } = data();
    return reptile(loss, given)({ params: params(), shared: {} }, support, randomKey(0));
  },
};

for (const [name, run] of Object.entries(CASES) as [keyof typeof golden, () => Found][]) {
  Deno.test(`${name} has the meta-gradient of torch.autograd`, () => {
    const found = run();
    const expected = golden[name];
    assertAlmostEquals(valuesOf(found.loss)[0]!, expected.loss, 1e-9);
    const { leaves, paths } = flatten<Tensor>(found.grads);
    assertEquals(paths.toSorted(), Object.keys(expected.gradients).sort());
    leaves.forEach((gradient, k) => {
      const number = expected.gradients[paths[k]! as keyof typeof expected.gradients] as number;
      const product = valuesOf(sum(mul(gradient, wave(gradient.shape, 1.1))))[0]!;
      assertAlmostEquals(product, number, 1e-8 * Math.max(1, Math.abs(number)), paths[k]!);
    });
  });
}
