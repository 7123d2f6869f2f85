/**
 * Tests that need a WebGPU adapter.
 *
 * Without an adapter they are reported as ignored, unless the environment variable
 * `MUTASESUMELE_REQUIRE_WEBGPU` is set: then a missing adapter fails every one of them.
 *
 * @module
 */
import { type Gpu, openGpu } from "../src/gpu/device.ts";

const adapter = await navigator.gpu?.requestAdapter();
const required = Deno.env.get("MUTASESUMELE_REQUIRE_WEBGPU") !== undefined;
if (!adapter && !required) {
  console.error("no WebGPU adapter: the tests that need one are ignored (see `deno task doctor`)");
}

/** Registers a test that gets an open device, which is closed afterwards. */
export function webgpuTest(name: string, fn: (gpu: Gpu) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore: !adapter && !required,
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
