/** Training on several tasks: gradients, weights, update, second measurement; on all engines. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Engine } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { combineMetaGradients, maml } from "../../src/meta/mod.ts";
import {
  alignedMtl,
  caGrad,
  dbMtl,
  equalWeighting,
  excessMtl,
  famo,
  gradDrop,
  gradNorm,
  imtl,
  imtlGradient,
  mgda,
  moCo,
  moDo,
  multiTaskGradient,
  multiTaskInit,
  multiTaskStep,
  type MultiTaskTraining,
  nashMtl,
  normalizeWeights,
  pcGrad,
  uncertaintyWeighting,
  upGrad,
  type Weighting,
} from "../../src/multitask/mod.ts";
import { adam, sgd } from "../../src/optim/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import {
  add,
  constant,
  matmul,
  mean,
  mul,
  slice,
  square,
  sub,
  sum,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { mapTree } from "../../src/tree/tree.ts";
import { assertNear, frozen } from "./weigh.ts";
import { webgpuTest } from "../webgpu.ts";

interface Net {
  readonly body: Tensor;
  readonly heads: { readonly near: Tensor; readonly far: Tensor };
}

const start = (): Net => ({
  body: constant([[0.5, -0.2], [0.1, 0.4]]),
  heads: { near: constant([0.3, -0.1]), far: constant([-0.2, 0.6]) },
});

/** Regression by a linear body and a head: `scale * mean((x B h - y)^2)`. */
const task = (name: "near" | "far", scale: number) => ({ body, heads }: Net, x: Tensor) => {
  const y = name === "near" ? constant([1, -1, 0.5]) : constant([-1, 2, 3]);
  const found = matmul(matmul(x, body), heads[name]);
  return { loss: mul(mean(square(sub(found, y))), scale), aux: { name: constant(scale) } };
};
const losses = { near: task("near", 1), far: task("far", 100) };
const batch = () => constant([[1, 0], [0, 1], [1, 1]]);
const halves = (x: Tensor) => [slice(x, [[0, 3]]), slice(x, [[0, 3]])] as const;
const isShared = (path: string) => path === "body";

Deno.test("multiTaskGradient() is the gradient of the weighted sum", () => {
  const weightings = [equalWeighting(), uncertaintyWeighting(), famo(), nashMtl(), pcGrad()];
  for (const weighting of weightings) {
    const gradient = multiTaskGradient(losses, { weighting });
    const { grads, weights, losses: values, aux } = gradient(
      start(),
      batch(),
      randomKey(0),
      weighting.init(2),
    );
    const [far, near] = valuesOf(weights);
    const expected = grad((net: Net) =>
      add(
        mul(losses.far(net, batch()).loss, far!),
        mul(losses.near(net, batch()).loss, near!),
      )
    )(start());
    mapTree((a: Tensor, b: Tensor) => assertNear(valuesOf(a), valuesOf(b), 1e-10), grads, expected);
    assertAlmostEquals(valuesOf(values)[0]!, valuesOf(losses.far(start(), batch()).loss)[0]!);
    assertEquals(valuesOf(aux["far"]!.name), [100]);
  }
});

Deno.test("multiTaskGradient() shows the method shared leaves only, and leaves heads alone", () => {
  const weighting = mgda();
  const losses = { near: task("near", 1), far: task("far", 0.1) };
  const of = (options: { own?: "weighted" | "plain" }) =>
    multiTaskGradient(losses, { weighting, shared: isShared, ...options })(
      start(),
      batch(),
      randomKey(0),
      {},
    );
  const weighted = of({ own: "weighted" });
  const plain = of({ own: "plain" });
  // As algorithm 2 of MGDA's paper has it.
  assertEquals(valuesOf(of({}).grads.heads.far), valuesOf(plain.grads.heads.far));
  assertEquals(valuesOf(plain.weights), valuesOf(weighted.weights));
  const alone = grad((net: Net) => losses.far(net, batch()).loss)(start());
  assertNear(valuesOf(plain.grads.heads.far), valuesOf(alone.heads.far), 1e-12);
  const [far] = valuesOf(weighted.weights);
  const own = valuesOf(alone.heads.far).map((value) => value * far!);
  assertNear(valuesOf(weighted.grads.heads.far), own, 1e-12);
  assertNear(valuesOf(plain.grads.body), valuesOf(weighted.grads.body), 1e-12);
  // With the heads among the shared leaves the shortest combination is another.
  const all = multiTaskGradient(losses, { weighting })(start(), batch(), randomKey(0), {});
  assert(Math.abs(valuesOf(all.weights)[0]! - far!) > 1e-4);
  const equal = multiTaskGradient(losses, {
    weighting: equalWeighting(),
    shared: isShared,
    own: "plain",
  })(start(), batch(), randomKey(0), {});
  assertNear(valuesOf(equal.grads.heads.far), valuesOf(alone.heads.far), 1e-12);
});

Deno.test("no head climbs its own loss where its task's weight is negative", () => {
  // The third gradient lies nearly between the others and is longer: its own part is taken off.
  const rows = [[1, 0, 0], [0, 1, 0], [3, 3, 0.3]];
  const along = (row: readonly number[], head: string) => (net: Record<string, Tensor>) => ({
    loss: add(sum(mul(net["body"]!, constant(row))), sum(square(net[head]!))),
    aux: {},
  });
  const named = Object.fromEntries(rows.map((row, k) => [`task${k}`, along(row, `head${k}`)]));
  const point = () => ({
    body: constant([1, 1, 1]),
    head0: constant([1]),
    head1: constant([1]),
    head2: constant([1]),
  });
  for (const weighting of [imtlGradient(), alignedMtl()]) {
    const { grads, weights } = multiTaskGradient(named, {
      weighting,
      shared: (path) => path === "body",
    })(point(), {}, randomKey(0), {});
    assert(Math.min(...valuesOf(weights)) < 0, `${weighting.name}: ${valuesOf(weights)}`);
    for (const head of ["head0", "head1", "head2"] as const) {
      assertEquals(valuesOf(grads[head]!), [2], weighting.name);
    }
  }
});

Deno.test("multiTaskStep() measures the losses again, on the same batch with the same keys", () => {
  const seen: Tensor[] = [];
  const weighting: Weighting = {
    ...equalWeighting(),
    init: () => ({ after: constant([0, 0]) }),
    observe: (_, after) => (seen.push(after), { after }),
  };
  const noisy = (factor: number) => (x: Tensor, _: unknown, key: Tensor) => ({
    loss: mul(add(x, uniform(key, [])), factor),
    aux: {},
  });
  const step = multiTaskStep({ a: noisy(1), b: noisy(3) }, { weighting, optimizer: sgd() });
  const { training, losses: before, weights } = step(
    { params: constant(2), optimizer: {}, weighting: weighting.init(2) },
    {},
    randomKey(4),
    { rate: 0.25 },
  );
  assertEquals(valuesOf(weights), [0.5, 0.5]);
  // The mean slope is 2: x falls by 1/2, the losses by 1/2 and 3/2.
  assertEquals(valuesOf(training.params), [1.5]);
  const [a, b] = valuesOf(before);
  assertNear(valuesOf(training.weighting["after"]!), [a! - 0.5, b! - 1.5], 1e-12);
  assertEquals(seen.length, 1);
  // Each loss has its own key.
  assert(Math.abs(a! - b! / 3) > 1e-6);
});

Deno.test("famo() in training lets both losses fall alike where equal weights do not", () => {
  const falls = (weighting: Weighting, rate: number): number[] => {
    const step = multiTaskStep(losses, { weighting, optimizer: sgd(), shared: isShared });
    let training: MultiTaskTraining<Net> = {
      params: start(),
      optimizer: {},
      weighting: weighting.init(2),
    };
    const values: number[][] = [];
    for (let k = 0; k < 60; k++) {
      const result = step(training, batch(), randomKey(k), { rate });
      values.push(valuesOf(result.losses));
      training = {
        params: mapTree<Net>(
          (x: Tensor) => constant(valuesOf(x), { shape: x.shape }),
          result.training.params,
        ),
        optimizer: {},
        weighting: frozen(result.training.weighting),
      };
    }
    return values[0]!.map((first, k) => Math.log(first / values.at(-1)![k]!));
  };
  const gap = ([far, near]: number[]) => Math.abs(far! - near!);
  const even = falls(famo({ rate: 0.1 }), 0.05);
  const uneven = falls(normalizeWeights(equalWeighting(), { to: "one" }), 0.002);
  assert(even.every((fall) => fall > 0), `${even}`);
  assert(gap(even) < gap(uneven) / 2, `${even}; ${uneven}`);
});

Deno.test("multiTaskGradient() takes two samples for methods that want them, others one", () => {
  const seen: string[] = [];
  const watching = (x: Tensor, rows: Tensor, key: Tensor) => {
    seen.push(`${rows.shape[0]}`);
    return { loss: mean(mul(add(square(x), uniform(key, [])), rows)), aux: {} };
  };
  const whole = constant([1, 2, 3, 4]);
  const split = (rows: Tensor) => [slice(rows, [[0, 2]]), slice(rows, [[2, 4]])] as const;
  const of = (weighting: Weighting, options: { split?: typeof split }) =>
    multiTaskGradient({ a: watching, b: watching }, { weighting, ...options })(
      constant(3),
      whole,
      randomKey(0),
      weighting.init(2),
    );
  const both = of(moDo(), { split });
  assertEquals(seen.splice(0), ["2", "2", "2", "2"]);
  // The step is the mean of both halves: 6 (1.5 + 3.5) / 2.
  assertNear(valuesOf(both.grads), [15], 1e-12);
  assertAlmostEquals(valuesOf(both.losses)[0]! / 1.5, 9.5, 0.5);
  of(moDo(), {});
  assertEquals(seen.splice(0), ["4", "4"]);
  of(mgda(), { split });
  assertEquals(seen, ["4", "4"]);
});

Deno.test("multi-task losses are checked", () => {
  const options = { weighting: equalWeighting() };
  assertThrows(() => multiTaskGradient({}, options), RangeError, "found no loss");
  const vector = multiTaskGradient({ a: (x: Tensor) => ({ loss: x, aux: {} }) }, options);
  assertThrows(
    () => vector(constant([1, 2]), {}, randomKey(0), {}),
    TypeError,
    "the loss of 'a' is f32[2]",
  );
});

const outer = (target: number) => (x: Tensor) => sum(square(sub(x, constant([target, 1]))));

function meta(weighting?: Weighting) {
  const part = (target: number) =>
    maml<Tensor, object, object, Tensor, Tensor, object>(
      { inner: outer(target), outer: outer(target) },
      { innerSteps: 1, optimizer: sgd(), innerRate: 0.25 },
    );
  const parts = { far: part(9), near: part(1) };
  return combineMetaGradients(parts, weighting ? { weighting } : {});
}

const one = () => ({ support: constant([1]), query: constant([1]), constants: {} });
const metaArgs = () =>
  [
    { params: constant([2, 3]), shared: { far: {}, near: {} }, rates: { far: {}, near: {} } },
    { far: one(), near: one() },
    randomKey(0),
  ] as const;

Deno.test("combineMetaGradients() weighs its parts by a method", () => {
  const plain = meta()(...metaArgs());
  assertEquals(valuesOf(plain.weights), [0.5, 0.5]);
  const weighting = mgda();
  const { weights, grads, loss, parts } = meta(weighting)(...metaArgs());
  // Meta-gradients halve the distance twice: (2 - 9, 2) / 2 and (2 - 1, 2) / 2, which make a
  // shortest combination across the first axis.
  assertNear(valuesOf(parts.far.grads.params), [-3.5, 1], 1e-12);
  assertNear(valuesOf(weights), [1 / 8, 7 / 8], 1e-12);
  assertNear(valuesOf(grads.params), [0, 1], 1e-12);
  const [far, near] = [parts.far, parts.near].map((part) => valuesOf(part.loss)[0]!);
  assertAlmostEquals(valuesOf(loss)[0]!, far! / 8 + 7 * near! / 8, 1e-12);
});

Deno.test("combineMetaGradients() gives what parts have for themselves the method's own weights", () => {
  const to = (target: number) => (x: Tensor, scale: Tensor) =>
    add(square(sub(x, target)), square(scale));
  const part = (target: number) =>
    maml({ inner: to(target), outer: to(target) }, {
      ...{ innerSteps: 1, optimizer: sgd(), innerRate: 0.25 },
    });
  const one = () => ({ support: constant([1]), query: constant([1]), constants: {} });
  const shared = () => ({ far: constant(3), near: constant(5) });
  const slopes = (weighting?: Weighting) => {
    const combined = combineMetaGradients(
      { far: part(-9), near: part(1) },
      weighting ? { weighting } : {},
    );
    const { grads, weights } = combined(
      { params: constant(0), shared: shared(), rates: { far: {}, near: {} } },
      { far: one(), near: one() },
      randomKey(0),
    );
    return { weights: valuesOf(weights), own: [grads.shared.far, grads.shared.near].map(valuesOf) };
  };
  // Half of the slopes 6 and 10, as without a method; of a weighted loss by its weights.
  assertEquals(slopes().own, [[3], [5]]);
  assertEquals(slopes(mgda()).own, [[3], [5]]);
  const nash = slopes(nashMtl());
  assertNear(nash.own.flat(), [6 * nash.weights[0]!, 10 * nash.weights[1]!], 1e-12);
});

Deno.test("combineMetaGradients() hands the state of a method on and wants it", () => {
  const weighting = famo();
  const combined = meta(weighting);
  assertThrows(() => combined(...metaArgs()), TypeError, "without its state");
  const first = combined(...metaArgs(), weighting.init(2));
  const after = constant(valuesOf(first.parts.far.loss).concat(0.5));
  const observed = weighting.observe!(first.weighting, after);
  const second = combined(...metaArgs(), frozen(observed));
  assert(valuesOf(second.weights)[0]! > valuesOf(first.weights)[0]!);
  const far = maml({ inner: outer(1), outer: outer(1) }, {
    innerSteps: 1,
    innerRate: 1,
    optimizer: sgd(),
  });
  assertThrows(
    () => combineMetaGradients({ far }, { weighting, weights: { far: 1 } }),
    TypeError,
    "found fixed weights and the method 'famo'",
  );
});

/** Three steps of every method, compared with the reference in float64. */
async function assertTrains(engine: Engine): Promise<void> {
  const methods = [
    equalWeighting(),
    uncertaintyWeighting(),
    gradNorm(),
    famo(),
    pcGrad(),
    mgda(),
    nashMtl(),
    normalizeWeights(nashMtl(), { to: "length" }),
    alignedMtl(),
    caGrad(),
    dbMtl(),
    excessMtl(),
    gradDrop(),
    imtl(),
    moCo(),
    moDo(),
    upGrad(),
  ];
  const reference = await openEngine("reference", { float64: true });
  for (const weighting of methods) {
    const options = { weighting, optimizer: adam(), shared: isShared, split: halves };
    const step = multiTaskStep(losses, options);
    const initial = () => multiTaskInit(start(), losses, options);
    const run = async (on: Engine) => {
      const begin = on.jit(initial);
      const next = on.jit((training: MultiTaskTraining<Net>, key: Tensor) => {
        const { training: after, weights } = step(training, batch(), key, { rate: 0.05 });
        return { after, weights };
      });
      const key = await on.jit(() => randomKey(1))();
      let training = await begin();
      const weights: number[] = [];
      for (let k = 0; k < 3; k++) {
        const result = await next(training, key);
        weights.push(...(await on.read(result.weights)).data);
        training = result.after;
      }
      return [...weights, ...(await on.read(training.params.body)).data];
    };
    const [found, expected] = [await run(engine), await run(reference)];
    expected.forEach((want, k) =>
      assertAlmostEquals(found[k]!, want, 2e-4 * (1 + Math.abs(want)), weighting.name)
    );
  }
  reference.close();
}

webgpuTest(
  "every method trains on WebGPU as on the reference",
  (gpu) => assertTrains(new Engine(new WebGpuBackend(gpu))),
);

Deno.test("every method trains on TensorFlow.js as on the reference", async () => {
  const engine = await openEngine("tfjs");
  try {
    await assertTrains(engine);
  } finally {
    engine.close();
  }
});
