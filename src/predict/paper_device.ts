/**
 * A WebGPU device of paper: it takes everything that a device takes, and computes nothing.
 *
 * On it an engine plans, allocates and encodes as it would on the adapter, at once and without memory.
 *
 * @module
 */
import { Gpu } from "../gpu/device.ts";

/** What the paper is an image of. */
export type Pictured = Pick<Gpu, "info" | "limits" | "features" | "subgroups">;

/**
 * Makes a device of paper.
 *
 * @param pictured An open device of the adapter, or what is known of one: it is asked for its limits and features.
 * @returns A device with the same limits; buffers that are read from it hold zeros.
 */
export function paperGpu({ info, limits, features, subgroups }: Pictured): Gpu {
  const device: Paper = {
    limits,
    features,
    lost: new Promise(() => {}),
    queue: {
      submit: nothing,
      writeBuffer: nothing,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
    addEventListener: nothing,
    removeEventListener: nothing,
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size, label }: { readonly size: number; readonly label?: string }) => ({
      ...{ size, label, destroy: nothing, unmap: nothing, mapAsync: () => Promise.resolve() },
      getMappedRange: (_: number, bytes: number) => new ArrayBuffer(bytes),
    }),
    createShaderModule: () => ({ getCompilationInfo: () => Promise.resolve({ messages: [] }) }),
    createBindGroupLayout: sheet,
    createPipelineLayout: sheet,
    createComputePipelineAsync: () => Promise.resolve({}),
    createBindGroup: sheet,
    createCommandEncoder: () => ({
      beginComputePass: () => ({
        setPipeline: nothing,
        setBindGroup: nothing,
        dispatchWorkgroups: nothing,
        end: nothing,
      }),
      copyBufferToBuffer: nothing,
      finish: sheet,
    }),
    destroy: nothing,
  };
  return new Gpu(device as unknown as GPUDevice, info, { subgroups });
}

/** What the library uses of a device. */
type Paper = {
  readonly [
    Name in
      & keyof GPUDevice
      & (
        | "limits"
        | "features"
        | "lost"
        | "queue"
        | "addEventListener"
        | "removeEventListener"
        | "pushErrorScope"
        | "popErrorScope"
        | "createBuffer"
        | "createShaderModule"
        | "createBindGroupLayout"
        | "createPipelineLayout"
        | "createComputePipelineAsync"
        | "createBindGroup"
        | "createCommandEncoder"
        | "destroy"
      )
  ]: unknown;
};

function nothing(): void {}

function sheet(): Record<string, never> {
  return {};
}
