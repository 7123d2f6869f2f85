import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  adam,
  adamW,
  clipByGlobalNorm,
  constantSchedule,
  cosineSchedule,
  globalNorm,
  momentum,
  type Optimizer,
  rmsProp,
  sgd,
  stepSchedule,
  withClipping,
  withWeightDecay,
} from "../../src/optim/mod.ts";
import {
  add,
  constant,
  mul,
  sin,
  square,
  sub,
  sum,
  valuesOf,
  zeros,
} from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { f32 } from "../cases/case.ts";
import { assertForward, assertVectorized, gradientOf } from "../cases/laws.ts";
import { subjectFrom } from "../tensor/fixtures.ts";

/** A scalar step, written as in the paper: gradient, parameter, rate and memory to parameter. */
type Plain = () => (g: number, p: number, rate: number) => number;

interface Row {
  readonly name: string;
  readonly optimizer: Optimizer;
  /** The same for one number, in plain arithmetic. */
  readonly plain: Plain;
}

function plainAdam(decoupled: number): Plain {
  return () => {
    let [m, v, t] = [0, 0, 0];
    return (g, p, rate) => {
      t++;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      const step = m / (1 - 0.9 ** t) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
      return p - rate * decoupled * p - rate * step;
    };
  };
}

const ROWS: readonly Row[] = [
  { name: "sgd", optimizer: sgd(), plain: () => (g, p, rate) => p - rate * g },
  {
    name: "momentum",
    optimizer: momentum({ decay: 0.8 }),
    plain: () => {
      let v = 0;
      return (g, p, rate) => p - rate * (v = 0.8 * v + g);
    },
  },
  {
    name: "momentum of Nesterov",
    optimizer: momentum({ decay: 0.8, nesterov: true }),
    plain: () => {
      let v = 0;
      return (g, p, rate) => {
        v = 0.8 * v + g;
        return p - rate * (0.8 * v + g);
      };
    },
  },
  { name: "adam", optimizer: adam(), plain: plainAdam(0) },
  { name: "adamW", optimizer: adamW({ weightDecay: 0.3 }), plain: plainAdam(0.3) },
  {
    name: "rmsProp",
    optimizer: rmsProp({ decay: 0.9 }),
    plain: () => {
      let s = 0;
      return (g, p, rate) => p - rate * g / (Math.sqrt(s = 0.9 * s + 0.1 * g * g) + 1e-8);
    },
  },
  {
    name: "rmsProp centered, with momentum",
    optimizer: rmsProp({ decay: 0.8, epsilon: 1e-2, centered: true, momentum: 0.5 }),
    plain: () => {
      let [s, m, v] = [0, 0, 0];
      return (g, p, rate) => {
        s = 0.8 * s + 0.2 * g * g;
        m = 0.8 * m + 0.2 * g;
        v = 0.5 * v + g / (Math.sqrt(s - m * m) + 1e-2);
        return p - rate * v;
      };
    },
  },
  {
    name: "sgd with weight decay",
    optimizer: withWeightDecay(sgd(), { decay: 0.2 }),
    plain: () => (g, p, rate) => p - rate * (g + 0.2 * p),
  },
];

for (const { name, optimizer, plain } of ROWS) {
  Deno.test(`${name} takes the steps of its paper`, () => {
    const grads = [[0.5, -2], [1, 0.25], [0, 3], [-1, 1]];
    let params = { a: constant(1), b: { c: constant([-2]) } };
    let state = optimizer.init(params);
    const steps = [plain(), plain()];
    const expected = [1, -2];
    grads.forEach(([a, c], t) => {
      const rate = 0.1 / (t + 1);
      const tree = { a: constant(a!), b: { c: constant([c!]) } };
      ({ params, state } = optimizer.update(tree, state, params, { rate }));
      [a!, c!].forEach((g, k) => expected[k] = steps[k]!(g, expected[k]!, rate));
      const found = [valuesOf(params.a)[0]!, valuesOf(params.b.c)[0]!];
      found.forEach((value, k) => assertAlmostEquals(value, expected[k]!, 1e-12));
    });
    const count = flatten<Tensor>(state).leaves.length;
    assertEquals(count, flatten<Tensor>(optimizer.init(params)).leaves.length);
  });

  Deno.test(`${name} is differentiable through its steps, in parameters, gradients and rate`, () => {
    // Three steps on sum(sin(p)^2 + q p): a gradient that depends on the parameters.
    const subject = subjectFrom({
      name,
      operands: [f32([3], 0.5, 1.2), f32([3], 0.5, 2), f32([], 0.05, 0.2)],
      build: (start, slope, rate) => {
        const loss = (params: { p: Tensor }): Tensor =>
          sum(add(square(sin(params.p)), mul(slope!, params.p)));
        let params = { p: start! };
        let state = optimizer.init(params);
        for (let step = 0; step < 3; step++) {
          const grads = grad(loss)(params);
          ({ params, state } = optimizer.update(grads, state, params, { rate: rate! }));
        }
        return params.p;
      },
    });
    assertForward(subject, 1e-7);
    assertForward(gradientOf(subject), 1e-5);
    assertVectorized(subject, [subject.point, subject.point], [true, false, true]);
  });

  Deno.test(`${name} stays finite, with its derivatives, where the gradient is 0`, () => {
    const after = (p: Tensor): Tensor => {
      const params = { p };
      const grads = { p: mul(p, 0) };
      const state = optimizer.init(params);
      return sum(optimizer.update(grads, state, params, { rate: 0.1 }).params.p);
    };
    assert(valuesOf(after(constant([0, 2]))).every(Number.isFinite));
    assert(valuesOf(grad(after)(constant([0, 2]))).every(Number.isFinite));
  });

  Deno.test(`${name} descends a quadratic`, () => {
    let params = { p: constant([3, -2]) };
    let state = optimizer.init(params);
    for (let step = 0; step < 80; step++) {
      const current = { p: constant(valuesOf(params.p)) };
      const loss = ({ p }: { p: Tensor }): Tensor => sum(square(sub(p, 1)));
      const kept = Object.fromEntries(
        Object.entries(state).map(([key, tree]) => [key, frozen(tree)]),
      );
      ({ params, state } = optimizer.update(grad(loss)(current), kept, current, { rate: 0.1 }));
    }
    const distance = Math.max(...valuesOf(params.p).map((value) => Math.abs(value - 1)));
    assert(distance < 0.6, `distance ${distance} of 3 is left`);
  });
}

Deno.test("rmsProp() takes the steps of PyTorch's RMSprop", () => {
  // torch.optim.RMSprop 2.13 in float64, rate 0.05, gradients cos(k + [0, 1]) for k = 0 to 4.
  const rows: readonly [Parameters<typeof rmsProp>[0], readonly number[]][] = [
    [{}, [0.9485721803508892, -1.6434131542024109]],
    [{ decay: 0.9, centered: true }, [0.9850962998958213, -1.8799038909078218]],
    [{ momentum: 0.9, epsilon: 1e-3 }, [-0.5790254317718809, -1.5122066273609562]],
    [{ decay: 0.8, centered: true, momentum: 0.5 }, [0.8897426296696413, -1.8455437348118227]],
  ];
  for (const [options, expected] of rows) {
    const optimizer = rmsProp(options);
    let params = { p: constant([1, -2]) };
    let state = optimizer.init(params);
    for (let k = 0; k < 5; k++) {
      const grads = { p: constant([Math.cos(k), Math.cos(k + 1)]) };
      ({ params, state } = optimizer.update(grads, state, params, { rate: 0.05 }));
    }
    valuesOf(params.p).forEach((value, k) => assertAlmostEquals(value, expected[k]!, 1e-12));
  }
});

function frozen(tree: unknown): unknown {
  if (typeof tree === "object" && tree !== null && !("node" in tree)) {
    return Object.fromEntries(Object.entries(tree).map(([key, inner]) => [key, frozen(inner)]));
  }
  const tensor = tree as Tensor;
  return constant(valuesOf(tensor), { shape: tensor.shape });
}

Deno.test("rates may be one for each parameter", () => {
  const params = { a: constant([1, 1]), b: constant(1) };
  const grads = { a: constant([1, 1]), b: constant(1) };
  const rate = { a: constant([0.25, 0.5]), b: constant(0.125) };
  const updated = sgd().update(grads, {}, params, { rate }).params;
  assertEquals([valuesOf(updated.a), valuesOf(updated.b)], [[0.75, 0.5], [0.875]]);
  assertThrows(
    () => sgd().update(grads, {}, params, { rate: { a: constant(1) } }),
    TypeError,
    "Cannot use a tree of learning rates",
  );
});

Deno.test("clipByGlobalNorm() shortens long gradients only, and finite at 0", () => {
  const grads = { a: constant([3]), b: constant([[4]]) };
  assertEquals(valuesOf(globalNorm(grads)), [5]);
  const long = clipByGlobalNorm(grads, { maxNorm: 2.5 });
  assertEquals([valuesOf(long.a), valuesOf(long.b)], [[1.5], [2]]);
  const short = clipByGlobalNorm(grads, { maxNorm: 6 });
  assertEquals([valuesOf(short.a), valuesOf(short.b)], [[3], [4]]);
  const slope = grad((a: Tensor) => sum(clipByGlobalNorm({ a }, { maxNorm: 1 }).a))(zeros([2]));
  assertEquals(valuesOf(slope), [1, 1]);
  const clipped = withClipping(momentum(), { maxNorm: 2.5 });
  const { state } = clipped.update(grads, clipped.init(grads), grads, { rate: 1 });
  assertEquals(valuesOf((state["velocity"] as typeof grads).a), [1.5]);
  assertThrows(() => clipByGlobalNorm(grads, { maxNorm: 0 }), RangeError, "expected it above 0");
  assertThrows(() => globalNorm({}), TypeError, "found no tensor");
});

Deno.test("schedules rise, fall and stay as told", () => {
  const rate = cosineSchedule({ peak: 2, steps: 12, warmup: 4, floor: 0.5 });
  assertEquals([0, 1, 2, 3].map(rate), [0.5, 1, 1.5, 2]);
  assertAlmostEquals(rate(7), 1.25);
  // The last step is 11.
  assertEquals([rate(11), rate(12), rate(99)], [0.5, 0.5, 0.5]);
  for (let step = 3; step < 11; step++) assert(rate(step) > rate(step + 1));
  assertAlmostEquals(stepSchedule({ rate: 1, milestones: [2, 5] })(5), 0.01);
  assertThrows(() => cosineSchedule({ peak: 1, steps: 4, warmup: 4 }), RangeError, "steps 4");
});

Deno.test("cosineSchedule() has its peak and its floor at one step each, whatever the lengths", () => {
  for (const warmup of [0, 1, 2, 5]) {
    for (const steps of [warmup + 2, warmup + 3, 40]) {
      const rate = cosineSchedule({ peak: 3, steps, warmup, floor: 0.25 });
      const rates = Array.from({ length: steps }, (_, step) => rate(step));
      const name = `steps ${steps}, warm-up ${warmup}`;
      assertEquals(rates.filter((value) => value === 3).length, 1, name);
      assertEquals(rates.indexOf(3), Math.max(0, warmup - 1), name);
      assertEquals(rates.indexOf(0.25), steps - 1, name);
    }
  }
  // PyTorch 2.13, CosineAnnealingLR(T_max=4, eta_min=0.1) of rate 1: the rates of five steps.
  const torch = [1, 0.8681980515339464, 0.55, 0.23180194846605365, 0.1];
  const rate = cosineSchedule({ peak: 1, steps: 5, floor: 0.1 });
  torch.forEach((expected, step) => assertAlmostEquals(rate(step), expected, 1e-12));
  assertEquals(cosineSchedule({ peak: 1, steps: 1 })(0), 1);
});

Deno.test("schedules refuse rates and steps that make no sense", () => {
  assertThrows(() => constantSchedule(NaN), RangeError, "the rate NaN");
  assertThrows(() => cosineSchedule({ peak: -1, steps: 4 }), RangeError, "the peak -1");
  assertThrows(() => cosineSchedule({ peak: 1, steps: 4, floor: Infinity }), RangeError, "floor");
  assertThrows(() => stepSchedule({ rate: 1, milestones: [5, 5] }), RangeError, "a milestone 5");
  assertThrows(() => stepSchedule({ rate: 1, milestones: [5], factor: NaN }), RangeError, "factor");
});
