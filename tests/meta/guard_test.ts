import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { guardMetaGradient, type GuardOptions, type MetaOrder } from "../../src/meta/mod.ts";
import { metaGradientThrough } from "../../src/meta/meta_gradient.ts";
import { reverseStep } from "../../src/meta/reverse_step.ts";
import { sgd } from "../../src/optim/mod.ts";
import { add, matmul, mean, mul, sqrt, square, stopGradient, sum } from "../../src/tensor/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";
import { numbers, type Runner, runner, type Value, value } from "./host.ts";
import { type Net, problem, problemData, problemMeta, type Shared } from "./problem.ts";
import {
  afterTheStep,
  keysOfTheNextStep,
  type MakeReverseStep,
  scaledSecondOrder,
} from "./wrong_reverse_steps.ts";

type Outer = typeof problem.outer;
type LossAndGrads = { readonly loss: Float64Array; readonly grads: unknown };

/** Options that guard the problem with another outer loss, evaluated by the interpreter. */
function guarding(
  { outer = problem.outer, reverse = reverseStep, order = "exact", round = false, zero }: {
    readonly outer?: Outer;
    readonly reverse?: MakeReverseStep;
    readonly order?: MetaOrder;
    readonly round?: boolean;
    readonly zero?: string;
  } = {},
): GuardOptions {
  const random = numbers(31);
  const meta = flatten<Value>({ ...problemMeta(random), rates: {} });
  const data = problemData(random, { tasks: 2 });
  const key = value([2], [1, 2], "u32");
  const of = (order: MetaOrder) =>
    runner<LossAndGrads>((...args: never[]) => {
      const evaluate = metaGradientThrough<Net, Shared, unknown, never, never, never>(
        reverse,
        { ...problem, outer } as never,
        { innerSteps: 2, optimizer: sgd(), innerRate: 0.3, order },
      );
      const { loss, grads } = evaluate(...args as unknown as Parameters<typeof evaluate>);
      return { loss, grads };
    }, [unflatten(meta.structure, meta.leaves), data, key]);
  const traced = { exact: of("exact"), first: of("first") };
  const start = meta.leaves.map(({ array }, k) =>
    meta.paths[k] === zero ? new Float64Array(array.data.length) : Float64Array.from(array.data)
  );
  const evaluate = (moved: readonly Float64Array[], { run }: Runner<LossAndGrads>) => {
    const leaves = moved.map((data, k) =>
      value(meta.leaves[k]!.array.shape, round ? Float32Array.from(data) : data)
    );
    const { loss, grads } = run(unflatten(meta.structure, leaves), data, key);
    return { loss: round ? Math.fround(loss[0]!) : loss[0]!, grads };
  };
  return {
    meta: unflatten(meta.structure, start),
    order,
    gradient: (wanted) => Promise.resolve(evaluate(start, traced[wanted])),
    loss: (moved) =>
      Promise.resolve(evaluate(flatten<Float64Array>(moved).leaves, traced.first).loss),
  };
}

/** What float64 resolves. */
const fine = { tolerance: 1e-5, resolution: 1e-7, largestStep: 1e-3 };

/** An outer loss with a term of the head's weight that derivatives do not see. */
function withHiddenTerm(of: (weight: Tensor) => Tensor): Outer {
  return (net, shared, batch, context) => {
    const { loss, metrics } = problem.outer(net, shared, batch, context) as {
      loss: Tensor;
      metrics: unknown;
    };
    return { loss: add(loss, of(net.head.weight)), metrics };
  };
}

Deno.test("guardMetaGradient() accepts a correct meta-gradient and reports every norm", async () => {
  const report = await guardMetaGradient({ ...guarding(), ...fine });
  assertEquals(Object.keys(report.norms), [
    "params.body.bias",
    "params.body.weight",
    "params.head.bias",
    "params.head.weight",
    "shared.heads.auxiliary.targets",
    "shared.heads.auxiliary.weight",
    "shared.weights.auxiliary",
  ]);
  assert(Object.values(report.norms).every((norm) => norm > 0));
  assertEquals(Object.keys(report.directional!), ["params", "shared"]);
  for (const { error } of Object.values(report.directional!)) assert(error < 1e-5);
});

Deno.test("guardMetaGradient() accepts float32 rounding at its default tolerance", async () => {
  for (const seed of [1, 2, 3]) {
    const { directional } = await guardMetaGradient({ ...guarding({ round: true }), seed });
    for (const { error } of Object.values(directional!)) assert(error < 0.05, `error ${error}`);
  }
});

Deno.test("guardMetaGradient() names a parameter that is detached", async () => {
  const outer: Outer = ({ body }, _, { x }) =>
    mean(square(add(matmul(x, body.weight), stopGradient(body.bias))));
  await assertRejects(
    () => guardMetaGradient(guarding({ outer, order: "first" })),
    Error,
    "the gradient of 'params.body.bias' is zero, expected a non-zero one",
  );
});

Deno.test("guardMetaGradient() names a parameter whose gradient is not finite", async () => {
  const outer = withHiddenTerm((weight) => sqrt(sum(square(mul(weight, 0)))));
  await assertRejects(
    () => guardMetaGradient(guarding({ outer })),
    Error,
    "' holds NaN, expected finite numbers",
  );
});

Deno.test("guardMetaGradient() rejects a loss that is not finite", async () => {
  const outer = withHiddenTerm((weight) => mul(sum(weight), Infinity));
  await assertRejects(
    () => guardMetaGradient(guarding({ outer })),
    Error,
    "Cannot start meta-learning: the outer loss is",
  );
});

Deno.test("guardMetaGradient() names a parameter whose gradient is wrong", async () => {
  // The value has the term, the derivative has not.
  const outer: Outer = (net, shared, batch, context) => {
    const hidden = stopGradient(sum(square(shared.heads.auxiliary.weight)));
    const { loss } = problem.outer(net, shared, batch, context) as { loss: Tensor };
    return add(loss, mul(hidden, 0.5));
  };
  const error = await assertRejects(() => guardMetaGradient(guarding({ outer })), Error);
  assert(
    error.message.startsWith(
      "Cannot start meta-learning: the gradient of 'shared.heads.auxiliary.weight' is wrong: it " +
        "gives a directional derivative of ",
    ),
    error.message,
  );
});

const isShared = (path: string) => path.startsWith("direct.shared.");
const WRONG: Record<string, MakeReverseStep> = {
  "second order times 0.9": scaledSecondOrder(0.9),
  "second order times 0.999": scaledSecondOrder(0.999),
  "the Hessian term times 0.9": scaledSecondOrder(0.9, (path) => path.startsWith("fast.")),
  "the Hessian term of one bias times 0.9": scaledSecondOrder(
    0.9,
    (path) => path === "fast.body.bias",
  ),
  "the mixed terms times 0.9": scaledSecondOrder(0.9, isShared),
  "no Hessian term": scaledSecondOrder(0, (path) => path.startsWith("fast.")),
  "a Hessian term times 0.0001": scaledSecondOrder(1e-4, (path) => path.startsWith("fast.")),
  "no mixed term of a weight": scaledSecondOrder(0, (path) => path.endsWith("auxiliary.weight")),
  "second order at the weights after the step": afterTheStep,
  "the randomness of another step": keysOfTheNextStep,
};
for (const [name, reverse] of Object.entries(WRONG)) {
  Deno.test(`guardMetaGradient() rejects a wrong way back: ${name}`, async () => {
    await assertRejects(
      () => guardMetaGradient({ ...guarding({ reverse }), ...fine }),
      Error,
      "is wrong: it gives a directional derivative",
    );
  });
}

Deno.test("guardMetaGradient() judges every group, and blames a parameter of it", async () => {
  // A tenth of what second order adds to one weight, itself a small part of the whole gradient.
  const reverse = scaledSecondOrder(0.9, (path) => path.endsWith("auxiliary.weight"));
  const options = { ...guarding({ reverse }), ...fine };
  await assertRejects(
    () => guardMetaGradient(options),
    Error,
    "the gradient of 'shared.heads.auxiliary.weight' is wrong",
  );
  const groupOf = (path: string) => path.endsWith("weight") ? "weights" : "others";
  await assertRejects(
    () => guardMetaGradient({ ...options, groupOf }),
    Error,
    "the gradient of 'shared.heads.auxiliary.weight' is wrong",
  );
});

Deno.test("guardMetaGradient() neither moves nor blames what is exempt", async () => {
  const reverse = scaledSecondOrder(0.9, (path) => path.endsWith("auxiliary.weight"));
  const options = { ...guarding({ reverse }), ...fine };
  const exempt = (path: string) => path === "shared.heads.auxiliary.weight";
  const { directional } = await guardMetaGradient({ ...options, exempt });
  assert(directional!["shared"]!.error < 1e-5);
  const wrong = guarding({ reverse: scaledSecondOrder(0.9) });
  const error = await assertRejects(
    () => guardMetaGradient({ ...wrong, ...fine, exempt: (path) => path !== "params.head.weight" }),
    Error,
  );
  assertStringIncludes(error.message, "the gradient of 'params.head.weight' is wrong");
});

Deno.test("guardMetaGradient() refuses to judge a second order below its resolution", async () => {
  // Adapted by a rate of 1e-7: the correction is a ten-millionth of the gradient.
  const adapted = (x: number) => x - 1e-7 * 2 * x;
  const loss = (x: number) => (adapted(x) - 1) ** 2;
  const gradient = (order: MetaOrder) => {
    const x = Float64Array.of(2 * (adapted(3) - 1) * (order === "exact" ? 1 - 2e-7 : 1));
    return Promise.resolve({ loss: loss(3), grads: { x } });
  };
  await assertRejects(
    () =>
      guardMetaGradient({
        meta: { x: Float64Array.of(3) },
        order: "exact",
        gradient,
        loss: (meta) => Promise.resolve(loss((meta as { x: Float64Array }).x[0]!)),
        ...{ tolerance: 1e-3, resolution: 1e-6, largestStep: 1e-4 },
      }),
    Error,
    "second order is only",
  );
});

Deno.test("guardMetaGradient() demands only non-zero gradients at first order", async () => {
  const options = guarding({ order: "first" });
  await assertRejects(
    () => guardMetaGradient(options),
    Error,
    "the gradient of 'shared.heads.auxiliary.targets' is zero",
  );
  const exempt = (path: string) => path.startsWith("shared");
  const { directional, norms } = await guardMetaGradient({ ...options, exempt });
  assertEquals(directional, null);
  assertEquals(norms["shared.weights.auxiliary"], 0);
});

Deno.test("guardMetaGradient() moves parameters that start at zero", async () => {
  const options = guarding({ zero: "params.head.bias" });
  const { directional } = await guardMetaGradient(options);
  assert(directional!["params"]!.error < 0.05);
});

Deno.test("guardMetaGradient() rejects gradients of another structure or size", async () => {
  const guard = (exact: unknown, first: unknown = exact) =>
    guardMetaGradient({
      meta: { x: new Float64Array(2) },
      order: "exact",
      gradient: (order) => Promise.resolve({ loss: 1, grads: order === "exact" ? exact : first }),
      loss: () => Promise.resolve(1),
    });
  const short = { x: new Float64Array(1) };
  await assertRejects(() => guard({}), Error, "the gradient of 'x' has no elements, expected 2");
  await assertRejects(() => guard(short), Error, "the gradient of 'x' has 1 elements, expected 2");
  await assertRejects(
    () => guard({ x: Float64Array.of(1, 1) }, short),
    Error,
    "the gradient of 'x' has 1 elements, expected 2",
  );
});

Deno.test("guardMetaGradient() rejects an evaluation that draws new randomness", async () => {
  let calls = 0;
  await assertRejects(
    () =>
      guardMetaGradient({
        meta: { x: Float64Array.of(3) },
        order: "exact",
        gradient: () => Promise.resolve({ loss: 9, grads: { x: Float64Array.of(6) } }),
        loss: (meta) => {
          const { x } = meta as { x: Float64Array };
          calls++;
          return Promise.resolve(x[0]! ** 2 + Math.sin(calls * 12.9898));
        },
      }),
    Error,
    "the gradient of 'x' is wrong: it gives a directional derivative of 1",
  );
  // Six steps along two directions for the group, six for its only member.
  assertEquals(calls, 3 * 2 * 6);
});

Deno.test("guardMetaGradient() takes two losses a group where all is well", async () => {
  let calls = 0;
  const options = guarding();
  await guardMetaGradient({
    ...{ ...options, ...fine },
    loss: (meta) => {
      calls++;
      return options.loss(meta);
    },
  });
  assertEquals(calls, 2 * 2);
});
