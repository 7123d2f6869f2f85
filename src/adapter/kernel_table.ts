/**
 * Which kernel computes which shape, as it was measured: what a machine remembers of its adapter.
 *
 * @module
 */

/** Names of kernels by the shapes that they are to compute. For any other shape a rule decides. */
export type KernelTable = Readonly<Record<string, string>>;

/**
 * Checks that something is a table of kernels. Whether there is such a kernel for a shape is found out where it is
 * wanted.
 *
 * @param value What may be one, read from a file perhaps.
 * @returns The same.
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
 * assertThrows(() => checkKernelTable({ [shape]: 5 }), TypeError, ":5}");
 * ```
 */
export function checkKernelTable(value: unknown): KernelTable {
  const lines = typeof value === "object" && value !== null
    ? Object.entries(value as Readonly<Record<string, unknown>>)
    : [["", value] as const];
  for (const [shape, name] of lines) {
    if (shape.includes(": ") && typeof name === "string") continue;
    throw new TypeError(
      `Cannot take this for a table of kernels: found ${
        JSON.stringify({ [shape]: name })
      }, expected a kernel by a shape.`,
    );
  }
  return Object.fromEntries(lines) as KernelTable;
}
