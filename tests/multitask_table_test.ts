import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../src/ir/tensor.ts";
import * as multitask from "../src/multitask/mod.ts";
import type { Weighting, WeightingState } from "../src/multitask/mod.ts";
import { normal, randomKey } from "../src/random/mod.ts";
import {
  constant,
  div,
  eye,
  matmul,
  mul,
  slice,
  stack,
  transpose,
  valuesOf,
} from "../src/tensor/mod.ts";
import { vmap } from "../src/transform/mod.ts";

const { combineGradients, gramMatrix } = multitask;

interface Row {
  readonly method: Weighting;
  /** Weights of two orthogonal gradients of length 1 with losses 1, at the first step. */
  readonly start: readonly number[];
  /** Of (1, 0) and (1, 1), which agree. */
  readonly aligned: readonly number[] | null;
  /** Of (1, 0) and (-1, 1), which conflict. */
  readonly conflicting: readonly number[] | null;
  /** Whether the combined gradient is the same when one task's loss and gradient are scaled. */
  readonly scaleInvariant: boolean;
  /** Whether the combined gradient never opposes a task's own. */
  readonly harmless: boolean;
}

const half = [0.5, 0.5];
const ROWS: readonly Row[] = [
  {
    method: multitask.equalWeighting(),
    start: half,
    aligned: half,
    conflicting: half,
    scaleInvariant: false,
    harmless: false,
  },
  {
    method: multitask.uncertaintyWeighting(),
    start: half,
    aligned: half,
    conflicting: half,
    scaleInvariant: false,
    harmless: false,
  },
  {
    method: multitask.gradNorm({ rate: 0 }),
    start: [1, 1],
    aligned: [1, 1],
    conflicting: [1, 1],
    scaleInvariant: false,
    harmless: false,
  },
  {
    method: multitask.famo(),
    start: half,
    aligned: half,
    conflicting: half,
    scaleInvariant: true,
    harmless: false,
  },
  {
    method: multitask.pcGrad(),
    start: [1, 1],
    aligned: [1, 1],
    // (1, 0) loses its part along (-1, 1), and the other way round: (1/2, 1/2) + (0, 1).
    conflicting: [2, 1.5],
    scaleInvariant: false,
    harmless: true,
  },
  {
    method: multitask.mgda(),
    start: half,
    // The shortest vector between (1, 0) and (1, 1) is (1, 0) itself.
    aligned: [1, 0],
    // 1.5 - 0.5: (3/5) (1, 0) + (2/5) (-1, 1) = (1/5, 2/5).
    conflicting: [0.6, 0.4],
    scaleInvariant: false,
    harmless: true,
  },
  {
    method: multitask.nashMtl(),
    start: [1, 1],
    aligned: null,
    conflicting: null,
    scaleInvariant: true,
    harmless: true,
  },
];

function weigh(
  method: Weighting,
  gram: Tensor,
  given: { losses?: Tensor; state?: WeightingState; seed?: number } = {},
) {
  const tasks = gram.shape[0]!;
  return method.weigh({
    losses: given.losses ?? constant(new Array(tasks).fill(1)),
    gram,
    state: given.state ?? method.init(tasks),
    ...(method.needsKey ? { key: randomKey(given.seed ?? 0) } : {}),
  });
}

function gramOf(rows: Tensor): Tensor {
  return matmul(rows, transpose(rows));
}

function assertNear(
  actual: readonly number[],
  expected: readonly number[],
  tolerance = 1e-9,
): void {
  assertEquals(actual.length, expected.length);
  actual.forEach((value, k) => assertAlmostEquals(value, expected[k]!, tolerance));
}

Deno.test("every method of src/multitask has a row", () => {
  const exempt = ["combineGradients", "gramMatrix"];
  const methods = Object.keys(multitask).filter((name) => !exempt.includes(name));
  assertEquals(methods.length, ROWS.length);
  assertEquals(new Set(ROWS.map(({ method }) => method.name)).size, ROWS.length);
});

for (const row of ROWS) {
  const { method } = row;
  const { name } = method;

  Deno.test(`${name} weighs aligned and conflicting gradients as its paper says`, () => {
    const cases = [
      [[[1, 0], [0, 1]], row.start],
      [[[1, 0], [1, 1]], row.aligned],
      [[[1, 0], [-1, 1]], row.conflicting],
    ] as const;
    for (const [gradients, expected] of cases) {
      if (expected) {
        assertNear(valuesOf(weigh(method, gramOf(constant(gradients))).weights), expected);
      }
    }
  });

  Deno.test(`${name} gives finite weights that are not negative, also for zero gradients`, () => {
    for (const gram of [gramOf(normal(randomKey(1), [4, 6])), mul(eye(3), 0)]) {
      const { weights, state } = weigh(method, gram);
      assertEquals(weights.shape, [gram.shape[0]!]);
      assert(valuesOf(weights).every((value) => Number.isFinite(value) && value >= 0));
      const before = method.init(gram.shape[0]!);
      assertEquals(Object.keys(state), Object.keys(before));
      for (const [key, tensor] of Object.entries(state)) {
        assertEquals(tensor.shape, before[key]!.shape);
        assert(valuesOf(tensor).every(Number.isFinite));
      }
    }
  });

  Deno.test(`${name} ${row.scaleInvariant ? "ignores" : "heeds"} the scale of a loss`, () => {
    const rows = normal(randomKey(2), [3, 5]);
    const losses = constant([1, 2, 3]);
    const scale = constant([1, 10, 1]);
    const combined = (factor: Tensor): number[] => {
      const scaled = mul(rows, transpose(stack([factor])));
      const { weights } = weigh(method, gramOf(scaled), { losses: mul(losses, factor) });
      const direction = valuesOf(matmul(weights, scaled));
      const length = Math.hypot(...direction);
      return direction.map((value) => value / length);
    };
    const [plain, scaled] = [combined(div(scale, scale)), combined(scale)];
    if (row.scaleInvariant) assertNear(scaled, plain, 1e-6);
    else assert(Math.max(...plain.map((value, k) => Math.abs(value - scaled[k]!))) > 1e-2);
  });

  Deno.test(`${name} ${row.harmless ? "never" : "may"} oppose one of two tasks`, () => {
    const opposed = [1, 2, 3, 4, 5].flatMap((seed) => {
      // Strongly conflicting, of very different length.
      const rows = mul(normal(randomKey(seed), [2, 2]), constant([[1], [8]]));
      const gram = gramOf(rows);
      if (valuesOf(gram)[1]! > 0) return [];
      const products = valuesOf(matmul(gram, weigh(method, gram).weights));
      return [Math.min(...products) < -1e-6];
    });
    assert(opposed.length >= 2, "no conflict was drawn");
    assertEquals(opposed.some((is) => is), !row.harmless);
  });

  Deno.test(`${name} of mapped inputs is the method one by one`, () => {
    const grams = [1, 2].map((seed) => gramOf(normal(randomKey(seed), [3, 5])));
    const losses = constant([1, 2, 3]);
    const mapped = vmap((gram: Tensor) => weigh(method, gram, { losses }).weights)(stack(grams));
    const alone = grams.flatMap((gram) => valuesOf(weigh(method, gram, { losses }).weights));
    assertNear(valuesOf(mapped), alone, 1e-12);
  });
}

function frozen(state: WeightingState): WeightingState {
  return Object.fromEntries(
    Object.entries(state).map(([name, tensor]) => [
      name,
      constant(valuesOf(tensor), { shape: tensor.shape }),
    ]),
  );
}

/** Weights after many calls with the same or changing losses. */
function after(
  method: Weighting,
  steps: number,
  at: (step: number) => { losses: Tensor; gram: Tensor },
): number[] {
  let state = method.init(at(0).losses.shape[0]!);
  let weights: Tensor | undefined;
  for (let step = 0; step < steps; step++) {
    const { losses, gram } = at(step);
    const result = weigh(method, gram, { losses, state });
    weights = result.weights;
    state = frozen(result.state);
  }
  return valuesOf(weights!);
}

Deno.test("uncertaintyWeighting() comes to rest at 1 / (2 loss)", () => {
  const losses = constant([0.5, 4]);
  const weights = after(
    multitask.uncertaintyWeighting({ rate: 0.2 }),
    200,
    () => ({ losses, gram: eye(2) }),
  );
  assertNear(weights, [1, 0.125], 1e-3);
});

Deno.test("gradNorm() equalizes norms and favours slow tasks", () => {
  const losses = constant([1, 1]);
  const gram = constant([[9, 0], [0, 1]]);
  const weights = after(multitask.gradNorm({ rate: 0.01 }), 300, () => ({ losses, gram }));
  assertAlmostEquals(weights[0]! * 3, weights[1]!, 0.1);
  assertAlmostEquals(weights[0]! + weights[1]!, 2, 1e-9);
  const slow = after(multitask.gradNorm({ rate: 0.01 }), 300, (step) => ({
    losses: constant(step === 0 ? [1, 1] : [1, 0.5]),
    gram: eye(2),
  }));
  assert(slow[0]! > slow[1]! + 0.1, `weights ${slow}`);
});

Deno.test("famo() moves weight to the task whose loss falls more slowly", () => {
  const weights = after(multitask.famo({ rate: 1 }), 10, (step) => ({
    losses: constant([1, 0.8 ** step]),
    gram: eye(2),
  }));
  const last = 0.8 ** 9;
  // Weight times loss is the share of the logarithm's gradient.
  assert(weights[0]! > weights[1]! * last * 1.5, `weights ${weights}`);
});

Deno.test("nashMtl() solves gram a = 1 / a", () => {
  const gram = gramOf(normal(randomKey(3), [4, 6]));
  const { weights } = weigh(multitask.nashMtl(), gram);
  const left = valuesOf(matmul(gram, weights));
  assertNear(left, valuesOf(div(1, weights)), 1e-6);
});

Deno.test("mgda() finds the shortest combination", () => {
  const rows = normal(randomKey(4), [4, 6]);
  const gram = gramOf(rows);
  const { weights } = weigh(multitask.mgda({ iterations: 400 }), gram);
  const products = valuesOf(matmul(gram, weights));
  const best = valuesOf(matmul(weights, matmul(gram, weights)))[0]!;
  assertAlmostEquals(valuesOf(weights).reduce((a, b) => a + b), 1, 1e-12);
  // Optimal: no gradient has a smaller product with the combination than the combination itself.
  for (const product of products) assert(product > best - 1e-2 * best, `${product} < ${best}`);
});

Deno.test("pcGrad() projects in an order drawn from the key", () => {
  const rows = constant([[1, 0, 0.2], [-0.8, 0.6, 0], [-0.5, -0.7, 0.4]]);
  const results = new Set(
    [0, 1, 2, 3, 4, 5, 6, 7].map((seed) =>
      valuesOf(weigh(multitask.pcGrad(), gramOf(rows), { seed }).weights).map((v) => v.toFixed(6))
        .join()
    ),
  );
  assert(results.size > 1);
  // Algorithm 1 by hand, over all orders of the two other tasks for each task.
  const plain = [[1, 0, 0.2], [-0.8, 0.6, 0], [-0.5, -0.7, 0.4]];
  const dot = (a: number[], b: number[]): number => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
  const project = (own: number, others: number[]): number[] =>
    others.reduce((g, j) => {
      const along = Math.min(0, dot(g, plain[j]!) / dot(plain[j]!, plain[j]!));
      return g.map((x, k) => x - along * plain[j]![k]!);
    }, plain[own]!);
  const orders = [[[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]]];
  const possible = orders[0]!.flatMap((a) =>
    orders[1]!.flatMap((b) =>
      orders[2]!.map((c) =>
        [project(0, a), project(1, b), project(2, c)].reduce((x, y) => x.map((v, k) => v + y[k]!))
      )
    )
  );
  for (let seed = 0; seed < 8; seed++) {
    const { weights } = weigh(multitask.pcGrad(), gramOf(rows), { seed });
    const found = valuesOf(matmul(weights, rows));
    const nearest = Math.min(
      ...possible.map((option) => Math.hypot(...option.map((value, k) => value - found[k]!))),
    );
    assert(nearest < 1e-9, `seed ${seed}: ${found}`);
  }
});

Deno.test("gramMatrix() and combineGradients() work on trees", () => {
  const rows = normal(randomKey(5), [3, 6]);
  const trees = [0, 1, 2].map((k) => ({
    a: slice(rows, [k, [0, 2]]),
    b: { c: slice(rows, [k, [2, 6]]) },
  }));
  assertNear(valuesOf(gramMatrix(trees)), valuesOf(gramOf(rows)), 1e-12);
  const combined = combineGradients(trees, constant([1, -2, 0.5]));
  const expected = valuesOf(matmul(constant([1, -2, 0.5]), rows));
  assertNear([...valuesOf(combined.a), ...valuesOf(combined.b.c)], expected, 1e-12);
  assertThrows(() => gramMatrix([]), TypeError, "found none");
  assertThrows(() => gramMatrix([{ a: rows }, { b: rows }]), TypeError, "Cannot combine gradients");
  assertThrows(() => combineGradients(trees, constant([1])), TypeError, "expected f32[3]");
  assertThrows(
    () => multitask.pcGrad().weigh({ losses: constant([1]), gram: eye(1), state: {} }),
    TypeError,
    "without a random key",
  );
  assertThrows(
    () => multitask.mgda().weigh({ losses: constant([1, 1]), gram: eye(3), state: {} }),
    TypeError,
    "Cannot weigh tasks by MGDA",
  );
});
