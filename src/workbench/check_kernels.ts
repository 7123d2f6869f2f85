/**
 * Whether kernels compile and are embedded as they are.
 *
 * @module
 */
import { embedKernels, readKernels, staleKernels } from "../../kernels/embed.ts";
import { type Gpu, NoAdapterError, openGpu } from "../gpu/device.ts";
import { createShaderModule } from "../gpu/pipelines.ts";
import { readWgslInterface } from "../gpu/wgsl_interface.ts";

/** What was found. */
export interface KernelFindings {
  /** What is wrong, a line or several each. */
  readonly faults: readonly string[];
  /** What could not be checked, and why. */
  readonly notes: readonly string[];
  /** Number of kernels that compile. */
  readonly compiled: number;
  /** Which compiler: the adapter, in words. */
  readonly compiler: string;
}

/**
 * Compiles kernels with the compiler of the runtime: naga in Deno.
 *
 * @param kernels WGSL by file name.
 * @returns What does not compile, with line and message of the compiler.
 */
export async function compileKernels(
  kernels: ReadonlyMap<string, string>,
): Promise<KernelFindings> {
  let gpu: Gpu;
  try {
    gpu = await openGpu({ label: "check of kernels" });
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    const note = `no kernel was compiled: ${error.message}`;
    return { faults: [], notes: [note], compiled: 0, compiler: error.found };
  }
  const faults: string[] = [];
  const notes: string[] = [];
  let compiled = 0;
  try {
    for (const [label, code] of kernels) {
      if (/^enable subgroups;$/m.test(code) && gpu.subgroups === undefined) {
        notes.push(`${label} was not compiled: ${gpu.info.label} has no subgroups of fixed size.`);
        continue;
      }
      try {
        readWgslInterface(code, label);
        await createShaderModule(gpu, { label, code });
        compiled++;
      } catch (error) {
        faults.push((error as Error).message);
      }
    }
    return { faults, notes, compiled, compiler: gpu.info.label };
  } finally {
    gpu.close();
  }
}

/**
 * Compares the kernels of a folder with the module that they are embedded in, and compiles them.
 *
 * @param folder The folder of `*.wgsl` and `mod.ts`.
 * @returns Names of files that differ, and what does not compile.
 */
export async function checkKernels(folder: URL): Promise<KernelFindings> {
  const kernels = await readKernels(folder);
  const module = await Deno.readTextFile(new URL("mod.ts", folder)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  const stale = staleKernels(kernels, module)
    .map((what) => `Cannot accept kernels/mod.ts: ${what}. Run \`deno task kernels\`.`);
  const found = await compileKernels(
    new Map([...kernels].map(([name, code]) => [`${name}.wgsl`, code])),
  );
  return { ...found, faults: [...stale, ...found.faults] };
}

/** Writes the module in which the kernels of a folder are embedded; returns their number. */
export async function writeKernels(folder: URL): Promise<number> {
  const kernels = await readKernels(folder);
  await Deno.writeTextFile(new URL("mod.ts", folder), embedKernels(kernels));
  return kernels.size;
}
