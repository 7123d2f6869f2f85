import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Tensor } from "../src/ir/tensor.ts";
import { fomaml, guardMetaGradient, type GuardOptions, maml } from "../src/meta/mod.ts";
import { sgd } from "../src/optim/mod.ts";
import { add, matmul, mean, mul, sqrt, square, stopGradient, sum } from "../src/tensor/mod.ts";
import { flatten, unflatten } from "../src/tree/tree.ts";
import { numbers, runner, type Value, value } from "./meta/host.ts";
import { type Net, problem, problemData, problemMeta, type Shared } from "./meta/problem.ts";

type Outer = typeof problem.outer;

/** Options that guard the problem with another outer loss, evaluated by the interpreter. */
function guarding(
  { outer = problem.outer, make = maml, round = false, zero }: {
    readonly outer?: Outer;
    readonly make?: typeof maml;
    readonly round?: boolean;
    readonly zero?: string;
  } = {},
): GuardOptions {
  const random = numbers(31);
  const meta = flatten<Value>({ ...problemMeta(random), rates: {} });
  const data = problemData(random, { tasks: 2 });
  const key = value([2], [1, 2], "u32");
  const build = make<Net, Shared, unknown, never, never, never>({ ...problem, outer } as never, {
    innerSteps: 2,
    optimizer: sgd(),
    innerRate: 0.3,
  });
  const traced = runner<{ loss: Float64Array; grads: unknown }>((...args) => {
    const { loss, grads } = (build as (...args: never[]) => { loss: Tensor; grads: unknown })(
      ...args,
    );
    return { loss, grads };
  }, [unflatten(meta.structure, meta.leaves), data, key]);
  const start = meta.leaves.map(({ array }, k) =>
    meta.paths[k] === zero ? new Float64Array(array.data.length) : Float64Array.from(array.data)
  );
  return {
    meta: unflatten(meta.structure, start),
    order: build.order,
    evaluate: (moved) => {
      const leaves = flatten<Float64Array>(moved).leaves.map((data, k) =>
        value(meta.leaves[k]!.array.shape, round ? Float32Array.from(data) : data)
      );
      const { loss, grads } = traced.run(unflatten(meta.structure, leaves), data, key);
      return Promise.resolve({ loss: round ? Math.fround(loss[0]!) : loss[0]!, grads });
    },
  };
}

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
  const report = await guardMetaGradient({ ...guarding(), tolerance: 1e-5, largestStep: 1e-3 });
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
  assert(report.directional!.error < 1e-6);
});

Deno.test("guardMetaGradient() accepts float32 rounding at its default tolerance", async () => {
  for (const seed of [1, 2, 3]) {
    const { directional } = await guardMetaGradient({ ...guarding({ round: true }), seed });
    assert(directional!.error < 0.02, `relative error ${directional!.error}`);
  }
});

Deno.test("guardMetaGradient() names a parameter that is detached", async () => {
  const outer: Outer = ({ body }, _, { x }) =>
    mean(square(add(matmul(x, body.weight), stopGradient(body.bias))));
  await assertRejects(
    () => guardMetaGradient(guarding({ outer, make: fomaml as typeof maml })),
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
      "Cannot start meta-learning: the gradient of 'shared.heads.auxiliary.weight' gives a " +
        "directional derivative of ",
    ),
    error.message,
  );
});

Deno.test("guardMetaGradient() rejects a first-order gradient that claims to be exact", async () => {
  const options = guarding({ make: fomaml as typeof maml });
  const exempt = (path: string) => path.startsWith("shared");
  await assertRejects(
    () => guardMetaGradient({ ...options, order: "exact", exempt, tolerance: 0.01 }),
    Error,
    "finite differences of the outer loss give",
  );
});

Deno.test("guardMetaGradient() demands only non-zero gradients at first order", async () => {
  const options = guarding({ make: fomaml as typeof maml });
  assertEquals(options.order, "first");
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
  assert(directional!.error < 0.01);
});

Deno.test("guardMetaGradient() rejects gradients of another structure or size", async () => {
  const meta = { x: new Float64Array(2) };
  const evaluate = (grads: unknown) => () => Promise.resolve({ loss: 1, grads });
  await assertRejects(
    () => guardMetaGradient({ meta, order: "exact", evaluate: evaluate({}) }),
    Error,
    "the gradient of 'x' has no elements, expected 2",
  );
  const short = evaluate({ x: new Float64Array(1) });
  await assertRejects(
    () => guardMetaGradient({ meta, order: "exact", evaluate: short }),
    Error,
    "the gradient of 'x' has 1 elements, expected 2",
  );
});

Deno.test("guardMetaGradient() rejects an evaluation that draws new randomness", async () => {
  let calls = 0;
  const evaluate = (meta: unknown) => {
    const { x } = meta as { x: Float64Array };
    calls++;
    return Promise.resolve({
      loss: x[0]! ** 2 + Math.sin(calls * 12.9898),
      grads: { x: Float64Array.of(2 * x[0]!) },
    });
  };
  await assertRejects(
    () => guardMetaGradient({ meta: { x: Float64Array.of(3) }, order: "exact", evaluate }),
    Error,
    "the gradient of 'x' gives a directional derivative of 1",
  );
  assertAlmostEquals(calls, 1 + 2 * 2 * 6);
});
