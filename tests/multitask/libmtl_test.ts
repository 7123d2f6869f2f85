/**
 * Training of two tasks with heads against LibMTL: the parameters after four steps that its own classes gave,
 * as `pytorch/libmtl.py` has written them.
 */
import { assertAlmostEquals } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as multitask from "../../src/multitask/mod.ts";
import type { MultiTaskTraining, Weighting } from "../../src/multitask/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import { constant, matmul, mean, mul, square, sub, tanh, valuesOf } from "../../src/tensor/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/libmtl.json" with { type: "json" };

/** `wave` of libmtl.py. */
const wave = waves(0.5);

interface Net {
  readonly encoder: Tensor;
  readonly far: Tensor;
  readonly near: Tensor;
}

const lossOf = (head: "far" | "near", target: number, factor: number) => (net: Net, x: Tensor) => {
  const found = matmul(tanh(matmul(x, net.encoder)), net[head]);
  return { loss: mul(mean(square(sub(found, wave([4, 1], target, 0, 1.5)))), factor), aux: {} };
};
const losses = { far: lossOf("far", 2, 5), near: lossOf("near", 3, 1) };

/** The methods with LibMTL's options, and how near they come: some add 1e-8, or 1e-7 under a root, or solve by iteration there. */
const METHODS: Readonly<Record<keyof typeof golden, readonly [Weighting, number]>> = {
  EW: [multitask.fixedWeighting([1, 1]), 1e-11],
  UW: [multitask.uncertaintyWeighting({ rate: 0.1 }), 1e-11],
  GLS: [multitask.geometricLoss(), 1e-11],
  FAMO: [multitask.famo(), 1e-8],
  MGDA: [multitask.mgda(), 1e-3],
  PCGrad: [multitask.pcGrad(), 1e-5],
  GradVac: [multitask.gradVac({ part: 0.3 }), 1e-7],
  CAGrad: [multitask.caGrad(), 1e-3],
  IMTL: [multitask.imtl({ rate: 0.1 }), 1e-11],
  Aligned_MTL: [multitask.alignedMtl({ preference: [1, 1] }), 1e-11],
  FairGrad: [multitask.fairGrad(), 1e-7],
  ExcessMTL: [multitask.excessMtl({ rate: 0.3 }), 1e-4],
  DB_MTL: [multitask.dbMtl({ decay: 0 }), 1e-7],
};

for (const [name, [weighting, tolerance]] of Object.entries(METHODS)) {
  Deno.test(`${weighting.name} trains body and heads as LibMTL's ${name} does`, () => {
    const options = { weighting, optimizer: sgd(), shared: (path: string) => path === "encoder" };
    const start = { encoder: wave([3, 2], 0.1), far: wave([2, 1], 1), near: wave([2, 1], 6) };
    let training: MultiTaskTraining<Net> = multitask.multiTaskInit(start, losses, options);
    if (name === "UW") {
      const logVariance = constant([-0.5, -0.5]);
      training = { ...training, weighting: { ...training.weighting, logVariance } };
    }
    const step = multitask.multiTaskStep(losses, options);
    for (let k = 0; k < 4; k++) {
      const batch = wave([4, 3], 0.3 + k, 0, 1);
      training = mapTree<MultiTaskTraining<Net>>(
        (x: Tensor) => constant(valuesOf(x), { shape: x.shape }),
        step(training, batch, randomKey(k), { rate: 0.1 }).training,
      );
    }
    const { encoder, far, near } = training.params;
    [encoder, far, near].flatMap(valuesOf).forEach((value, k) =>
      assertAlmostEquals(value, golden[name as keyof typeof golden][k]!, tolerance)
    );
  });
}
