/** Composites that are also run on the devices, and those of the first table beside them. @module */
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

/** Composites whose primitives meet in ways of their own. */
export const DEVICE_COMPOSITES: readonly CompositeCase[] = [...convolutions];

/** Every differentiable composite. */
export const ALL_COMPOSITES: readonly CompositeCase[] = [...COMPOSITES, ...DEVICE_COMPOSITES];
