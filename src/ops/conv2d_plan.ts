/**
 * Padding, scratch memory and kernel calls of a convolution and its gradients.
 *
 * @module
 */

import { resize_image } from "../../kernels/mod.ts";
import type { BufferSlot, CodedKernelCall, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import { type Conv2dGeometry, outHeight, outWidth } from "./conv2d_geometry.ts";
import { ceilDivide, linearGrid } from "./kernel_grid.ts";
import { correlation } from "./variants/correlation.ts";
import type { CorrelationShape } from "./variants/correlation_shape.ts";
import { filterGradient } from "./variants/filter_gradient.ts";
import { type FilterGradientShape, filterSize } from "./variants/filter_gradient_shape.ts";
import {
  chooseVariant,
  type KernelOperation,
  type KernelShape,
  variantCalls,
} from "./variants/kernel_variant.ts";

/** The convolution that is to run, where the geometry does not say it: forward or transposed. */
export type Correlation = Pick<
  CorrelationShape,
  | "height"
  | "width"
  | "in4"
  | "outHeight"
  | "outWidth"
  | "out4"
  | "strideY"
  | "strideX"
  | "padTop"
  | "padLeft"
  | "transposed"
>;

const OUTPUT: BufferSlot = { kind: "output", index: 0 };

/** Collects the calls and the scratch buffers of one lowering. */
export class ConvPlan {
  readonly #geometry: Conv2dGeometry;
  readonly #traits: DeviceTraits;
  readonly #calls: CodedKernelCall[] = [];
  readonly #scratch: number[] = [];
  readonly #flops: number;

  /**
   * Starts an empty plan.
   *
   * @param geometry The shapes of the convolution
   * @param traits What is known of the adapter
   */
  constructor(geometry: Conv2dGeometry, traits: DeviceTraits) {
    this.#geometry = geometry;
    this.#traits = traits;
    this.#flops = 2 * this.resultPixels * geometry.outChannels * geometry.inChannels *
      geometry.kernelHeight * geometry.kernelWidth;
  }

  /** Pixels of all images. */
  get imagePixels(): number {
    const { batch, images, height, width } = this.#geometry;
    return batch * images * height * width;
  }

  /** Pixels of all results. */
  get resultPixels(): number {
    const { batch, images } = this.#geometry;
    return batch * images * outHeight(this.#geometry) * outWidth(this.#geometry);
  }

  /** All calls so far. */
  lowering(): KernelLowering<CodedKernelCall> {
    return { calls: this.#calls, scratch: this.#scratch };
  }

  /** Pads the channels of an image to a multiple of 4. */
  padChannels(from: BufferSlot, pixels: number, channels: number): BufferSlot {
    if (channels % 4 === 0) return from;
    return this.#resize(from, [pixels, 1, 1, channels], [1, 1, roundUp4(channels)]);
  }

  /** Pads both channel axes of the filters to multiples of 4. */
  padFilters(from: BufferSlot): BufferSlot {
    const { batch, kernelHeight, kernelWidth, inChannels, outChannels } = this.#geometry;
    if (inChannels % 4 === 0 && outChannels % 4 === 0) return from;
    return this.#resize(
      from,
      [batch * kernelHeight * kernelWidth, inChannels, 1, outChannels],
      [roundUp4(inChannels), 1, roundUp4(outChannels)],
    );
  }

  /** Puts zeros between the pixels of the cotangent, as many as the stride left out. */
  spread(from: BufferSlot, height: number, width: number): BufferSlot {
    const g = this.#geometry;
    return this.#resize(
      from,
      [g.batch * g.images, outHeight(g), outWidth(g), g.outChannels],
      [height, width, roundUp4(g.outChannels)],
      [g.strideY, g.strideX],
    );
  }

  /** Runs the convolution, and crops padded channels; `outChannels` are those of the result. */
  correlate(x: BufferSlot, w: BufferSlot, c: Correlation, outChannels: number): void {
    const { batch, images, kernelHeight, kernelWidth } = this.#geometry;
    const shape: CorrelationShape = { ...c, batch, images, kernelHeight, kernelWidth };
    const padded = 4 * c.out4;
    const pixels = batch * images * c.outHeight * c.outWidth;
    const y = padded === outChannels ? OUTPUT : this.#allocate(pixels * padded);
    this.#run(correlation, shape, { operands: [x, w], result: y });
    if (y !== OUTPUT) {
      this.#resize(y, [pixels, 1, 1, padded], [1, 1, outChannels], [1, 1], OUTPUT);
    }
  }

  /** Runs the filter gradient, and crops padded channels. */
  filterGradient(x: BufferSlot, dy: BufferSlot): void {
    const g = this.#geometry;
    const in4 = vectors(g.inChannels);
    const out4 = vectors(g.outChannels);
    const shape: FilterGradientShape = {
      batch: g.batch,
      images: g.images,
      height: g.height,
      width: g.width,
      in4,
      outHeight: outHeight(g),
      outWidth: outWidth(g),
      out4,
      kernelHeight: g.kernelHeight,
      kernelWidth: g.kernelWidth,
      strideY: g.strideY,
      strideX: g.strideX,
      padTop: g.padTop,
      padLeft: g.padLeft,
    };
    const cropped = in4 * 4 !== g.inChannels || out4 * 4 !== g.outChannels;
    const sum = cropped ? this.#allocate(filterSize(shape)) : OUTPUT;
    this.#run(filterGradient, shape, { operands: [x, dy], result: sum });
    if (cropped) {
      this.#resize(
        sum,
        [g.batch * g.kernelHeight * g.kernelWidth, in4 * 4, 1, out4 * 4],
        [g.inChannels, 1, g.outChannels],
        [1, 1],
        OUTPUT,
      );
    }
  }

  /** Runs the kernel that is chosen for an operation on a shape. */
  #run<S extends KernelShape>(
    operation: KernelOperation<S>,
    shape: S,
    buffers: {
      readonly operands: readonly [BufferSlot, BufferSlot];
      readonly result: BufferSlot;
    },
  ): void {
    const variant = chooseVariant(operation, shape, this.#traits);
    const size = operation.size(shape);
    const allocate = (elements: number): BufferSlot => this.#allocate(elements);
    this.#calls.push(
      ...variantCalls(
        variant.plan(shape, this.#traits),
        { ...buffers, size, flops: this.#flops, allocate },
        this.#traits,
      ),
    );
  }

  /** Copies `[n, h, w, c]` into `[n, ...size]`, into new scratch unless told where. */
  #resize(
    from: BufferSlot,
    [images, height, width, channels]: readonly [number, number, number, number],
    [toHeight, toWidth, toChannels]: readonly [number, number, number],
    [dilationY, dilationX]: readonly [number, number] = [1, 1],
    into?: BufferSlot,
  ): BufferSlot {
    const elements = images * toHeight * toWidth * toChannels;
    const target = into ?? this.#allocate(elements);
    const grid = linearGrid(ceilDivide(elements, 4), this.#traits);
    this.#calls.push({
      kernel: "resize_image",
      code: resize_image,
      overrides: {
        images,
        height,
        width,
        channels,
        out_height: toHeight,
        out_width: toWidth,
        out_channels: toChannels,
        dilation_y: dilationY,
        dilation_x: dilationX,
        ...grid.overrides,
      },
      workgroups: grid.workgroups,
      buffers: [from, target],
      flops: 0,
    });
    return target;
  }

  #allocate(elements: number): BufferSlot {
    this.#scratch.push(elements);
    return { kind: "scratch", index: this.#scratch.length - 1 };
  }
}

/** Vectors of four that hold so many channels. */
export function vectors(channels: number): number {
  return ceilDivide(channels, 4);
}

function roundUp4(channels: number): number {
  return 4 * vectors(channels);
}
