/**
 * Which kernels are the fastest for the shapes of a program: measured, shown, and kept for later runs.
 *
 * @module
 */
import { WebGpuBackend } from "../engine/webgpu_backend.ts";
import { type Gpu, openGpu } from "../gpu/device.ts";
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import { Pauses } from "../ir/pauses.ts";
import { findProfile, kernelLines, measureTable } from "../machine/mod.ts";
import { askedShapes } from "../predict/asked_shapes.ts";
import type { MeasuredShape } from "../profile/measure_variants.ts";
import { inlineCalls, simplify, trace } from "../transform/mod.ts";

/** A function, and what it is called with. */
export interface ShapedFunction {
  /** A function of trees of tensors. */
  readonly fn: (...args: never[]) => unknown;
  /** Its arguments: host arrays, or shapes `{ shape, dtype }`. */
  readonly args: readonly unknown[];
}

/** How {@linkcode measureKernelTable} goes about it. */
export interface MeasureKernelTableOptions {
  /** Milliseconds after which no further shape is begun. */
  readonly budget: number;
  /** Whether kernels of half precision are measured too, and a table of its own is kept; not unless told. */
  readonly halfPrecision?: boolean;
  /** Prints a line. */
  readonly print: (line: string) => void;
  /** Folder of profiles; by default where they are kept. */
  readonly folder?: string;
}

/**
 * The shapes of a function for which there are several kernels, with activations kept and computed again.
 *
 * @param gpu The device that it is compiled for.
 * @param target The function.
 * @param profile The adapter's profile.
 * @returns The shapes, as tables have them.
 */
export async function kernelShapes(
  gpu: Gpu,
  { fn, args }: ShapedFunction,
  profile: AdapterProfile,
): Promise<string[]> {
  const asked = new Set<string>();
  const chooseKernel = askedShapes((shape) => asked.add(shape));
  const backend = new WebGpuBackend(gpu, { profile, traits: { chooseKernel } });
  const { program } = trace(fn, args);
  for (const each of [program, inlineCalls(program)]) {
    await backend.temporaryBytes(simplify(each), new Pauses());
  }
  return [...asked];
}

/**
 * Measures the kernels for the shapes of a function, prints them, and keeps which are the fastest.
 *
 * @param target The function.
 * @param options Time, where to print, where to keep.
 * @returns Whether every kernel computed the right numbers.
 */
export async function measureKernelTable(
  target: ShapedFunction,
  { budget, print, halfPrecision = false, ...where }: MeasureKernelTableOptions,
): Promise<boolean> {
  const gpu = await openGpu();
  try {
    const found = { log: print, ...where };
    const { profile } = await findProfile(gpu.device, { ...found, measure: "never" });
    const shapes = await kernelShapes(gpu, target, profile);
    print(
      `${shapes.length} shapes with several kernels on ${gpu.info.label}; ms and GFLOP/s by the device's clock, ` +
        `error relative to the largest element; * the rule's, + faster than that`,
    );
    const { stored, measured, left } = await measureTable(gpu, shapes, {
      ...{ ...found, halfPrecision, profile, budget },
      onUnkept: (why) => print(`The table of kernels is not kept: ${why}`),
      onShape: (shape) => shapeLines(shape).forEach(print),
    });
    for (const shape of left) print(`not measured, as the time was over: ${shape}`);
    if (stored) kernelLines(stored).forEach(print);
    return measured.every(({ variants }) => variants.every(({ right }) => right));
  } finally {
    gpu.close();
  }
}

/** The variants of a shape, the fastest first. */
export function shapeLines(
  { shape, rule, variants, winner, gain, failures }: MeasuredShape,
): string[] {
  const sorted = variants.toSorted((a, b) => a.milliseconds - b.milliseconds);
  return [
    `${shape}${winner === undefined ? "" : `: ${gain!.toFixed(2)} x as fast by ${winner}`}`,
    ...sorted.map(({ name, milliseconds, gflops, error, right }) =>
      `  ${name === winner ? "+" : name === rule ? "*" : " "} ${
        milliseconds.toFixed(4).padStart(10)
      } ms ` +
      `${gflops.toFixed(1).padStart(9)} GFLOP/s  error ${error.toExponential(1)}  ` +
      `${name}${right ? "" : " WRONG"}`
    ),
    ...failures.map((why) => `  does not compile: ${why}`),
  ];
}
