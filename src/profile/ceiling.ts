/**
 * What the adapter can do at most, measured: the ceilings to which kernels are compared.
 *
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { CompiledKernel } from "../gpu/pipelines.ts";

/** Ceilings of an adapter. */
export interface Ceiling {
  /** Billions of floating-point operations a second, multiply-adds in registers. */
  readonly gflops: number;
  /** Billions of bytes a second, read and written by a copy. */
  readonly gigabytes: number;
}

const ITERATIONS = 1024;
const UNROLLED = 4;
const WORKGROUP = 64;

/**
 * Independent vectors of an invocation; the best count is taken. Few do not hide the latency of
 * the arithmetic, many do not fit into the registers of a processor.
 */
const VECTORS = [1, 2, 3, 4, 8, 16];

/** A dispatch is enlarged until it takes as long as this, in nanoseconds. */
const LONG = 10e6;

/** Times are the least of so many. */
const RUNS = 5;

/** Bytes of each side of the copy. */
const COPIED = 2 ** 26;

function multiplyAdds(vectors: number): string {
  const each = Array.from({ length: vectors }, (_, k) => k);
  const once = each.map((k) => `    a${k} = a${k} * scale + shift;`).join("\n");
  return `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let scale = x[0];
  let shift = x[1];
${each.map((k) => `  var a${k} = vec4f(1.0, 2.0, 3.0, 4.0) + f32(id.x + ${k}u);`).join("\n")}
  for (var i = 0u; i < ${ITERATIONS}u; i++) {
${Array.from({ length: UNROLLED }, () => once).join("\n")}
  }
  y[id.x % ${WORKGROUP}u] = ${each.map((k) => `a${k}`).join(" + ")};
}`;
}

/** Copies four vectors an invocation; neighbours copy neighbours. */
function copyOf(threads: number): string {
  return `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
${[0, 1, 2, 3].map((k) => `  y[id.x + ${k * threads}u] = x[id.x + ${k * threads}u];`).join("\n")}
}`;
}

/**
 * The roofline: what a dispatch takes at least.
 *
 * @param ceiling The adapter's ceilings.
 * @param work Floating-point operations, and bytes if everything is touched once.
 * @returns Nanoseconds.
 */
export function leastTime(
  { gflops, gigabytes }: Ceiling,
  { flops, bytes }: { readonly flops: number; readonly bytes: number },
): number {
  return Math.max(flops / gflops, bytes / gigabytes);
}

/**
 * Measures the ceilings of an adapter.
 *
 * @param gpu A device that can time dispatches.
 * @returns Its arithmetic and its copy bandwidth.
 */
export async function measureCeiling(gpu: Gpu): Promise<Ceiling> {
  const { bindBuffers, BufferPool, PipelineCache, timeDispatches, upload } = await import(
    "../engine/webgpu_backend.ts"
  );
  const pool = new BufferPool(gpu);
  const pipelines = new PipelineCache(gpu);
  const bytes = Math.min(COPIED, gpu.limits.maxStorageBufferBindingSize);
  const from = pool.acquire(bytes);
  const to = pool.acquire(bytes);
  upload(gpu, from, Float32Array.from([0.999, 1e-3]));
  const least = async (kernel: CompiledKernel, workgroups: number): Promise<number> => {
    const bindGroup = bindBuffers(gpu, kernel, [from, to]);
    const one = { kernel, bindGroup, workgroups: [workgroups, 1, 1] as const };
    return Math.min(...await timeDispatches(gpu, Array.from({ length: RUNS }, () => one)));
  };
  let gflops = 0;
  for (const vectors of VECTORS) {
    const kernel = await pipelines.get({ label: "multiply-adds", code: multiplyAdds(vectors) });
    let workgroups = 64;
    let time = await least(kernel, workgroups);
    while (time < LONG && 2 * workgroups <= gpu.limits.maxComputeWorkgroupsPerDimension) {
      workgroups *= 2;
      time = await least(kernel, workgroups);
    }
    const flops = workgroups * WORKGROUP * ITERATIONS * UNROLLED * vectors * 4 * 2;
    gflops = Math.max(gflops, flops / time);
  }
  const groups = Math.floor(bytes / 64 / WORKGROUP);
  const copy = await pipelines.get({ label: "copy", code: copyOf(groups * WORKGROUP) });
  const copied = await least(copy, groups);
  pool.destroy();
  return { gflops, gigabytes: 2 * groups * WORKGROUP * 64 / copied };
}
