/** Optimizers and schedules against torch.optim: the steps that `pytorch/optimizers.py` has written. */
import { assertAlmostEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  adam,
  adamW,
  cosineSchedule,
  momentum,
  type Optimizer,
  rmsProp,
  sgd,
  stepSchedule,
  withClipping,
  withWeightDecay,
} from "../../src/optim/mod.ts";
import { constant, valuesOf } from "../../src/tensor/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

const RATE = 0.05;

const OPTIMIZERS: Readonly<Record<keyof typeof golden["optimizers"], Optimizer>> = {
  sgd: sgd(),
  "sgd with weight decay": withWeightDecay(sgd(), { decay: 0.2 }),
  momentum: momentum(),
  "momentum with weight decay": withWeightDecay(momentum({ decay: 0.8 }), { decay: 0.2 }),
  nesterov: momentum({ nesterov: true }),
  adam: adam(),
  "adam with other decays": adam({ decay1: 0.8, decay2: 0.95, epsilon: 1e-3 }),
  "adam with weight decay": withWeightDecay(adam(), { decay: 0.2 }),
  adamw: adamW(),
  "adamw with weight decay": adamW({ weightDecay: 0.3 }),
  rmsprop: rmsProp(),
  "rmsprop with all": withWeightDecay(
    rmsProp({ decay: 0.8, epsilon: 1e-3, centered: true, momentum: 0.5 }),
    { decay: 0.1 },
  ),
};

interface Params {
  readonly a: Tensor;
  readonly b: { readonly c: Tensor };
}

/** Compares parameters after every step. */
function assertSteps(
  optimizer: Optimizer,
  expected: readonly (readonly number[])[],
  tolerance: number,
): void {
  let params: Params = { a: constant([1, -2, 0.5]), b: { c: constant([[0.3], [-0.7]]) } };
  let state = optimizer.init(params);
  expected.forEach((numbers, step) => {
    let at = 0;
    const grads = mapTree<Params>((p: Tensor) => {
      const values = valuesOf(p).map((x) => Math.cos(step + 0.9 * at++) + 0.5 * x);
      return constant(values, { shape: p.shape });
    }, params);
    ({ params, state } = optimizer.update(grads, state, params, { rate: RATE }));
    const found = [...valuesOf(params.a), ...valuesOf(params.b.c)];
    found.forEach((x, k) => assertAlmostEquals(x, numbers[k]!, tolerance, `step ${step}`));
  });
}

for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  Deno.test(`${name} takes the steps of torch.optim`, () => {
    assertSteps(optimizer, golden.optimizers[name as keyof typeof OPTIMIZERS], 1e-11);
  });
}

Deno.test("withClipping() cuts gradients as torch.nn.utils.clip_grad_norm_ does", () => {
  // PyTorch adds 1e-6 to the norm that it divides by.
  assertSteps(withClipping(momentum(), { maxNorm: 1 }), golden.clipped, 1e-5);
});

Deno.test("schedules have the rates of torch.optim.lr_scheduler", () => {
  const { cosine, steps } = golden.schedules;
  const schedules = [
    [cosineSchedule({ peak: RATE, steps: cosine.length, floor: 0.001 }), cosine],
    [stepSchedule({ rate: RATE, milestones: [3, 7], factor: 0.3 }), steps],
  ] as const;
  for (const [rate, expected] of schedules) {
    expected.forEach((value, step) => assertAlmostEquals(rate(step), value, 1e-15));
  }
});
