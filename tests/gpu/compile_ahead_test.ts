/** Kernels that are compiled before they run, by several threads. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { compileAhead, type LateKernel } from "../../src/gpu/compile_ahead.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { encodeDispatches } from "../../src/gpu/timing.ts";
import { bindBuffers, KernelCompileError, PipelineCache } from "../../src/gpu/pipelines.ts";
import { readBuffers } from "../../src/gpu/readback.ts";
import { Pauses } from "../../src/ir/pauses.ts";
import { webgpuTest } from "../webgpu.ts";

/** A kernel that no driver has seen before, and that takes one a while to compile. */
function newText(k: number): string {
  const lines = Array.from({ length: 60 }, (_, i) => `  v = sin(v * 1.5 + ${i}.25);`);
  return `
struct Sizes { scale: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var v = x[id.x] * ${crypto.getRandomValues(new Uint32Array(1))[0]}.0;
${lines.join("\n")}
  y[id.x] = select(v, ${k}.0, v < 2.0) * sizes.scale;
}`;
}

function newKernels(gpu: Gpu, count: number): LateKernel[] {
  const cache = new PipelineCache(gpu);
  return Array.from({ length: count }, (_, k) => {
    const code = newText(k);
    return {
      code,
      constants: {},
      types: ["read-only-storage", "storage"],
      sizes: Float32Array.of(2, 0, 0, 0).buffer,
      make: () => cache.get({ label: `kernel ${k}`, code, overrides: { scale: 2 } }),
    };
  });
}

/** Whether the adapter's driver compiles a kernel when it first runs. */
const isLate = (gpu: Gpu): boolean => /llvmpipe/.test(gpu.info.description);

webgpuTest(
  "compileAhead() compiles new kernels in all threads, and known ones not again",
  async (gpu) => {
    const kernels = newKernels(gpu, 12);
    const seen: number[] = [];
    const onProgress = (begun: number, total: number) => {
      assertEquals(total, 12);
      seen.push(begun);
    };
    const found = await compileAhead(gpu, kernels, { threads: 2, onProgress });
    if (isLate(gpu)) {
      assert(found !== undefined, "the kernels are taken for known");
      assertEquals(found.here + found.elsewhere, 12);
      assert(found.elsewhere > 0, "the worker did nothing");
      assertEquals(seen, seen.toSorted((a, b) => a - b));
      assertEquals(seen.length, found.here);
    }
    // On a busy machine the wait for a kernel that is known may take as long as a compilation.
    let again: unknown = {};
    for (let k = 0; k < 10 && again !== undefined; k++) again = await compileAhead(gpu, kernels);
    assertEquals(again, undefined);

    const [x, y] = [0, 1].map(() =>
      gpu.device.createBuffer({
        size: 64,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
      })
    );
    for (const [k, { make }] of kernels.entries()) {
      const kernel = await make();
      const encoder = gpu.device.createCommandEncoder();
      const bindGroup = bindBuffers(gpu, kernel, [x!, y!]);
      encodeDispatches(encoder, [{ kernel, bindGroup, workgroups: [1, 1, 1] }]);
      gpu.queue.submit([encoder.finish()]);
      const [read] = await readBuffers(gpu, [{ buffer: y!, bytes: 4 }]);
      assertEquals(new Float32Array(read!)[0], 2 * k);
    }
  },
);

webgpuTest(
  "compileAhead() makes pipelines in all threads where that is what takes long",
  async (gpu) => {
    // Together 12 of them take more than 3 s.
    let wait = 300;
    let made = 0;
    const kernels = newKernels(gpu, 12).map(({ make, ...kernel }) => ({
      ...kernel,
      make: async () => {
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        made++;
        return await make();
      },
    }));
    const seen: number[] = [];
    const found = await compileAhead(gpu, kernels, {
      ...{ when: "made", threads: 2, pauses: new Pauses() },
      onProgress: (begun) => seen.push(begun),
    });
    assert(found !== undefined, "the kernels are taken for known");
    assertEquals(found.here + found.elsewhere, 12);
    // One of them before all others, to see how long it takes.
    assertEquals(made, 1 + found.here);
    assert(found.elsewhere > 0, "the worker did nothing");
    assertEquals(seen, seen.toSorted((a, b) => a - b));
    assertEquals(seen.at(-1), 12);
    // Too little for workers.
    wait = 100;
    assertEquals(await compileAhead(gpu, kernels, { when: "made" }), undefined);
  },
);

webgpuTest("compileAhead() needs no worker", async (gpu) => {
  const found = await compileAhead(gpu, newKernels(gpu, 8), { threads: 1 });
  assertEquals(found, isLate(gpu) ? { here: 8, elsewhere: 0 } : undefined);
  assertEquals(await compileAhead(gpu, newKernels(gpu, 7), { threads: 1 }), undefined);
});

webgpuTest("compileAhead() ends with its signal", async (gpu) => {
  const controller = new AbortController();
  const pauses = new Pauses(controller.signal);
  const kernels = newKernels(gpu, 12);
  const run = () =>
    compileAhead(gpu, kernels, { threads: 2, pauses, onProgress: () => controller.abort() });
  // Where nothing is compiled late there is nothing to end.
  if (isLate(gpu)) await assertRejects(run, DOMException, "aborted");
  else assertEquals(await run(), undefined);
  gpu.check("go on");
});

webgpuTest(
  "compileAhead() leaves kernels that it cannot dispatch, and the device as it is",
  async (gpu) => {
    const cache = new PipelineCache(gpu);
    const code = "@group(0) @binding(0) var<storage, read_write> y: array<f32, 9999>;\n" +
      "@compute @workgroup_size(1)\nfn main() { y[0] = 1.0; }";
    const make = () => cache.get({ label: "large", code });
    const large = { code, constants: {}, types: ["storage"] as const, sizes: undefined, make };
    await compileAhead(gpu, [large, ...newKernels(gpu, 10)], { threads: 1 });
    gpu.check("go on");
  },
);

webgpuTest(
  "PipelineCache.getAll() names the kernel among many that does not compile",
  async (gpu) => {
    const cache = new PipelineCache(gpu);
    const sources = Array.from({ length: 12 }, (_, k) => {
      const code = newText(k);
      const wrong = code.replace("v < 2.0", "v < nothing");
      return { label: `kernel ${k}`, code: k === 7 ? wrong : code, overrides: { scale: 2 } };
    });
    await assertRejects(() => cache.getAll(sources), KernelCompileError, "kernel 7: line ");
    gpu.check("go on");
    const rest = sources.filter((_, k) => k !== 7);
    const kernels = await cache.getAll(rest);
    assertEquals(kernels.map(({ label }) => label), rest.map(({ label }) => label));
  },
);
