/** All weighting methods: one table, and what every method has to keep. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as multitask from "../../src/multitask/mod.ts";
import type { Weighting } from "../../src/multitask/mod.ts";
import { normal, randomKey } from "../../src/random/mod.ts";
import {
  constant,
  div,
  eye,
  matmul,
  mul,
  ones,
  slice,
  stack,
  transpose,
  valuesOf,
} from "../../src/tensor/mod.ts";
import { vmap } from "../../src/transform/mod.ts";
import { assertNear, direct, frozen, gramOf } from "./weigh.ts";

const { combineGradients, gramMatrix } = multitask;

interface Row {
  /** The method for a number of tasks. */
  readonly of: (tasks: number) => Weighting;
  /** Weights of two orthogonal gradients of length 1 with losses 1, at the first step. */
  readonly start: readonly number[] | null;
  /** Of (1, 0) and (1, 1), which agree. */
  readonly aligned: readonly number[] | null;
  /** Of (1, 0) and (-1, 1), which conflict. */
  readonly conflicting: readonly number[] | null;
  /** Whether the direction is the same when one task's loss and gradient are scaled. */
  readonly scaleInvariant: boolean;
  /** Whether the combined gradient never opposes one of two tasks. */
  readonly harmless: boolean;
  /** Whether weights may be negative. */
  readonly signed?: boolean;
  /**
   * Whether heads learn from their own losses, as in the programs of methods that combine gradients of
   * shared parameters; those of a weighted loss get its weight.
   */
  readonly ownHeads?: boolean;
}

const half = [0.5, 0.5];
const one = [1, 1];
/** Rows of the methods that read no gradient and give these weights in the first step. */
const same = (of: (tasks: number) => Weighting, weights: readonly number[] | null): Row => ({
  of,
  start: weights,
  aligned: weights,
  conflicting: weights,
  scaleInvariant: false,
  harmless: false,
});
const root = Math.SQRT2;

const ROWS: readonly Row[] = [
  same(() => multitask.equalWeighting(), half),
  same((tasks) => multitask.fixedWeighting(Array.from({ length: tasks }, (_, k) => k + 1)), [1, 2]),
  same(() => multitask.randomWeighting(), null),
  same(() => multitask.uncertaintyWeighting(), half),
  same(() => multitask.gradNorm(), one),
  same(() => multitask.dwa(), one),
  same(() => multitask.lossBalancedWeighting(), one),
  same(() => multitask.focalWeighting(), [Math.LN2 / 4, Math.LN2 / 4]),
  same(() => multitask.smoothTchebycheff(), [0.25, 0.25]),
  same(() => multitask.imtlLoss(), one),
  same(() => multitask.excessMtl(), one),
  same(() => multitask.gradDrop(), one),
  { ...same(() => multitask.famo(), half), scaleInvariant: true },
  { ...same(() => multitask.geometricLoss(), half), scaleInvariant: true },
  { ...same(() => multitask.logLosses(), one), scaleInvariant: true },
  {
    of: () => multitask.pcGrad(),
    ownHeads: true,
    start: one,
    aligned: one,
    // (1, 0) loses its part along (-1, 1), and the other way round: (1/2, 1/2) + (0, 1).
    conflicting: [2, 1.5],
    scaleInvariant: false,
    harmless: true,
  },
  {
    of: () => multitask.gradVac(),
    ownHeads: true,
    start: one,
    aligned: one,
    // Without a past, PCGrad.
    conflicting: [2, 1.5],
    scaleInvariant: false,
    harmless: true,
  },
  {
    of: () => multitask.upGrad(),
    ownHeads: true,
    start: half,
    aligned: half,
    conflicting: [1, 0.75],
    scaleInvariant: false,
    harmless: true,
  },
  {
    of: () => multitask.mgda(),
    ownHeads: true,
    start: half,
    // The shortest vector between (1, 0) and (1, 1) is (1, 0) itself.
    aligned: [1, 0],
    // 1.5 - 0.5: (3/5) (1, 0) + (2/5) (-1, 1) = (1/5, 2/5).
    conflicting: [0.6, 0.4],
    scaleInvariant: false,
    harmless: true,
  },
  {
    of: () => multitask.moCo(),
    ownHeads: true,
    start: half,
    // Slopes (2/3, 1) and (0, 1/3) in units of the mean squared length; half the difference counts.
    aligned: [0.5 + 0.1 / 6, 0.5 - 0.1 / 6],
    conflicting: [0.5 + 0.1 / 6, 0.5 - 0.1 / 6],
    scaleInvariant: false,
    harmless: false,
  },
  {
    of: () => multitask.moDo(),
    ownHeads: true,
    start: half,
    aligned: [0.5 + 0.1 / 6, 0.5 - 0.1 / 6],
    conflicting: [0.5 + 0.1 / 6, 0.5 - 0.1 / 6],
    scaleInvariant: false,
    harmless: false,
  },
  {
    of: () => multitask.sdmGrad(),
    ownHeads: true,
    start: half,
    // The shorter gradient takes all, but for the pull: (1 + 0.15) / 1.3.
    aligned: [1.15 / 1.3, 0.15 / 1.3],
    conflicting: null,
    scaleInvariant: false,
    harmless: false,
  },
  {
    of: () => multitask.caGrad(),
    ownHeads: true,
    start: [0.7, 0.7],
    aligned: null,
    conflicting: null,
    scaleInvariant: false,
    harmless: false,
  },
  {
    of: () => multitask.nashMtl(),
    start: one,
    aligned: null,
    conflicting: null,
    scaleInvariant: true,
    harmless: true,
  },
  {
    of: () => multitask.fairGrad(),
    start: one,
    aligned: null,
    conflicting: null,
    scaleInvariant: false,
    harmless: true,
  },
  {
    of: () => multitask.imtlGradient(),
    ownHeads: true,
    start: half,
    // The unit vectors count alike.
    aligned: [root / (1 + root), 1 / (1 + root)],
    conflicting: [root / (1 + root), 1 / (1 + root)],
    scaleInvariant: true,
    harmless: true,
    signed: true,
  },
  {
    of: () => multitask.imtl(),
    start: half,
    aligned: [root / (1 + root), 1 / (1 + root)],
    conflicting: [root / (1 + root), 1 / (1 + root)],
    scaleInvariant: true,
    harmless: true,
    signed: true,
  },
  {
    of: () => multitask.dbMtl(),
    start: one,
    aligned: [root, 1],
    conflicting: [root, 1],
    scaleInvariant: true,
    harmless: true,
  },
  {
    of: () => multitask.alignedMtl(),
    ownHeads: true,
    start: half,
    aligned: null,
    conflicting: null,
    scaleInvariant: false,
    harmless: false,
    signed: true,
  },
  {
    of: () => multitask.similarityWeighting(),
    ownHeads: true,
    start: [1, 0],
    aligned: [1, 1 / root],
    conflicting: [1, 0],
    scaleInvariant: false,
    harmless: false,
  },
];

Deno.test("every method of src/multitask has a row", () => {
  const exempt = [
    "combineGradients",
    "gradientOverlap",
    "gramMatrix",
    "multiTaskGradient",
    "multiTaskInit",
    "multiTaskStep",
    "normalizeWeights",
    "weighGradients",
  ];
  const methods = Object.keys(multitask).filter((name) => !exempt.includes(name));
  assertEquals(methods.length, ROWS.length);
  assertEquals(new Set(ROWS.map(({ of }) => of(2).name)).size, ROWS.length);
});

for (const row of ROWS) {
  const { name } = row.of(2);

  Deno.test(`${name} weighs aligned and conflicting gradients as its paper says`, () => {
    const cases = [
      [[[1, 0], [0, 1]], row.start],
      [[[1, 0], [1, 1]], row.aligned],
      [[[1, 0], [-1, 1]], row.conflicting],
    ] as const;
    for (const [gradients, expected] of cases) {
      if (expected) assertNear(valuesOf(direct(row.of(2), constant(gradients)).weights), expected);
    }
  });

  Deno.test(`${name} gives finite weights${row.signed ? "" : " from 0"}, also for zero gradients`, () => {
    const some = normal(randomKey(1), [4, 6]);
    const first = constant([[0], [1], [1], [1]]);
    for (const rows of [some, mul(some, first), mul(ones([3, 3]), 0)]) {
      const tasks = rows.shape[0]!;
      const method = row.of(tasks);
      let state = method.init(tasks, [slice(rows, [0])]);
      const before = state;
      for (const losses of [ones([tasks]), mul(ones([tasks]), 0), ones([tasks])]) {
        const result = direct(method, rows, { losses, state });
        const weights = valuesOf(result.weights);
        assertEquals(result.weights.shape, [tasks]);
        assert(weights.every((x) => Number.isFinite(x) && (row.signed || x >= 0)), `${weights}`);
        assert(valuesOf(result.grad).every(Number.isFinite));
        assert(valuesOf(result.own).every(Number.isFinite));
        state = frozen(result.state);
      }
      assertEquals(Object.keys(state).sort(), Object.keys(before).sort());
      for (const [key, tensor] of Object.entries(state)) {
        assertEquals(tensor.shape, before[key]!.shape);
        assert(valuesOf(tensor).every(Number.isFinite));
      }
    }
  });

  Deno.test(`${name} has the scale that it says, and any other by normalizeWeights()`, () => {
    const rows = normal(randomKey(6), [3, 5]);
    const method = row.of(3);
    const losses = constant([1, 2, 3]);
    const sums = { one: 1, tasks: 3, free: null };
    const plain = valuesOf(direct(method, rows, { losses }).weights);
    const own = sums[method.scale];
    if (own !== null) assertAlmostEquals(plain.reduce((a, b) => a + b), own, 1e-12);
    for (const to of ["one", "tasks"] as const) {
      const scaled = multitask.normalizeWeights(method, { to });
      assertEquals([scaled.name, scaled.scale], [name, to]);
      const weights = valuesOf(direct(scaled, rows, { losses }).weights);
      assertAlmostEquals(weights.reduce((a, b) => a + Math.abs(b), 0), sums[to], 1e-12);
    }
    const long = direct(multitask.normalizeWeights(method, { to: "length" }), rows, { losses });
    const even = Math.hypot(...valuesOf(matmul(constant([1 / 3, 1 / 3, 1 / 3]), rows)));
    if (!method.transform) {
      assertAlmostEquals(Math.hypot(...valuesOf(long.grad)) / even, 1, 1e-12);
    }
    // The direction is the method's.
    const weights = valuesOf(long.weights);
    weights.forEach((x, k) => assertAlmostEquals(x * plain[0]!, weights[0]! * plain[k]!, 1e-9));
  });

  Deno.test(`${name} ${row.ownHeads ? "leaves heads alone" : "weighs heads"}`, () => {
    // Those that are told their own weights have tests of their own.
    if (["imtl", "db-mtl"].includes(name)) return;
    const rows = normal(randomKey(6), [3, 5]);
    const { own, weights } = direct(row.of(3), rows, { losses: constant([1, 2, 3]) });
    assertEquals(valuesOf(own), row.ownHeads ? [1, 1, 1] : valuesOf(weights));
    const scaled = multitask.normalizeWeights(row.of(3), { to: "one" });
    const of = direct(scaled, rows, { losses: constant([1, 2, 3]) });
    assertEquals(valuesOf(of.own), row.ownHeads ? [1, 1, 1] : valuesOf(of.weights));
  });

  Deno.test(`${name} works on gradients of 1e-14 and 1e14`, () => {
    const rows = normal(randomKey(7), [3, 5]);
    const losses = constant([1, 2, 3]);
    const method = row.of(3);
    const shares = (scale: number): number[] => {
      let state = method.init(3, [slice(rows, [0])]);
      let weights: readonly number[] = [];
      for (let step = 0; step < 3; step++) {
        const result = direct(method, mul(rows, scale), { losses, state });
        weights = valuesOf(result.weights);
        state = frozen(result.state);
      }
      const total = weights.reduce((a, b) => a + Math.abs(b), 0);
      return weights.map((weight) => total === 0 ? 0 : weight / total);
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
      const { grad } = direct(row.of(3), scaled, { losses: mul(losses, factor) });
      const direction = valuesOf(grad);
      const length = Math.hypot(...direction);
      return direction.map((value) => value / length);
    };
    const [plain, scaled] = [combined(div(scale, scale)), combined(scale)];
    if (row.scaleInvariant) assertNear(scaled, plain, 1e-6);
    else assert(Math.max(...plain.map((value, k) => Math.abs(value - scaled[k]!))) > 1e-2);
  });

  Deno.test(`${name} ${row.harmless ? "never opposes" : "may oppose"} one of two tasks`, () => {
    const opposed = Array.from({ length: 12 }, (_, seed) => seed).flatMap((seed) => {
      // Strongly conflicting, of very different length.
      const factor = constant(seed % 2 === 0 ? [[1], [8]] : [[8], [1]]);
      const rows = mul(normal(randomKey(seed), [2, 2]), factor);
      if (valuesOf(gramOf(rows))[1]! > 0) return [];
      const products = valuesOf(matmul(rows, direct(row.of(2), rows, { seed }).grad));
      return [Math.min(...products) < -1e-6];
    });
    assert(opposed.length >= 4, "too few conflicts were drawn");
    assertEquals(opposed.some((is) => is), !row.harmless);
  });

  Deno.test(`${name} of mapped inputs is the method one by one`, () => {
    const all = [1, 2].map((seed) => normal(randomKey(seed), [3, 5]));
    const losses = constant([1, 2, 3]);
    const of = (rows: Tensor) => {
      const { grad, weights } = direct(row.of(3), rows, { losses });
      return { grad, weights };
    };
    const mapped = vmap(of)(stack(all));
    const alone = all.map(of);
    assertNear(valuesOf(mapped.weights), alone.flatMap(({ weights }) => valuesOf(weights)), 1e-10);
    assertNear(valuesOf(mapped.grad), alone.flatMap(({ grad }) => valuesOf(grad)), 1e-10);
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
