/**
 * Tests that need a WebGPU adapter.
 *
 * Without an adapter that can be trusted they are reported as ignored, unless the environment variable
 * `MUTASESUMELE_REQUIRE_WEBGPU` is set: then a missing adapter fails every one of them.
 *
 * @module
 */
import { findAdapter, type Gpu, NoAdapterError, openGpu } from "../src/gpu/device.ts";

const required = Deno.env.get("MUTASESUMELE_REQUIRE_WEBGPU") !== undefined;

/** Whether tests that need WebGPU are to be ignored. */
export const withoutWebgpu: boolean = !required && !(await hasAdapter());

async function hasAdapter(): Promise<boolean> {
  try {
    await findAdapter();
    return true;
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    console.error(`tests that need WebGPU are ignored: ${error.message}`);
    return false;
  }
}

/** Registers a test that gets an open device, which is closed afterwards. */
export function webgpuTest(name: string, fn: (gpu: Gpu) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore: withoutWebgpu,
    fn: async () => {
      const gpu = await openGpu();
      try {
        await fn(gpu);
      } finally {
        gpu.close();
      }
    },
  });
}
