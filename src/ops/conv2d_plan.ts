/**
 * Tiles, scratch memory and kernel calls of a convolution and its gradients.
 *
 * @module
 */

import * as kernels from "../../kernels/mod.ts";
import type { BufferSlot, CodedKernelCall, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import { type Conv2dGeometry, outHeight, outWidth } from "./conv2d_geometry.ts";
import {
  ceilDivide,
  chooseParts,
  heavyWorkgroup,
  LANES,
  linearGrid,
  sumParts,
  usesLanes,
} from "./kernel_grid.ts";

/** The convolution that a kernel runs, forward or transposed. */
export interface Correlation {
  /** Height of the images. */
  readonly height: number;
  /** Width of the images. */
  readonly width: number;
  /** Height of the result. */
  readonly outHeight: number;
  /** Width of the result. */
  readonly outWidth: number;
  /** Channels of the images. */
  readonly inChannels: number;
  /** Channels of the result. */
  readonly outChannels: number;
  /** Rows from one result pixel to the next. */
  readonly strideY: number;
  /** Columns from one result pixel to the next. */
  readonly strideX: number;
  /** Zero rows above the images; negative to leave rows out. */
  readonly padTop: number;
  /** Zero columns left of the images; negative to leave columns out. */
  readonly padLeft: number;
  /** Whether the filters are flipped and their channels exchanged. */
  readonly transposed: boolean;
}

/** The sizes that both convolution kernels take. */
interface ConvSizes extends Readonly<Record<string, number>> {
  readonly batch: number;
  readonly images: number;
  readonly in4: number;
  readonly out4: number;
}

/** A kernel of the filter gradient, the constants that only it has, and how it divides the work. */
interface FilterGradientKernel extends Pick<CodedKernelCall, "kernel" | "code" | "overrides"> {
  /** Invocations of one part. */
  readonly blocks: number;
  /** Loop iterations along one image row. */
  readonly columns: number;
  /** Invocations of a workgroup. */
  readonly workgroup: number;
}

const OUTPUT: BufferSlot = { kind: "output", index: 0 };

/** Workgroup memory of one vector of input channels of a 3x3 kernel: 9 taps of 4 x 8 weights. */
const FILTER_BYTES = 9 * 32 * 4;

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

  /** Runs the convolution kernel that fits, and crops padded channels. */
  correlate(x: BufferSlot, w: BufferSlot, c: Correlation): void {
    const { batch, images, kernelHeight, kernelWidth } = this.#geometry;
    const padded = roundUp4(c.outChannels);
    const pixels = batch * images * c.outHeight * c.outWidth;
    const y = padded === c.outChannels ? OUTPUT : this.#allocate(pixels * padded);
    const sizes = {
      batch,
      images,
      height: c.height,
      width: c.width,
      out_height: c.outHeight,
      out_width: c.outWidth,
      in4: roundUp4(c.inChannels) / 4,
      out4: padded / 4,
      pad_top: c.padTop,
      pad_left: c.padLeft,
    };
    const is3x3 = kernelHeight === 3 && kernelWidth === 3 && c.strideY === 1 && c.strideX === 1;
    this.#calls.push({
      ...(!is3x3
        ? this.#planAny(c, sizes)
        : usesLanes(this.#traits)
        ? this.#planLanes(c, sizes)
        : this.#plan3x3(c, sizes)),
      buffers: [x, w, y],
      flops: this.#flops,
    });
    if (y !== OUTPUT) {
      this.#resize(y, [pixels, 1, 1, padded], [1, 1, c.outChannels], [1, 1], OUTPUT);
    }
  }

  /** Runs the filter gradient in parts, sums them, and crops padded channels. */
  filterGradient(x: BufferSlot, dy: BufferSlot): void {
    const g = this.#geometry;
    const in4 = roundUp4(g.inChannels) / 4;
    const out4 = roundUp4(g.outChannels) / 4;
    const size = g.batch * g.kernelHeight * g.kernelWidth * in4 * out4 * 16;
    const { kernel, code, blocks, columns, workgroup, overrides } = this.#filterGradientKernel(
      in4,
      out4,
    );
    const split = chooseParts(
      { steps: g.images * outHeight(g), iterationsPerStep: columns + 1, blocks, size },
      this.#traits,
    );
    const cropped = in4 * 4 !== g.inChannels || out4 * 4 !== g.outChannels;
    const sum = cropped ? this.#allocate(size) : OUTPUT;
    const parts = split.parts === 1 ? sum : this.#allocate(size * split.parts);
    const grid = linearGrid(blocks * split.parts, this.#traits, workgroup);
    this.#calls.push({
      kernel,
      code,
      overrides: {
        batch: g.batch,
        images: g.images,
        height: g.height,
        width: g.width,
        out_height: outHeight(g),
        out_width: outWidth(g),
        in4,
        out4,
        kernel_y: g.kernelHeight,
        pad_top: g.padTop,
        pad_left: g.padLeft,
        parts: split.parts,
        part_rows: split.stepsPerPart,
        groups_x: grid.overrides.groups_x,
        ...overrides,
      },
      workgroups: grid.workgroups,
      buffers: [x, dy, parts],
      flops: this.#flops,
    });
    if (split.parts > 1) {
      this.#calls.push(
        sumParts({ source: parts, target: sum, size, parts: split.parts }, this.#traits),
      );
    }
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

  #filterGradientKernel(in4: number, out4: number): FilterGradientKernel {
    const g = this.#geometry;
    const workgroup = heavyWorkgroup(this.#traits);
    const isRow3 = g.kernelWidth === 3 && g.strideY === 1 && g.strideX === 1;
    if (isRow3 && usesLanes(this.#traits) && 2 * out4 > LANES) {
      const slots = Math.min(LANES, g.kernelHeight * in4);
      return {
        kernel: "conv2d_3x3_lane_filter_gradient",
        code: kernels.conv2d_3x3_lane_filter_gradient,
        blocks: LANES * g.batch * ceilDivide(g.kernelHeight * in4, slots) * ceilDivide(out4, LANES),
        columns: ceilDivide(g.width, 2),
        workgroup: LANES,
        overrides: { SLOTS: slots },
      };
    }
    if (isRow3) {
      const narrow = in4 === 1;
      return {
        kernel: "conv2d_3x3_filter_gradient",
        code: kernels.conv2d_3x3_filter_gradient,
        blocks: g.batch * g.kernelHeight * ceilDivide(in4, narrow ? 1 : 2) *
          ceilDivide(out4, narrow ? 4 : 2),
        columns: outWidth(g),
        workgroup,
        overrides: { NARROW: narrow ? 1 : 0, WORKGROUP: workgroup },
      };
    }
    return {
      kernel: "conv2d_filter_gradient",
      code: kernels.conv2d_filter_gradient,
      blocks: g.batch * g.kernelHeight * g.kernelWidth * ceilDivide(in4, 2) * ceilDivide(out4, 2),
      columns: outWidth(g),
      workgroup,
      overrides: {
        kernel_x: g.kernelWidth,
        stride_y: g.strideY,
        stride_x: g.strideX,
        WORKGROUP: workgroup,
      },
    };
  }

  #plan3x3(c: Correlation, sizes: ConvSizes): Omit<CodedKernelCall, "buffers" | "flops"> {
    const tilesX = ceilDivide(c.outWidth, 4);
    const tilesY = ceilDivide(c.outHeight, 4);
    const workgroup = heavyWorkgroup(this.#traits);
    const groups = sizes.batch * ceilDivide(sizes.out4, 2) *
      ceilDivide(sizes.images * tilesX * tilesY, workgroup);
    const grid = linearGrid(groups * workgroup, this.#traits, workgroup);
    const room = Math.floor(this.#traits.maxWorkgroupStorage / FILTER_BYTES);
    const transposed = c.transposed ? 1 : 0;
    const direct = sizes.in4 > room;
    return {
      kernel: "conv2d_3x3",
      code: kernels.conv2d_3x3,
      overrides: {
        ...sizes,
        transposed,
        tiles_x: tilesX,
        tiles_y: tilesY,
        MAX_IN4: direct ? 1 : this.#filterRoom(sizes.in4, room),
        DIRECT: direct ? 1 + transposed : 0,
        ...grid.overrides,
      },
      workgroups: grid.workgroups,
    };
  }

  /** Little, where more workgroups run at once if they take less memory; else one kernel for all. */
  #filterRoom(in4: number, room: number): number {
    return this.#traits.costs.occupancy ? Math.min(room, 2 ** Math.ceil(Math.log2(in4))) : room;
  }

  /** Where loads are dear: the lanes of a subgroup share pixels or filters. */
  #planLanes(c: Correlation, sizes: ConvSizes): Omit<CodedKernelCall, "buffers" | "flops"> {
    const shareFilters = { tilesX: ceilDivide(c.outWidth, 4), tilesY: ceilDivide(c.outHeight, 4) };
    const sharePixels = { tilesX: ceilDivide(c.outWidth, 8), tilesY: ceilDivide(c.outHeight, 8) };
    const few = shareFilters.tilesX * shareFilters.tilesY;
    const many = 4 * sharePixels.tilesX * sharePixels.tilesY;
    // Sharing pixels is half as fast again, but wastes parts of larger tiles and of 32 channels.
    const wide = 2 * many * fillUp(sizes.out4, 8) <= 3 * few * fillUp(sizes.out4, 2);
    const { tilesX, tilesY } = wide ? sharePixels : shareFilters;
    const groups = sizes.batch *
      (wide
        ? ceilDivide(sizes.out4, 8) * sizes.images * tilesX * tilesY
        : ceilDivide(sizes.out4, 2) * ceilDivide(sizes.images * tilesX * tilesY, LANES));
    const grid = linearGrid(groups * LANES, this.#traits, LANES);
    return {
      ...(wide
        ? { kernel: "conv2d_3x3_lane_channels", code: kernels.conv2d_3x3_lane_channels }
        : { kernel: "conv2d_3x3_lane_tiles", code: kernels.conv2d_3x3_lane_tiles }),
      overrides: {
        ...sizes,
        TRANSPOSED: c.transposed ? 1 : 0,
        tiles_x: tilesX,
        tiles_y: tilesY,
        groups_x: grid.overrides.groups_x,
      },
      workgroups: grid.workgroups,
    };
  }

  #planAny(c: Correlation, sizes: ConvSizes): Omit<CodedKernelCall, "buffers" | "flops"> {
    const tiles = ceilDivide(sizes.images * c.outHeight * c.outWidth, 8);
    const grid = linearGrid(
      sizes.batch * tiles * ceilDivide(sizes.out4, 2),
      this.#traits,
      heavyWorkgroup(this.#traits),
    );
    return {
      kernel: "conv2d",
      code: kernels.conv2d,
      overrides: {
        ...sizes,
        kernel_y: this.#geometry.kernelHeight,
        kernel_x: this.#geometry.kernelWidth,
        stride_y: c.strideY,
        stride_x: c.strideX,
        TRANSPOSED: c.transposed ? 1 : 0,
        ...grid.overrides,
      },
      workgroups: grid.workgroups,
    };
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
      code: kernels.resize_image,
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

function roundUp4(count: number): number {
  return fillUp(count, 4);
}

/** `count` rounded up to a multiple of `unit`. */
function fillUp(count: number, unit: number): number {
  return unit * ceilDivide(count, unit);
}
