/**
 * Timing of single dispatches by the device's own clock.
 *
 * @module
 */

import type { Gpu } from "./device.ts";
import type { CompiledKernel } from "./pipelines.ts";
import { readBuffers } from "./readback.ts";

/** One dispatch: a kernel, its buffers and its number of workgroups. */
export interface Dispatch {
  /** The kernel. */
  readonly kernel: CompiledKernel;
  /** Its buffers. */
  readonly bindGroup: GPUBindGroup;
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
}

/** A WebGPU query set holds at most 4096 queries; a pass needs two. */
const PASSES_PER_SET = 2048;

/**
 * Encodes dispatches into one compute pass; a dispatch sees the writes of those before it.
 *
 * @param encoder The command encoder
 * @param dispatches The dispatches, in order
 * @param label Name of the pass in error messages
 */
export function encodeDispatches(
  encoder: GPUCommandEncoder,
  dispatches: readonly Dispatch[],
  label = "dispatches",
): void {
  const pass = encoder.beginComputePass({ label });
  fillPass(pass, dispatches);
  pass.end();
}

function fillPass(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  let last: GPUComputePipeline | undefined;
  for (const { kernel, bindGroup, workgroups } of dispatches) {
    if (kernel.pipeline !== last) pass.setPipeline(kernel.pipeline);
    last = kernel.pipeline;
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }
}

/**
 * Runs dispatches in order, each in a compute pass of its own, and times each one.
 *
 * Passes of their own add some 25 microseconds to a step on a software adapter, outside of the
 * times that are returned.
 *
 * @param gpu The device
 * @param dispatches The dispatches, in order
 * @returns Nanoseconds on the device of each dispatch
 * @throws {Error} When the device cannot time
 * @throws {GpuError} When the device was lost or has reported an error
 */
export async function timeDispatches(
  gpu: Gpu,
  dispatches: readonly Dispatch[],
): Promise<Float64Array> {
  return await timePasses(gpu, dispatches.map((dispatch) => [dispatch]));
}

/**
 * Runs compute passes in order and times each one.
 *
 * @param gpu The device
 * @param passes The dispatches of each pass, in order
 * @returns Nanoseconds on the device of each pass
 * @throws {Error} When the device cannot time
 * @throws {GpuError} When the device was lost or has reported an error
 */
export async function timePasses(
  gpu: Gpu,
  passes: readonly (readonly Dispatch[])[],
): Promise<Float64Array> {
  if (!gpu.canTime) {
    throw new Error(
      `Cannot time dispatches on ${gpu.info.label}: the adapter has no "timestamp-query", ` +
        `expected that feature. Run without profiling.`,
    );
  }
  const times = new Float64Array(passes.length);
  for (let start = 0; start < passes.length; start += PASSES_PER_SET) {
    const part = passes.slice(start, start + PASSES_PER_SET);
    times.set(await timePart(gpu, part), start);
  }
  return times;
}

async function timePart(
  gpu: Gpu,
  passes: readonly (readonly Dispatch[])[],
): Promise<Float64Array> {
  const count = 2 * passes.length;
  const querySet = gpu.device.createQuerySet({ label: "timing", type: "timestamp", count });
  const resolved = gpu.device.createBuffer({
    label: "timing",
    size: 8 * count,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  try {
    const encoder = gpu.device.createCommandEncoder({ label: "timing" });
    passes.forEach((dispatches, index) => {
      const pass = encoder.beginComputePass({
        label: dispatches[0]?.kernel.label ?? "nothing",
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: 2 * index,
          endOfPassWriteIndex: 2 * index + 1,
        },
      });
      fillPass(pass, dispatches);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    gpu.queue.submit([encoder.finish()]);
    const [bytes] = await readBuffers(
      gpu,
      [{ buffer: resolved, bytes: 8 * count }],
      "time kernels",
    );
    const ticks = new BigUint64Array(bytes!);
    return Float64Array.from(
      passes,
      (_, index) => Number(ticks[2 * index + 1]! - ticks[2 * index]!),
    );
  } finally {
    querySet.destroy();
    resolved.destroy();
  }
}
