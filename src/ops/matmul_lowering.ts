/**
 * Which kernel computes a matrix product, and how its sum is split.
 *
 * @module
 */

import { matmul, matmul_any, matmul_lanes } from "../../kernels/mod.ts";
import type { BufferSlot, CodedKernelCall, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import {
  ceilDivide,
  chooseParts,
  heavyWorkgroup,
  LANES,
  linearGrid,
  sumParts,
  usesLanes,
} from "./kernel_grid.ts";

/** Shapes of a batched matrix product `[batch, rows, inner] x [batch, inner, columns]`. */
export interface MatmulGeometry {
  /** Number of products. */
  readonly batch: number;
  /** Rows of the result. */
  readonly rows: number;
  /** Length of the sums. */
  readonly inner: number;
  /** Columns of the result. */
  readonly columns: number;
  /** `true` when the first operand is stored as `[batch, inner, rows]`. */
  readonly transposeA: boolean;
  /** `true` when the second operand is stored as `[batch, columns, inner]`. */
  readonly transposeB: boolean;
}

/**
 * Plans a batched matrix product.
 *
 * @param geometry The shapes
 * @param traits What is known of the adapter
 * @returns Kernels with the inputs (a, b) and the output `[batch, rows, columns]`
 */
export function lowerMatmul(
  geometry: MatmulGeometry,
  traits: DeviceTraits,
): KernelLowering<CodedKernelCall> {
  const { batch, rows, inner, columns, transposeA, transposeB } = geometry;
  const { kernel, vectors, tile: [tileRows, tileColumns], workgroup } = chooseKernel(
    geometry,
    traits,
  );
  const lanes = kernel === "matmul_lanes";
  const blocks = batch * ceilDivide(rows, tileRows) * ceilDivide(columns, tileColumns) *
    (lanes ? LANES : 1);
  const size = batch * rows * columns;
  const split = chooseParts(
    { steps: vectors ? inner / 4 : inner, iterationsPerStep: 1, blocks, size },
    traits,
  );
  const output: BufferSlot = { kind: "output", index: 0 };
  const scratch: BufferSlot = { kind: "scratch", index: 0 };
  const target = split.parts === 1 ? output : scratch;
  const grid = linearGrid(blocks * split.parts, traits, workgroup);
  const product = {
    kernel,
    code: TEXTS[kernel],
    overrides: {
      batch,
      rows,
      inner,
      columns,
      TRANSPOSE_A: transposeA ? 1 : 0,
      TRANSPOSE_B: transposeB ? 1 : 0,
      parts: split.parts,
      [vectors ? "part4" : "part_inner"]: split.stepsPerPart,
      groups_x: grid.overrides.groups_x,
      ...(lanes ? {} : { WORKGROUP: workgroup }),
    },
    workgroups: grid.workgroups,
    buffers: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }, target],
    flops: 2 * size * inner,
  } as const;
  if (split.parts === 1) return { calls: [product], scratch: [] };
  const sum = sumParts({ source: scratch, target: output, size, parts: split.parts }, traits);
  return { calls: [product, sum], scratch: [size * split.parts] };
}

const TEXTS = { matmul, matmul_any, matmul_lanes } as const;

/** A kernel, and the tile of one invocation, or of one subgroup where lanes share loads. */
interface MatmulKernel {
  readonly kernel: keyof typeof TEXTS;
  /** Whether it loads vectors along the inner axis. */
  readonly vectors: boolean;
  /** Rows and columns. */
  readonly tile: readonly [number, number];
  /** Invocations of a workgroup. */
  readonly workgroup: number;
}

function chooseKernel(
  { rows, inner, columns, transposeA }: MatmulGeometry,
  traits: DeviceTraits,
): MatmulKernel {
  const workgroup = heavyWorkgroup(traits);
  const vectors = inner % 4 === 0 && columns % 4 === 0 && (!transposeA || rows % 4 === 0);
  if (!vectors) return { kernel: "matmul_any", vectors, tile: [4, 4], workgroup };
  if (usesLanes(traits) && rows >= 16 && columns >= 32) {
    return { kernel: "matmul_lanes", vectors, tile: [32, 64], workgroup: LANES };
  }
  return { kernel: "matmul", vectors, tile: [16, 8], workgroup };
}
