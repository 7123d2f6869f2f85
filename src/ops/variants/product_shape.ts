/**
 * Shapes of a batched matrix product as its kernels see it.
 *
 * @module
 */
import type { DeviceTraits } from "../../ir/lowering.ts";
import { ceilDivide, chooseParts, linearGrid } from "../kernel_grid.ts";
import type { KernelShape, VariantCall } from "./kernel_variant.ts";

/** `[batch, rows, inner] x [batch, inner, columns]`. */
export interface ProductShape extends KernelShape {
  /** Number of products. */
  readonly batch: number;
  /** Rows of the result. */
  readonly rows: number;
  /** Length of the sums. */
  readonly inner: number;
  /** Columns of the result. */
  readonly columns: number;
  /** 1 when the first operand is stored as `[batch, inner, rows]`. */
  readonly transposeA: number;
  /** 1 when the second operand is stored as `[batch, columns, inner]`. */
  readonly transposeB: number;
}

/** Whether the arrays consist of whole vectors along their last axes. */
export function hasVectors({ rows, inner, columns, transposeA }: ProductShape): boolean {
  return inner % 4 === 0 && columns % 4 === 0 && (!transposeA || rows % 4 === 0);
}

/** A kernel of the product, and how it divides the work. */
export interface ProductKernel extends Pick<VariantCall, "kernel" | "code" | "overrides"> {
  /** Whether it loads vectors along the inner axis. */
  readonly vectors: boolean;
  /** Rows and columns of a tile. */
  readonly tile: readonly [number, number];
  /** Invocations of a tile. */
  readonly invocations: number;
  /** Invocations of a workgroup. */
  readonly workgroup: number;
}

/** Lays a kernel out over parts of the inner axis, `share` times as many as usual. */
export function planProduct(
  { batch, rows, inner, columns, transposeA, transposeB }: ProductShape,
  { kernel, code, vectors, tile, invocations, workgroup, overrides }: ProductKernel,
  { traits, share }: { readonly traits: DeviceTraits; readonly share: number },
): VariantCall {
  const blocks = batch * ceilDivide(rows, tile[0]) * ceilDivide(columns, tile[1]) * invocations;
  const steps = vectors ? inner / 4 : inner;
  const sum = { steps, iterationsPerStep: 1, blocks, size: batch * rows * columns };
  const { parts, stepsPerPart } = chooseParts(sum, traits, share);
  const grid = linearGrid(blocks * parts, traits, workgroup);
  return {
    kernel,
    code,
    overrides: {
      batch,
      rows,
      inner,
      columns,
      parts,
      ...(vectors
        ? { TRANSPOSE_A: transposeA, TRANSPOSE_B: transposeB, part4: stepsPerPart }
        : { transpose_a: transposeA, transpose_b: transposeB, part_inner: stepsPerPart }),
      groups_x: grid.overrides.groups_x,
      ...overrides,
    },
    workgroups: grid.workgroups,
    parts,
  };
}
