/**
 * All operations that several kernels can compute, by what tables call them.
 *
 * @module
 */
import { correlation } from "./correlation.ts";
import { filterGradient } from "./filter_gradient.ts";
import type { KernelSet } from "../../ir/lowering.ts";
import { type KernelOperation, type KernelShape, readShape, variantsOf } from "./kernel_variant.ts";
import { product } from "./product.ts";

/** The operations. */
export const kernelOperations: readonly KernelOperation[] = [correlation, filterGradient, product];

/** A shape of an operation. */
export interface KernelSite {
  /** The operation. */
  readonly operation: KernelOperation;
  /** Its shape. */
  readonly shape: KernelShape;
}

/**
 * Finds out what a line of a table is about.
 *
 * @param key The line
 * @returns The operation and its shape
 * @throws {TypeError} If there is no such operation, or no such shape of it
 */
export function siteOf(key: string): KernelSite {
  for (const operation of kernelOperations) {
    const shape = readShape(operation, key);
    if (shape) return { operation, shape };
  }
  const known = kernelOperations.map(({ name, fields }) => `"${name}: ${fields[0]} 1, ..."`);
  throw new TypeError(`"${key}" is no shape of an operation: expected ${known.join(", ")}.`);
}

/**
 * Checks that there are all the kernels of a table.
 *
 * @param table Names of kernels by shapes
 * @param sets Kernels beyond those that every adapter can run
 * @throws {TypeError} Names the shape or the kernel that there is not, and those that there are
 */
export function requireKernels(
  table: Readonly<Record<string, string>>,
  sets: readonly KernelSet[],
): void {
  for (const [key, wanted] of Object.entries(table)) {
    const names = variantsOf(siteOf(key).operation, sets).map(({ name }) => name);
    if (names.includes(wanted)) continue;
    throw new TypeError(
      `there is no kernel '${wanted}' for "${key}": expected ${
        names.map((name) => `'${name}'`).join(" or ")
      }.`,
    );
  }
}
