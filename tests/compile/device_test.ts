/** Programs that are hard to compile, on the device against the reference. @module */
import { assert, assertEquals } from "@std/assert";
import { Engine } from "../../src/engine/engine.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import { checkpoint, grad, hvp, trace, valueAndGrad, vmap } from "../../src/transform/mod.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import { randomKey, uniform as uniformNumbers } from "../../src/random/mod.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import type { Fn, Subject } from "../cases/laws.ts";
import { DISCRETE_COSTS, FOURS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";
import { agreesTest, LIMITS, subject } from "./agrees.ts";

agreesTest("a reduction seen through a reshape is not read before it is written", [
  subject("sum that keeps its axes, and its logarithm", [[4]], (x) => {
    const s = t.sum(x!, { keepAxes: true });
    return [t.div(x!, s), t.log(s)];
  }),
  subject("row sums beside what they were made of", [[2, 2]], (x) => {
    const s = t.sum(x!, { axes: 1, keepAxes: true });
    return [t.concat([s, x!], { axis: 1 }), t.exp(s)];
  }),
  subject("row sums turned around", [[4, 3]], (x) => {
    const s = t.sum(x!, { axes: 1, keepAxes: true });
    return [t.flip(s, 0), t.exp(s)];
  }),
  subject("a mean over what an epilogue follows", [[2, 2]], (x) => {
    const s = t.sum(x!, { axes: 1, keepAxes: true });
    return [t.softplus(s), t.mean(s, { axes: [0] })];
  }),
  subject("log of a sum of exponentials, twice", [[4]], (x) => {
    const l = t.logSumExp(x!, { keepAxes: true });
    return [t.concat([l, x!]), t.mul(l, 3), t.softmax(x!)];
  }),
  subject("a long sum in two passes", [[70_000]], (x) => {
    const s = t.sum(x!, { keepAxes: true });
    return [t.sqrt(s), t.div(x!, s)];
  }),
  subject("maximum and sum in one pass", [[3, 8]], (x) => {
    const [m, s] = [t.max(x!, { axes: 1, keepAxes: true }), t.sum(x!, { axes: 1, keepAxes: true })];
    return [t.sub(x!, m), t.div(m, s), t.log(s), t.reshape(t.mul(m, s), [3])];
  }),
  subject("value and gradient of a normalised vector", [[4]], (x) => {
    const norm = (z: Tensor): Tensor => t.log(t.sum(t.square(z), { keepAxes: true }));
    const result = valueAndGrad((z: Tensor) => t.sum(norm(z)))(x!);
    return [result.value, result.grad, norm(x!)];
  }),
  subject("inside a call", [[2, 4]], (x) => {
    const inner = checkpoint((z: Tensor) => {
      const s = t.sum(z, { axes: 1, keepAxes: true });
      return [t.div(z, s), t.log(s)];
    });
    const [a] = inner(x!) as Tensor[];
    return inner(a!) as Tensor[];
  }),
]);

/** Sums and maxima of every layout, whose parts are many on any adapter. */
const LONG: readonly Subject[] = [
  subject("one long sum, one maximum", [[9_001]], (x) => [t.sum(x!), t.max(t.neg(x!))]),
  subject("sums of four lanes", [[3, 20_000]], (x) => {
    const s = t.sum(x!, { axes: 1, keepAxes: true });
    return [t.log(s), t.add(t.max(x!, { axes: 1, keepAxes: true }), s)];
  }),
  subject("more columns than a workgroup has, the last one alone", [[2_000, 9]], (x) => [
    t.sum(x!, { axes: 0 }),
  ]),
  subject("statistics of channels, and what follows them", [[900, 2, 20]], (x) => {
    const mean = t.mean(x!, { axes: 0, keepAxes: true });
    const square = t.mean(t.square(x!), { axes: 0, keepAxes: true });
    return [t.rsqrt(t.sub(square, t.mul(t.square(mean), 0.5))), t.max(x!, { axes: 0 }), mean];
  }),
  subject("an odd number of elements, a sum beside a position", [[1_201, 8]], (x) => [
    t.sum(t.square(x!), { axes: 0 }),
    t.argMax(x!, { axes: 0 }),
  ]),
];

agreesTest("parts of sums and maxima are joined by a workgroup or by a second pass", LONG, [
  {},
  { costs: DISCRETE_COSTS },
  { costs: DISCRETE_COSTS, maxWorkgroupsPerDimension: 2 },
  { costs: DISCRETE_COSTS, maxWorkgroupStorage: 256 },
  { costs: { ...DISCRETE_COSTS, dispatch: 0 } },
]);

agreesTest("what follows pointwise results elementwise is computed with them", [
  subject("a step of Adam", [[6, 8], [6, 8], [6, 8], [6, 8]], (p, g, m, v) => {
    const first = t.add(t.mul(m!, 0.9), t.mul(g!, 0.1));
    const second = t.add(t.mul(v!, 0.99), t.mul(t.square(g!), 0.01));
    return [first, second, t.sub(p!, t.div(first, t.add(t.sqrt(second), 1e-8)))];
  }),
  subject("seen through a reshape, and turned around", [[4, 6], [4, 6]], (x, y) => {
    const a = t.exp(t.add(x!, y!));
    const flat = t.reshape(a, [24]);
    return [a, t.mul(flat, flat), t.add(t.flip(a, 0), a), t.sum(a, { axes: [0] })];
  }),
  subject("of other results, of which one is stored for nobody else", [[300, 40], [40]], (x, y) => {
    const a = t.exp(t.sin(t.mul(x!, y!)));
    const b = t.tanh(t.mul(a, t.exp(t.cos(a))));
    return [t.add(a, b), t.mul(b, b)];
  }),
], [...LIMITS, { costs: { ...DISCRETE_COSTS, dispatch: 0, load: 1, store: 1 } }]);

webgpuTest("what is not finite is not folded away by what a driver knows to be 0", async (gpu) => {
  const x = ndArray({ shape: [2, 2, 1], dtype: "f32" }, [1, Infinity, NaN, -Infinity]);
  const backend = new WebGpuBackend(gpu, { traits: FOURS });
  const fns: Fn[] = [
    (x) => [t.mul(x!, t.range(2, "f32"))],
    (x) => [t.mul(x!, t.range(4, "f32"))],
    (x) => [t.mul(x!, t.range(1, "f32"))],
    (
      x,
    ) => [t.max(t.mul(t.reshape(x!, [4]), t.range(4, "f32"))), t.sum(t.mul(x!, t.range(2, "f32")))],
    (x) => [t.add(x!, t.neg(x!)), t.add(t.neg(x!), x!), t.sub(x!, x!)],
    // The same number in two shapes, and computed twice.
    (x) => [t.sub(t.reshape(x!, [4]), t.reshape(t.expandDims(x!, 0), [4]))],
    (x) => [t.sub(t.square(t.reshape(x!, [4])), t.reshape(t.square(x!), [4]))],
    (x) => Object.values(t.standardize(x!, [2], 0.25)),
    (x) => Object.values(t.standardize(x!, [0], 0.25)),
    // NaN of two operands is not made by a sum that is 0.
    (x) => [t.minimum(t.neg(x!), x!), t.maximum(x!, t.neg(x!))],
    (x) => [t.pow(x!, t.neg(x!)), t.atan2(x!, t.neg(x!))],
    // Chosen between 0 and 0, as in the curvature of straight pieces.
    (x) => [t.mul(x!, t.where(t.less(x!, 2), 0, 0))],
    // x - x has no gradient but NaN, whatever else x has.
    (x) => [grad((x: Tensor) => t.sum(t.add(t.square(t.sub(x, x)), t.square(x))))(x!)],
  ];
  for (const fn of fns) {
    const one: Subject = { name: `${fn}`, fn, point: [x], varying: [0] };
    const want = referenceOf(one);
    (await runOn(backend, one)).forEach((data, k) => {
      const exact = Array.from(want[k]!.data, Math.fround);
      assertEquals(Array.from(data), exact, one.name);
    });
  }
});

webgpuTest("what is put into memory late is known to the expressions before it", async (gpu) => {
  // Without sharing on a CPU, eight buffers are too few for the second derivative of a normalised vector.
  const traits = { costs: DISCRETE_COSTS, subgroupLanes: 0, maxStorageBuffers: 8 };
  const normalised = subject("Hessian times vector of a normalised vector", [[1, 2, 1, 1], [
    1,
    2,
    1,
    1,
  ]], (
    x,
    direction,
  ) => {
    const loss = ([z]: Tensor[]): Tensor => {
      const unit = t.l2Normalize(t.abs(t.maxPool2d(z!, { window: 1 })), { axes: [1, 2, 3] });
      return t.sum(t.mul(unit, t.add(t.mul(unit, 0.25), 1)));
    };
    return hvp(loss)([x!], [direction!]);
  });
  const backend = new WebGpuBackend(gpu, { traits });
  const got = await runOn(backend, normalised);
  assertAgrees(normalised.name, got, { want: referenceOf(normalised), tolerance: 1e-5 });
});

agreesTest("rows that are looked up inside of a reduction are computed inside of its loop", [
  subject("positions, paddings and joins of gathered rows", [[3, 4], [8]], (x, y) => {
    const rows = t.convert(t.mul(t.slice(y!, [[0, 5]]), 2), "i32");
    const gathered = t.takeRows(t.eye(4), rows);
    return [
      t.sum(t.takeRows(t.eye(3), rows)),
      t.sum(t.mul(gathered, t.range(4, "f32")), { axes: 0 }),
      t.sum(t.takeRows(t.concat([x!, t.pad(x!, [[1, 0], [0, 0]])]), rows), { axes: 0 }),
      t.max(t.takeRows(t.oneHot(rows, 4), rows), { axes: 0 }),
    ];
  }),
]);

const extents = [0, 1, 2, 3, 4, 5];

agreesTest(
  "paddings, joins and turns of every small extent",
  extents.flatMap((n) => [
    subject(`extent ${n}`, [[n], [1, n], [n, 2]], (x, row, pairs) => [
      ...extents.map((low) => t.pad(x!, [[low, 4 - low > 0 ? 4 - low : 0]])),
      t.pad(row!, [[0, 0], [2, 1]]),
      t.pad(pairs!, [[1, 2], [0, 2]]),
      t.concat([x!, x!]),
      t.concat([t.slice(x!, [[Math.min(1, n), null]]), t.slice(x!, [[0, Math.min(1, n)]])]),
      t.concat([row!, row!], { axis: 1 }),
      t.flip(pairs!, 0),
      t.sum(x!),
      t.sum(pairs!, { axes: 0 }),
      t.sum(pairs!, { axes: 1 }),
      t.matmul(row!, pairs!),
      t.matmul(pairs!, t.transpose(pairs!)),
      t.softmax(x!),
    ]),
    subject(`gradient at extent ${n}`, [[n], [n, 2]], (x, pairs) => {
      const loss = (a: Tensor, b: Tensor): Tensor =>
        t.add(
          t.sum(t.square(t.concat([a, t.pad(a, [[1, 3]])]))),
          t.sum(t.square(t.matmul(t.reshape(a, [1, n]), b))),
        );
      return [grad(loss)(x!, pairs!), grad((b: Tensor) => loss(x!, b))(pairs!)];
    }),
  ]),
);

agreesTest("the gradient of what is read in two shapes is added up in one, in vectors", [
  subject("rows of 3, and channels of a convolution", [[2, 4, 3], [2, 3, 3]], (x, w) => [
    grad((one: Tensor) => {
      const twice = vmap((filter: Tensor) => {
        const indices = t.constant([[[0]], [[1]], [[1]]], { dtype: "i32" });
        const rows = t.takeAlong(one, t.broadcastTo(indices, [3, 4, 3]), { axis: 0 });
        const image = t.reshape(one, [1, 1, 1, 24]);
        const wide = t.broadcastTo(t.reshape(filter, [3, 3, 1, 1]), [3, 3, 24, 1]);
        return t.add(
          t.sum(t.square(rows)),
          t.sum(t.square(t.conv2d(image, wide, { padding: 1 }))),
        );
      });
      return t.sum(twice(w!));
    })(x!),
  ]),
]);

agreesTest("empty images go through convolution and pooling", [
  subject("no images", [[0, 4, 4, 3], [3, 3, 3, 2]], (x, w) => {
    const conv = (images: Tensor, filters: Tensor): Tensor =>
      t.conv2d(images, filters, { padding: "same" });
    const loss = (filters: Tensor): Tensor => t.sum(t.square(conv(x!, filters)));
    return [conv(x!, w!), t.maxPool2d(conv(x!, w!)), grad(loss)(w!)];
  }),
  subject("no channels", [[2, 4, 4, 0], [3, 3, 0, 2]], (x, w) => [t.conv2d(x!, w!)]),
]);

Deno.test("what has no value over nothing is refused, and extents must be natural numbers", () => {
  const refused = (attempt: (x: Tensor) => Tensor, expected: string): void => {
    let message = "";
    try {
      trace(attempt, [{ shape: [2, 0], dtype: "f32" }]);
    } catch (error) {
      message = (error as Error).message;
    }
    assert(message.includes(expected), `found "${message}", expected "${expected}"`);
  };
  refused((x) => t.max(x), "Cannot take the maximum of f32[2, 0] along axes [0,1]");
  refused((x) => t.min(x, { axes: 1 }), "found an extent of 0");
  refused((x) => t.argMax(x, { axes: 1 }), "Cannot find the largest element of f32[2, 0]");
  refused((x) => t.broadcastTo(x, [2.5, 2, 0]), "the result would have shape [2.5, 2, 0]");
});

/** Positions of four elements at once, a step apart that is neither 0 nor 1. */
agreesTest("counts and random numbers that are read with a step", [
  subject("every second number", [[8]], (x) => [
    t.mul(x!, t.slice(t.range(16, "f32"), [[null, null, 2]])),
    t.add(x!, t.slice(t.range(24, "f32"), [[1, null, 3]])),
  ]),
  subject("numbers downwards", [[4, 8]], (x) => [t.add(x!, t.flip(t.range(8, "f32"), 0))]),
  subject("random numbers downwards, and every third", [[8]], (x) => {
    const drawn = uniformNumbers(randomKey(5), [24]);
    return [t.mul(x!, t.slice(drawn, [[null, null, -3]])), t.add(x!, t.slice(drawn, [[8, 16]]))];
  }),
  subject(
    "a triangle turned around",
    [[8, 8]],
    (x) => [t.flip(t.tril(x!), 1), t.flip(t.triu(x!), 0)],
  ),
]);

agreesTest("what follows two reductions reads each from the other", [
  subject("both orders", [[8, 5], [8, 7]], (x, y) => {
    const [a, b] = [t.sum(x!, { axes: 1 }), t.sum(y!, { axes: 1 })];
    return [t.sub(a, b), t.div(b, a), t.mul(a, b), t.sub(b, a)];
  }),
  subject("three of them", [[4, 3], [4, 5], [4, 7]], (x, y, z) => {
    const [a, b, c] = [x!, y!, z!].map((each) => t.max(t.sin(each), { axes: 1 })) as [
      ...[Tensor, Tensor, Tensor],
    ];
    return [t.sub(a, b), t.sub(b, c), t.sub(c, a), t.mul(b, a), t.mul(c, b), t.mul(a, c)];
  }),
]);

agreesTest("many statistics of one long tensor, and what follows each of them", [
  subject("scalars", [[20_000], [1]], (x, y) => {
    const statistics = [
      t.sum(x!),
      t.sum(t.square(x!)),
      t.max(x!),
      t.sum(t.sin(x!)),
      t.sum(t.cos(x!)),
    ].map((each) => t.reshape(each, [1]));
    const [a, b, c, d, e] = statistics as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const small = statistics.map((each) => t.tanh(t.mul(each, 1e-5)));
    return [...statistics, ...small, t.mul(a, y!), t.div(b, a), t.sub(c, e), t.add(d, y!)];
  }),
  subject("rows", [[4, 6000], [4]], (x, y) => {
    const over = { axes: 1 } as const;
    const [a, b, c] = [t.sum(x!, over), t.max(x!, over), t.sum(t.cos(x!), over)];
    return [a, b, c, t.mul(a, y!), t.add(b, y!), t.sub(c, a)];
  }),
  // With ten, five reductions and an epilogue are one unit, whose partial results do not fit.
], [
  ...LIMITS,
  { maxStorageBuffers: 10, costs: DISCRETE_COSTS, subgroupLanes: 0 },
]);

agreesTest("what lies outside of a joined part is not computed from a literal", [
  subject("roots in the last of five parts, twice differentiated", [[2], [1], [1]], (x, y, z) => {
    const loss = (a: Tensor, b: Tensor, c: Tensor) => {
      const joined = t.concat([b, b, c, c, t.rsqrt(a)]);
      return t.sum(t.mul(joined, t.add(t.mul(joined, 0.25), 1)));
    };
    return hvp((args: Tensor[]) => loss(args[0]!, args[1]!, args[2]!))([x!, y!, z!], [x!, y!, z!]);
  }),
], [{}, { costs: DISCRETE_COSTS, subgroupLanes: 32, maxStorageBuffers: 524_288 }]);

webgpuTest("large arrays with odd extents are transposed", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  for (const columns of [3, 49, 75, 1155, 4095]) {
    const rows = Math.floor((2 ** 21 - 1) / columns);

    const turned = engine.jit((x: Tensor) => t.mul(t.transpose(x), 2));
    const values = Float32Array.from({ length: rows * columns }, (_, k) => k);
    const y = (await engine.read(await turned(hostArray(values, [rows, columns])))).data;
    for (let k = 0; k < y.length; k++) {
      const want = 2 * (k % rows * columns + Math.floor(k / rows));
      if (y[k] !== want) throw new Error(`${rows} x ${columns} at ${k}: ${y[k]}, not ${want}`);
    }
  }
});
