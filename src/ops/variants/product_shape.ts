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
export interface ProductKernel extends Pick<VariantCall, "kernel" | "code"> {
  /** Terms of a sum that cannot be divided further. */
  readonly step: number;
  /** Loop iterations that they take; one unless told. */
  readonly iterations?: number;
  /** What an iteration does, in those of a tile in registers; 1 unless told. */
  readonly weight?: number;
  /** Rows and columns of a tile. */
  readonly tile: readonly [number, number];
  /** Invocations of a tile. */
  readonly invocations: number;
  /** Invocations of a workgroup. */
  readonly workgroup: number;
  /** The constants that only it has, for so many steps in a part. */
  readonly overrides: (stepsPerPart: number) => VariantCall["overrides"];
}

/** Lays a kernel out over parts of the inner axis, `share` times as many as usual. */
export function planProduct(
  { batch, rows, inner, columns }: ProductShape,
  { kernel, code, step, iterations = 1, weight, tile, invocations, workgroup, overrides }:
    ProductKernel,
  { traits, share }: { readonly traits: DeviceTraits; readonly share: number },
): VariantCall {
  const blocks = batch * ceilDivide(rows, tile[0]) * ceilDivide(columns, tile[1]) * invocations;
  const { parts, stepsPerPart } = chooseParts(
    {
      steps: ceilDivide(inner, step),
      iterationsPerStep: iterations,
      ...(weight !== undefined && { weight }),
      blocks,
      size: batch * rows * columns,
    },
    traits,
    share,
  );
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
      groups_x: grid.overrides.groups_x,
      ...overrides(stepsPerPart),
    },
    workgroups: grid.workgroups,
    parts,
  };
}
