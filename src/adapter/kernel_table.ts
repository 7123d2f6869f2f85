/**
 * Which kernel computes which shape, as it was measured: what a machine remembers of its adapter.
 *
 * @module
 */

/** Names of kernels by the shapes that they are to compute. For any other shape a rule decides. */
export type KernelTable = Readonly<Record<string, string>>;

/** How a shape is written: an operation, and whole numbers by name. */
const SHAPE = /^[a-z ]+: \w+ -?\d+(, \w+ -?\d+)*$/;

/**
 * Checks that something is a table of kernels. Whether there are such kernels is found out where one is wanted.
 *
 * @param value What may be one, read from a file perhaps.
 * @returns The same, its shapes in order.
 * @throws {TypeError} Names what is wrong, what was found and what is expected.
 *
 * @example
 * ```ts
 * import { checkKernelTable } from "@mutasesumele/toolkit";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const shape =
 *   "matrix product: batch 1, rows 64, inner 32, columns 5, transposeA 0, transposeB 0";
 * assertEquals(checkKernelTable({ [shape]: "matmul_any" }), { [shape]: "matmul_any" });
 * assertThrows(() => checkKernelTable({ [shape]: 5 }), TypeError, "found 5");
 * ```
 */
export function checkKernelTable(value: unknown): KernelTable {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(value, "an object from shapes to names of kernels");
  }
  const lines = Object.entries(value as Readonly<Record<string, unknown>>);
  for (const [shape, name] of lines) {
    if (!SHAPE.test(shape)) throw wrong(shape, `a shape, such as "matrix product: batch 1, ..."`);
    if (typeof name !== "string") throw wrong(name, `the name of a kernel for "${shape}"`);
  }
  return Object.fromEntries(lines.sort(([a], [b]) => a < b ? -1 : 1)) as KernelTable;
}

function wrong(found: unknown, expected: string): TypeError {
  return new TypeError(
    `Cannot take this for a table of kernels: found ${
      JSON.stringify(found) ?? typeof found
    }, expected ${expected}. Measure again: deno task profile TARGET --kernels.`,
  );
}
