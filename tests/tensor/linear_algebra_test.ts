/** Small linear algebra: against PyTorch, and on every engine. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { engineTest } from "./engine_tests.ts";
import { waves } from "../waves.ts";

const wave = waves(1, 0);

const N = 4;
const x = wave([N, N], 0.3);
const b = wave([N, 2], 1.1);
const shifted = (a: Tensor, by: number): Tensor => t.add(a, t.mul(t.eye(N), by));
const definite = (a: Tensor): Tensor => shifted(t.matmul(a, t.transpose(a)), 1);
const symmetric = (a: Tensor): Tensor =>
  t.add(t.diag(t.constant([0, 3, 6, 9])), t.mul(t.add(a, t.transpose(a)), 0.5));

/** Functions of a matrix, and of right sides where there are two. */
const FUNCTIONS: Readonly<Record<keyof typeof EXPECTED, (a: Tensor, b: Tensor) => Tensor>> = {
  cholesky: (a) => t.cholesky(definite(a)),
  triangularSolve: (a, b) => t.triangularSolve(shifted(a, 2), b, { lower: false }),
  solve: (a, b) => t.solve(shifted(a, 1), b),
  inv: (a) => t.inv(shifted(a, 1)),
  eigenvalues: (a) => t.eigh(symmetric(a)).values,
  eigenvectors: (a) => t.eigh(symmetric(a)).vectors,
};

/**
 * Of torch.linalg 2.13 in float64: the result, then the gradients of `sum(sin(result) * wave)` with
 * respect to the matrix and the right sides.
 */
const EXPECTED = {
  cholesky: [[
    1.79862592425,
    0.0,
    0.0,
    0.0,
    -1.1501535804,
    1.33764832125,
    0.0,
    0.0,
    0.924754850048,
    -0.63390019989,
    1.29688587449,
    0.0,
    -0.592495778318,
    0.604482187823,
    -0.625448827349,
    1.29825075658,
  ], [
    -1.01989313686,
    -0.348511657069,
    0.486780300688,
    1.09313187688,
    -0.913395073769,
    -0.560804147853,
    0.0555417316057,
    0.645765466826,
    -0.0151554170535,
    0.104655354084,
    0.175245076911,
    0.163414301787,
    -0.0795427317621,
    -0.212069726842,
    -0.244857015707,
    -0.162484224089,
  ]],
  triangularSolve: [[
    0.631933459911,
    0.759211609359,
    -0.0589335489804,
    -0.395027566416,
    0.0421833054608,
    -0.253442020459,
    -0.816698097586,
    -0.274188432994,
  ], [
    -0.304512537045,
    0.072185373506,
    0.0207448659849,
    0.298064618004,
    0.0,
    -0.269513859405,
    -0.142715599684,
    -0.479946123961,
    0.0,
    0.0,
    -0.102159087076,
    -0.619152590022,
    0.0,
    0.0,
    0.0,
    0.0916919977864,
  ], [
    0.319622623982,
    0.135051025487,
    -0.377519436394,
    -0.625944415607,
    -0.589830186986,
    -0.501258922234,
    -0.0223213643761,
    0.400898799441,
  ]],
  solve: [[
    2.68466550405,
    3.10571618156,
    -2.77911857758,
    -3.54422633402,
    3.88365856804,
    3.44333606618,
    -6.06927373389,
    -5.15489537026,
  ], [
    2.05228705597,
    -2.30689444862,
    2.38747090199,
    -3.60572676493,
    -6.07829031418,
    6.78438511297,
    -7.22393859726,
    10.9511016103,
    -7.33856441767,
    8.23415454285,
    -8.58439724512,
    12.9774381992,
    -2.46250439138,
    3.02205442221,
    -2.05493379247,
    2.88640975954,
  ], [
    -0.123553957377,
    -0.554006196358,
    0.534514483006,
    1.49508114998,
    0.493926903505,
    1.93595793911,
    -0.74438734818,
    1.43636287604,
  ]],
  inv: [[
    1.08709430604,
    -0.98488091377,
    -1.59365125064,
    -1.45290250285,
    -0.621966067878,
    2.02225749676,
    2.18569738746,
    2.32116964437,
    1.08496634255,
    -0.941506788957,
    -1.52517456616,
    -2.92121328796,
    -1.42259298576,
    0.751959964133,
    2.5728543932,
    4.18369519918,
  ], [
    -0.896069438337,
    -1.43511902472,
    -0.348938852518,
    1.60925982034,
    1.61858640537,
    0.759860347872,
    0.244755391908,
    -0.603799227293,
    2.4111297576,
    1.62608329731,
    0.891446077854,
    -2.85532099317,
    2.47002928075,
    3.66733553705,
    0.402152943274,
    -3.49298788433,
  ]],
  eigenvalues: [[0.117584534547, 2.44914962952, 6.84169665132, 8.14473189089], [
    0.836814483537,
    -0.259912967171,
    -0.0517156067309,
    -0.0639612669142,
    -0.259912967171,
    -0.268879374569,
    0.000350968463036,
    -0.0166365913852,
    -0.0517156067309,
    0.000350968463036,
    -0.199701240092,
    0.0835701980361,
    -0.0639612669142,
    -0.0166365913852,
    0.0835701980361,
    0.223701372984,
  ]],
  eigenvectors: [[
    0.970992112887,
    0.221830050971,
    0.0238231217955,
    0.0860128133726,
    -0.214054830869,
    0.972362027725,
    -0.053185944208,
    -0.076575921529,
    -0.0526279249989,
    0.0560758124788,
    0.981063542938,
    0.177764252547,
    -0.0926560715894,
    0.046465242692,
    -0.184710689797,
    0.97731151364,
  ], [
    0.118963658765,
    0.271756185403,
    -0.10222121434,
    0.0309569446128,
    0.271756185403,
    -0.122350999668,
    -0.127081352892,
    0.0845781508326,
    -0.10222121434,
    -0.127081352892,
    0.040181253742,
    0.12781738882,
    0.0309569446128,
    0.0845781508326,
    0.12781738882,
    -0.0367939128396,
  ]],
};

function assertNear(found: Tensor, expected: readonly number[]): void {
  const values = t.valuesOf(found);
  assertEquals(values.length, expected.length);
  expected.forEach((value, k) =>
    assertAlmostEquals(values[k]!, value, 1e-9 * Math.max(1, Math.abs(value)))
  );
}

for (const [name, fn] of Object.entries(FUNCTIONS)) {
  Deno.test(`${name} and its gradient are those of torch.linalg`, () => {
    const [result, ...gradients] = EXPECTED[name as keyof typeof EXPECTED];
    assertNear(fn(x, b), result!);
    const loss = ([a, right]: Tensor[]): Tensor => {
      const y = fn(a!, right!);
      return t.sum(t.mul(t.sin(y), wave(y.shape, 2)));
    };
    const found = grad(loss)([x, b]);
    gradients.forEach((gradient, k) => assertNear(found[k]!, gradient));
  });
}

/** Largest residuals of factorizations and solutions of matrices of `n` rows, which should be 0. */
function residuals(a: Tensor): Tensor {
  const n = a.shape.at(-1)!;
  const swapped = t.transpose(a, [0, 2, 1]);
  const one = t.eye(n);
  const spd = t.add(t.matmul(a, swapped), one);
  const sym = t.mul(t.add(a, swapped), 0.5);
  const regular = t.add(a, t.mul(one, 2));
  const lower = t.add(t.tril(t.mul(a, 1 / n)), one);
  const factor = t.cholesky(spd);
  const solution = t.solve(regular, a);
  const { values, vectors } = t.eigh(sym);
  const turned = t.transpose(vectors, [0, 2, 1]);
  const rises = t.sub(t.slice(values, [null, [0, -1]]), t.slice(values, [null, [1, null]]));
  const largest = (y: Tensor): Tensor => t.max(t.abs(y));
  return t.stack([
    t.div(largest(t.sub(t.matmul(factor, t.transpose(factor, [0, 2, 1])), spd)), largest(spd)),
    largest(t.sub(t.matmul(lower, t.triangularSolve(lower, a)), a)),
    t.div(largest(t.sub(t.matmul(regular, solution), a)), largest(solution)),
    t.div(largest(t.sub(t.matmul(regular, t.inv(regular)), one)), largest(t.inv(regular))),
    t.div(largest(t.sub(t.matmul(sym, vectors), t.mul(vectors, t.expandDims(values, 1)))), n),
    largest(t.sub(t.matmul(turned, vectors), one)),
    n === 1 ? t.constant(0) : t.maximum(t.max(rises), 0),
  ]);
}

engineTest("residuals are as small as float32 allows", async (engine) => {
  for (const n of engine.info.name === "webgpu" ? [1, 2, 5, 64] : [1, 5, 33]) {
    const values = Float32Array.from({ length: 2 * n * n }, (_, k) => Math.sin(k * k + 0.5));
    const found = await engine.read(
      await engine.jit(residuals)(hostArray(values, [2, n, n]) as never),
    );
    const list = Array.from(found.data as Float32Array);
    assert(list.every((value) => value < 2e-5), `${n} rows: ${list}`);
  }
});

engineTest("eigh() of matrices with equal eigenvalues", async (engine) => {
  const n = 5;
  const matrices = [
    (i: number, j: number) => i === j ? 3 : 0,
    () => 1,
    () => 0,
    () => 1e25,
    () => 1e-25,
  ];
  const values = Float32Array.from(
    matrices.flatMap((fn) => Array.from({ length: n * n }, (_, k) => fn(Math.floor(k / n), k % n))),
  );
  const run = engine.jit((a: Tensor) => {
    const { values, vectors } = t.eigh(a);
    const unit = t.matmul(t.transpose(vectors, [0, 2, 1]), vectors);
    return [values, t.max(t.abs(t.sub(unit, t.eye(n))))];
  });
  const found = await engine.read(await run(hostArray(values, [5, n, n]) as never)) as {
    data: Float32Array;
  }[];
  const expected = [3, 3, 3, 3, 3, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0];
  expected.forEach((value, k) => assertAlmostEquals(found[0]!.data[k]!, value, 3e-6));
  for (const [at, unit] of [[15, 1e25], [20, 1e-25]] as const) {
    const scaled = Array.from(found[0]!.data.slice(at, at + n), (value) => value / unit);
    [0, 0, 0, 0, 5].forEach((value, k) => assertAlmostEquals(scaled[k]!, value, 3e-6));
  }
  assert(found[1]!.data[0]! < 1e-5);
});

Deno.test("the derivative of equal eigenvalues is finite, that of their vectors is not", () => {
  const gradientOf = (part: "values" | "vectors"): number[] =>
    t.valuesOf(grad((a: Tensor) => t.sum(t.mul(t.eigh(a)[part], t.constant([1, 2]))))(t.eye(2)));
  assert(gradientOf("values").every(Number.isFinite));
  assert(!gradientOf("vectors").every(Number.isFinite));
});

Deno.test("right sides broadcast, a vector stays one, and what does not fit is refused", () => {
  const a = t.stack([t.eye(2), t.mul(t.eye(2), 2)]);
  assertEquals(t.valuesOf(t.solve(a, t.constant([2, 4]))), [2, 4, 1, 2]);
  assertEquals(t.solve(a, t.constant([2, 4])).shape, [2, 2]);
  assertEquals(t.solve(t.eye(2), t.ones([3, 2, 1])).shape, [3, 2, 1]);
  assertThrows(() => t.inv(t.ones([2, 3])), TypeError, "Cannot invert f32[2, 3]");
  assertThrows(() => t.cholesky(t.ones([2])), TypeError, "expected square matrices");
  assertThrows(() => t.solve(a, t.ones([3])), TypeError, "expected f32[..., 2, columns]");
  assertThrows(() => t.eigh(t.zeros([2, 0, 0])), TypeError, "n from 1");
});
