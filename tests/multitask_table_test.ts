import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../src/ir/tensor.ts";
import * as multitask from "../src/multitask/mod.ts";
import type { Weighting } from "../src/multitask/mod.ts";
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
import { assertNear, frozen, gramOf, weigh } from "./multitask/weigh.ts";

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

Deno.test("every method of src/multitask has a row", () => {
  const exempt = [
    "combineGradients",
    "gramMatrix",
    "multiTaskGradient",
    "multiTaskStep",
    "multiTaskInit",
    "normalizeWeights",
    "weighGradients",
  ];
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
      assertEquals(Object.keys(state).sort(), Object.keys(before).sort());
      for (const [key, tensor] of Object.entries(state)) {
        assertEquals(tensor.shape, before[key]!.shape);
        assert(valuesOf(tensor).every(Number.isFinite));
      }
    }
  });

  Deno.test(`${name} has the scale that it says, and any other by normalizeWeights()`, () => {
    const rows = normal(randomKey(6), [3, 5]);
    const gram = gramOf(rows);
    const losses = constant([1, 2, 3]);
    const total = (of: Weighting) =>
      valuesOf(weigh(of, gram, { losses }).weights).reduce((a, b) => a + Math.abs(b), 0);
    const sums = { one: 1, tasks: 3, free: null };
    const own = sums[method.scale];
    if (own !== null) assertAlmostEquals(total(method), own, 1e-12);
    for (const to of ["one", "tasks"] as const) {
      const scaled = multitask.normalizeWeights(method, { to });
      assertEquals([scaled.name, scaled.scale], [name, to]);
      assertAlmostEquals(total(scaled), sums[to], 1e-12);
    }
    const long = weigh(multitask.normalizeWeights(method, { to: "length" }), gram, { losses });
    const even = Math.hypot(...valuesOf(matmul(constant([1 / 3, 1 / 3, 1 / 3]), rows)));
    assertAlmostEquals(Math.hypot(...valuesOf(matmul(long.weights, rows))) / even, 1, 1e-12);
    // The direction is the method's.
    const [a, b] = [valuesOf(long.weights), valuesOf(weigh(method, gram, { losses }).weights)];
    a.forEach((value, k) => assertAlmostEquals(value * b[0]!, a[0]! * b[k]!, 1e-9));
  });

  Deno.test(`${name} works on gradients of 1e-14 and 1e14`, () => {
    const gram = gramOf(normal(randomKey(7), [3, 5]));
    const losses = constant([1, 2, 3]);
    const shares = (scale: number): number[] => {
      let state = method.init(3);
      let weights: readonly number[] = [];
      for (let step = 0; step < 3; step++) {
        const result = weigh(method, mul(gram, scale * scale), { losses, state });
        weights = valuesOf(result.weights);
        state = frozen(result.state);
      }
      const total = weights.reduce((a, b) => a + b);
      return weights.map((weight) => weight / total);
    };
    const plain = shares(1);
    for (const scale of [1e-14, 1e14]) assertNear(shares(scale), plain, 1e-9);
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
