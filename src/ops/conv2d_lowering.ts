/**
 * Which kernels compute a convolution and its two gradients.
 *
 * @module
 */

import type { BufferSlot, CodedKernelCall, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import { type Conv2dGeometry, outHeight, outWidth } from "./conv2d_geometry.ts";
import { ConvPlan, vectors } from "./conv2d_plan.ts";

export { type Conv2dGeometry, outHeight, outWidth };

const INPUT_0: BufferSlot = { kind: "input", index: 0 };
const INPUT_1: BufferSlot = { kind: "input", index: 1 };

/**
 * Plans a convolution of images `x` with filters `w`.
 *
 * @param geometry The shapes
 * @param traits What is known of the adapter
 * @returns Kernels with the inputs (x, w) and the output
 *   `[batch, images, outHeight, outWidth, outChannels]`
 */
export function lowerConv2d(
  geometry: Conv2dGeometry,
  traits: DeviceTraits,
): KernelLowering<CodedKernelCall> {
  const plan = new ConvPlan(geometry, traits);
  const x = plan.padChannels(INPUT_0, plan.imagePixels, geometry.inChannels);
  const w = plan.padFilters(INPUT_1);
  plan.correlate(x, w, {
    height: geometry.height,
    width: geometry.width,
    outHeight: outHeight(geometry),
    outWidth: outWidth(geometry),
    in4: vectors(geometry.inChannels),
    out4: vectors(geometry.outChannels),
    strideY: geometry.strideY,
    strideX: geometry.strideX,
    padTop: geometry.padTop,
    padLeft: geometry.padLeft,
    transposed: 0,
  }, geometry.outChannels);
  return plan.lowering();
}

/**
 * Plans the gradient of a convolution with respect to its images: a convolution of the cotangent
 * with the flipped filters, after spreading the cotangent out to stride 1.
 *
 * @param geometry The shapes of the convolution
 * @param traits What is known of the adapter
 * @returns Kernels with the inputs (w, dy) and the output
 *   `[batch, images, height, width, inChannels]`
 */
export function lowerConv2dInputGrad(
  geometry: Conv2dGeometry,
  traits: DeviceTraits,
): KernelLowering<CodedKernelCall> {
  const plan = new ConvPlan(geometry, traits);
  const { strideY, strideX, kernelHeight, kernelWidth } = geometry;
  const height = (outHeight(geometry) - 1) * strideY + 1;
  const width = (outWidth(geometry) - 1) * strideX + 1;
  const dy = strideY === 1 && strideX === 1
    ? plan.padChannels(INPUT_1, plan.resultPixels, geometry.outChannels)
    : plan.spread(INPUT_1, height, width);
  const w = plan.padFilters(INPUT_0);
  plan.correlate(dy, w, {
    height,
    width,
    outHeight: geometry.height,
    outWidth: geometry.width,
    in4: vectors(geometry.outChannels),
    out4: vectors(geometry.inChannels),
    strideY: 1,
    strideX: 1,
    padTop: kernelHeight - 1 - geometry.padTop,
    padLeft: kernelWidth - 1 - geometry.padLeft,
    transposed: 1,
  }, geometry.inChannels);
  return plan.lowering();
}

/**
 * Plans the gradient of a convolution with respect to its filters: partial sums over groups of image
 * rows, then their sum.
 *
 * @param geometry The shapes of the convolution
 * @param traits What is known of the adapter
 * @returns Kernels with the inputs (x, dy) and the output
 *   `[batch, kernelHeight, kernelWidth, inChannels, outChannels]`
 */
export function lowerConv2dFilterGrad(
  geometry: Conv2dGeometry,
  traits: DeviceTraits,
): KernelLowering<CodedKernelCall> {
  const plan = new ConvPlan(geometry, traits);
  const x = plan.padChannels(INPUT_0, plan.imagePixels, geometry.inChannels);
  const dy = plan.padChannels(INPUT_1, plan.resultPixels, geometry.outChannels);
  plan.filterGradient(x, dy);
  return plan.lowering();
}
