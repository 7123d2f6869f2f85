/** More composites; some of each kind are also run on the devices. @module */
import * as t from "../src/tensor/mod.ts";
import { f32 } from "./cases/case.ts";
import { type CompositeCase, COMPOSITES, one, two } from "./tensor_fixtures.ts";

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

/** Composites of all kinds that take long to compile, a few of each. */
export const DEVICE_COMPOSITES: readonly CompositeCase[] = [convolutions, images2d]
  .flatMap((kind) => kind.filter((_, k) => k % 2 === 0));

/** Every differentiable composite. */
export const ALL_COMPOSITES: readonly CompositeCase[] = [
  ...COMPOSITES,
  ...convolutions,
  ...images2d,
];
