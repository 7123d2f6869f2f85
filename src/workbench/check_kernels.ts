/**
 * Whether kernels compile and are embedded as they are.
 *
 * @module
 */
import { embedKernels, kernelFolders, readKernels, staleKernels } from "../../kernels/embed.ts";
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
 * Compares kernels with the modules that they are embedded in, and compiles them.
 *
 * @param root The folder of `*.wgsl`, `mod.ts` and more such folders.
 * @returns Names of files that differ, and what does not compile.
 */
export async function checkKernels(root: URL): Promise<KernelFindings> {
  const stale: string[] = [];
  const texts = new Map<string, string>();
  for (const path of await kernelFolders(root)) {
    const folder = new URL(path, root);
    const kernels = await readKernels(folder);
    const module = await Deno.readTextFile(new URL("mod.ts", folder)).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
    for (const what of staleKernels(kernels, module)) {
      stale.push(`Cannot accept kernels/${path}mod.ts: ${what}. Run \`deno task kernels\`.`);
    }
    for (const [name, code] of kernels) texts.set(`${path}${name}.wgsl`, code);
  }
  const found = await compileKernels(texts);
  return { ...found, faults: [...stale, ...found.faults] };
}

/** Writes the modules in which kernels are embedded, one a folder; returns the number of the kernels. */
export async function writeKernels(root: URL): Promise<number> {
  let count = 0;
  for (const path of await kernelFolders(root)) {
    const folder = new URL(path, root);
    const kernels = await readKernels(folder);
    await Deno.writeTextFile(new URL("mod.ts", folder), embedKernels(kernels));
    count += kernels.size;
  }
  return count;
}
