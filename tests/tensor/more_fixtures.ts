/** More composites; some of each kind are also run on the devices. @module */
import type { Tensor } from "../../src/ir/tensor.ts";
import * as t from "../../src/tensor/mod.ts";
import { f32, i32 } from "../cases/case.ts";
import { type CompositeCase, COMPOSITES, one, two } from "./fixtures.ts";

const images = f32([2, 5, 4, 2]);

const convolutions: readonly CompositeCase[] = [
  two("conv2d in groups", (x, w) => t.conv2d(x, w, { groups: 2, padding: 1, stride: [1, 2] }), [
    f32([2, 3, 4, 4]),
    f32([2, 3, 2, 2]),
  ]),
  two("conv2d depthwise", (x, w) => t.conv2d(x, w, { groups: 2, padding: "same", dilation: 2 }), [
    images,
    f32([3, 2, 1, 4]),
  ]),
  two("conv2d dilated", (x, w) => t.conv2d(x, w, { dilation: [2, 1], padding: [1, 0, 1, 1] }), [
    images,
    f32([3, 2, 2, 2]),
  ]),
  two("conv2d dilated with strides", (x, w) => t.conv2d(x, w, { dilation: 2, stride: 2 }), [
    images,
    f32([2, 2, 2, 1]),
  ]),
  two("convTranspose2d", (x, w) => t.convTranspose2d(x, w, { stride: 2, padding: "same" }), [
    f32([2, 2, 3, 2]),
    f32([3, 3, 1, 2]),
  ]),
  two(
    "convTranspose2d in groups",
    (x, w) => t.convTranspose2d(x, w, { stride: 2, dilation: 2, groups: 2, outputPadding: 1 }),
    [f32([1, 2, 2, 4]), f32([2, 3, 1, 4])],
  ),
];

const row = f32([2, 3, 5, 1]);

const images2d: readonly CompositeCase[] = [
  one(
    "maxPool2d with strides and padding",
    (x) => t.maxPool2d(x, { window: 3, stride: 2, padding: 1 }),
    images,
  ),
  one(
    "maxPool2d of overlapping windows",
    (x) => t.maxPool2d(x, { window: [2, 3], stride: 1 }),
    images,
  ),
  one(
    "avgPool2d with padding",
    (x) => t.avgPool2d(x, { window: [2, 3], stride: [2, 1], padding: "same" }),
    images,
  ),
  one(
    "avgPool2d that counts padding",
    (x) => t.avgPool2d(x, { window: 3, stride: 2, padding: 1, countPadding: true }),
    images,
  ),
  one("pad with edges", (x) => t.pad(x, [[0, 0], [2, 4], [1, 0], [0, 0]], { mode: "edge" }), row),
  one(
    "pad with a mirror",
    (x) => t.pad(x, [[0, 0], [2, 1], [0, 4], [0, 0]], { mode: "reflect" }),
    row,
  ),
  one(
    "pad symmetric",
    (x) => t.pad(x, [[2, 0], [3, 1], [0, 5], [0, 1]], { mode: "symmetric" }),
    row,
  ),
  one("pad around", (x) => t.pad(x, [[1, 2], [0, 3], [5, 1], [0, 0]], { mode: "wrap" }), row),
  one("resizeImages to more pixels", (x) => t.resizeImages(x, { height: 7, width: 4 }), row),
  one(
    "resizeImages with antialiasing",
    (x) => t.resizeImages(x, { height: 2, width: 2, antialias: true }),
    row,
  ),
  one(
    "resizeImages nearest",
    (x) => t.resizeImages(x, { height: 5, width: 2, method: "nearest" }),
    row,
  ),
];

const arranged: readonly CompositeCase[] = [
  one("cumSum", (x) => t.cumSum(x, { axis: 1 }), f32([2, 5])),
  one(
    "cumSum backwards",
    (x) => t.cumSum(x, { axis: 0, reverse: true, exclusive: true }),
    f32([5, 2]),
  ),
  one("cumProd", (x) => t.cumProd(x, { axis: 1 }), f32([2, 5])),
  one("prod", (x) => t.prod(x, { axes: [0, 2] }), f32([2, 2, 3])),
  one("tile", (x) => t.tile(x, [2, 1, 3])),
  one("repeat", (x) => t.repeat(x, 3, { axis: 1 })),
  one("roll", (x) => t.roll(x, 2, { axis: 1 })),
  one("diag of a vector", (x) => t.diag(x, { offset: -1 }), f32([3])),
  one("diag", (x) => t.diag(x, { offset: 1 }), f32([2, 3, 3])),
  one("tril", (x) => t.tril(x, { offset: -1 }), f32([2, 3, 4])),
  one("triu", (x) => t.triu(x, { offset: 1 }), f32([2, 3, 4])),
];

const rows = f32([4, 3]);
const places = i32([4], -1, 3);
const indexed: readonly CompositeCase[] = [
  {
    name: "segmentSum",
    operands: [rows, places],
    build: (x, at) => t.segmentSum(x!, at!, { count: 3 }),
  },
  {
    name: "segmentMean",
    operands: [rows, places],
    build: (x, at) => t.segmentMean(x!, at!, { count: 3 }),
  },
  {
    name: "segmentMax",
    operands: [rows, i32([4], 0, 1)],
    build: (x, at) =>
      t.segmentMax(t.concat([x!, t.mul(x!, 2)]), t.concat([at!, t.range(4)]), { count: 4 }),
  },
  {
    name: "addRows",
    operands: [f32([3, 3]), places, rows],
    build: (x, at, updates) => t.addRows(x!, at!, updates!),
  },
  {
    name: "setRows",
    operands: [f32([3, 3]), places, rows],
    build: (x, at, updates) => t.setRows(x!, at!, updates!),
  },
  {
    name: "take",
    operands: [f32([2, 3, 2]), i32([2, 2], 0, 2)],
    build: (x, at) => t.take(x!, at!, { axis: 1 }),
  },
  {
    name: "takeAt",
    operands: [f32([2, 3, 2]), i32([2, 1], 0, 1), i32([3], 0, 2)],
    build: (x, i, j) => t.takeAt(x!, [i!, j!]),
  },
];

const square = f32([2, 3, 3], -0.5, 0.5);
const definite = (x: Tensor): Tensor => t.add(t.matmul(x, t.transpose(x, [0, 2, 1])), t.eye(3));
const regular = (x: Tensor): Tensor => t.add(x, t.mul(t.eye(3), 2));
const rising = (x: Tensor): Tensor => t.add(x, t.diag(t.constant([0, 3, 6])));
const linear: readonly CompositeCase[] = [
  one("cholesky", (x) => t.cholesky(definite(x)), square),
  two("triangularSolve", (x, b) => t.triangularSolve(regular(x), b, { lower: false }), [
    square,
    f32([3, 2]),
  ]),
  two("solve", (x, b) => t.solve(regular(x), b), [square, f32([3])]),
  one("inv", (x) => t.inv(regular(x)), square),
  one("eigh values", (x) => t.eigh(rising(x)).values, square),
  one("eigh vectors", (x) => t.eigh(rising(x)).vectors, square),
];

const products: readonly CompositeCase[] = [
  {
    name: "einsum of three",
    operands: [f32([2, 3]), f32([3, 2]), f32([2, 2])],
    build: (a, b, c) => t.einsum("ij,jk,kl->il", [a!, b!, c!]),
  },
  two("einsum with a diagonal and further axes", (a, b) => t.einsum("...ii,...i->...", [a, b]), [
    f32([2, 1, 3, 3]),
    f32([2, 3]),
  ]),
  {
    name: "attention",
    operands: [f32([2, 3, 4]), f32([2, 3, 4]), f32([2, 3, 2])],
    build: (q, k, v) => t.attention(q!, k!, v!, { causal: true }),
  },
];

const between1 = f32([2, 5], -0.9, 0.9);
const functions: readonly CompositeCase[] = [
  one("sort", (x) => t.sort(x, { axis: 0, descending: true }), f32([5, 2])),
  one("topK", (x) => t.topK(x, { count: 3 }).values, f32([2, 5])),
  two("atan2", t.atan2),
  two("mod", t.mod, [f32([2, 3], -5, 5), f32([3], 0.6, 2)]),
  two("logAddExp", t.logAddExp),
  one("nanToNum", (x) => t.nanToNum(x)),
  one("tan", t.tan, between1),
  one("atan", t.atan),
  one("asin", t.asin, between1),
  one("acos", t.acos, between1),
  one("sinh", t.sinh),
  one("cosh", t.cosh),
  one("asinh", t.asinh),
  one("acosh", t.acosh, f32([2, 5], 1.2, 4)),
  one("atanh", t.atanh, between1),
];

/** Composites of all kinds that take long to compile, a few of each. */
export const DEVICE_COMPOSITES: readonly CompositeCase[] = [
  convolutions,
  images2d,
  arranged,
  indexed,
  products,
]
  .flatMap((kind) => kind.filter((_, k) => k % 2 === 0));

/** Every differentiable composite. */
export const ALL_COMPOSITES: readonly CompositeCase[] = [
  ...COMPOSITES,
  ...convolutions,
  ...images2d,
  ...arranged,
  ...indexed,
  ...products,
  ...functions,
  ...linear,
];
