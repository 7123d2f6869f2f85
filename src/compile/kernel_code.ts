/**
 * The hand-written kernels by name.
 *
 * @module
 */
import { KERNELS } from "../../kernels/mod.ts";

/**
 * WGSL of a hand-written kernel.
 *
 * @param name Name of its file in `kernels/` without `.wgsl`.
 * @param label What wants it, for the error.
 * @throws {Error} If there is none of that name.
 */
export function kernelCode(name: string, label: string): string {
  const code = (KERNELS as Readonly<Record<string, string>>)[name];
  if (code === undefined) {
    throw new Error(`Cannot load '${label}': there is no kernel file '${name}.wgsl'.`);
  }
  return code;
}
