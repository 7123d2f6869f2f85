/** The laws on whole networks: what the primitives' cases cannot show is how rules compose. */
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { checkpoint, grad, vmap } from "../../src/transform/mod.ts";
import {
  assertAdjoint,
  assertForward,
  assertVectorized,
  gradientOf,
  randomLike,
  type Subject,
} from "../cases/laws.ts";
import { ndArray } from "../../src/ir/nd_array.ts";

const f32 = (...shape: number[]): { shape: number[]; dtype: "f32" } => ({ shape, dtype: "f32" });

function spread(x: Tensor, like: Tensor): Tensor {
  return ops.broadcast(x, like.shape, [like.rank - 1]);
}

/** Batch normalization over all axes but the last. */
function batchNorm(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const channels = x.shape.at(-1)!;
  const scale = ops.fill(channels / x.size, [channels]);
  const centered = ops.sub(x, spread(ops.mul(ops.sum(x, axes), scale), x));
  const variance = ops.mul(ops.sum(ops.mul(centered, centered), axes), scale);
  return ops.mul(centered, spread(ops.rsqrt(ops.add(variance, ops.like(variance, 1e-5))), x));
}

/** Largest of every 2x2 window of `[1, n, h, w, c]`. */
function maxPool(x: Tensor): Tensor {
  const [b, n, h, w, c] = x.shape as [number, number, number, number, number];
  return ops.reduceMax(ops.reshape(x, [b, n, h / 2, 2, w / 2, 2, c]), [3, 5]);
}

/** Mean cross-entropy of logits `[n, k]` with labels `i32[n]`. */
function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const [n, k] = logits.shape as [number, number];
  const shifted = ops.sub(logits, ops.broadcast(ops.reduceMax(logits, [1]), [n, k], [0]));
  const logSum = ops.log(ops.sum(ops.exp(shifted), [1]));
  const hit = ops.equal(ops.broadcast(labels, [n, k], [0]), ops.iota([n, k], [1]));
  const picked = ops.sum(ops.select(hit, shifted, ops.like(shifted, 0)), [1]);
  return ops.sum(ops.mul(ops.sub(logSum, picked), ops.like(logSum, 1 / n)), [0]);
}

const geometry = { input: [4, 4], kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] } as const;

function network(x: Tensor, filters: Tensor, head: Tensor, labels: Tensor): Tensor {
  const features = ops.conv2d(x, filters, geometry);
  const active = ops.maximum(features, ops.like(features, 0));
  const pooled = maxPool(batchNorm(active));
  return crossEntropy(ops.matmul(ops.reshape(pooled, [3, 12]), head), labels);
}

const labels = ndArray({ shape: [3], dtype: "i32" }, [0, 2, 1]);
const subject: Subject = {
  name: "network",
  fn: (x, w, head, labels) => [network(x!, w!, head!, labels!)],
  point: [
    randomLike(f32(1, 3, 4, 4, 2), 1),
    randomLike(f32(1, 3, 3, 2, 3), 2),
    randomLike(
      f32(12, 3),
      3,
    ),
    labels,
  ],
  varying: [0, 1, 2],
};

Deno.test("a convolutional network obeys the laws at orders 1 to 3", () => {
  assertForward(subject);
  assertAdjoint(subject);
  const second = gradientOf(subject);
  assertForward(second);
  assertAdjoint(second);
  const third = gradientOf(second);
  assertForward(third, 1e-6);
  assertAdjoint(third, 1e-10);
});

Deno.test("tasks with own weights are one batched network, gradients included", () => {
  const examples = [11, 12].map((seed) => [
    randomLike(subject.point[0]!, seed),
    randomLike(subject.point[1]!, seed + 10),
    randomLike(subject.point[2]!, seed + 20),
    labels,
  ]);
  assertVectorized(subject, examples, [true, true, true, false]);
  assertVectorized(gradientOf(subject), examples, [true, true, true, false]);
  assertVectorized(gradientOf(subject), examples, [true, false, true, true]);
});

/** Two inner gradient steps on the head and the filters, then the loss on other images. */
function adapted(train: (x: Tensor, w: Tensor, h: Tensor, y: Tensor) => Tensor): Subject["fn"] {
  return (x, w, head, y) => {
    let params = [w!, head!];
    for (let step = 0; step < 2; step++) {
      const gradients = grad(([w, h]: Tensor[]) => train(x!, w!, h!, y!))(params);
      params = params.map((p, k) => ops.sub(p, ops.mul(gradients[k]!, ops.like(p, 0.2))));
    }
    return [network(ops.reverse(x!, [3]), params[0]!, params[1]!, y!)];
  };
}

Deno.test("the meta-gradient through two inner steps obeys the laws at orders 1 and 2", () => {
  const meta = { ...subject, name: "adapted network", fn: adapted(network), varying: [1, 2] };
  assertForward(meta);
  assertAdjoint(meta);
  const second = gradientOf(meta);
  assertForward(second, 1e-6);
  assertAdjoint(second, 1e-10);
});

Deno.test("the meta-gradient through checkpointed inner steps, batched over tasks", () => {
  const meta = {
    ...subject,
    name: "adapted network with calls",
    fn: adapted(checkpoint(network)),
    varying: [1, 2],
  };
  assertForward(meta);
  assertAdjoint(meta);
  const examples = [11, 12].map((seed) => [
    randomLike(subject.point[0]!, seed),
    ...subject.point.slice(1),
  ]);
  assertVectorized(gradientOf(meta), examples, [true, false, false, false]);
});

Deno.test("gradients through vmap of an inner gradient obey the laws", () => {
  const perExample = (x: Tensor, head: Tensor): Tensor => {
    const features = ops.tanh(ops.matmul(x, head));
    return ops.sum(ops.mul(features, features), [0, 1]);
  };
  const norms: Subject = {
    name: "squared norms of the gradients of examples",
    fn: (x, head) => {
      const each = vmap(grad(perExample), [0, null])(x!, head!);
      return [ops.sum(ops.mul(each, each), [1, 2])];
    },
    point: [randomLike(f32(3, 1, 4), 5), randomLike(f32(4, 2), 6)],
    varying: [0, 1],
  };
  assertForward(norms);
  assertAdjoint(norms);
  assertForward(gradientOf(norms));
});
