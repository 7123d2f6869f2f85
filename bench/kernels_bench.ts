/**
 * Speed of every hand-written kernel family at the shapes that training uses.
 *
 * `deno bench -A bench/kernels_bench.ts [--filter TEXT]` reports times with the wait for the device, and
 * prepares nothing but what it times; `deno run -A bench/kernels_bench.ts [TEXT]` prints a table by the
 * device's own clock, with the share of the roofline that is measured in the same run.
 *
 * @module
 */
import { leastTime, measureCeiling } from "../src/profile/ceiling.ts";
import { BufferPool } from "../src/gpu/buffers.ts";
import { type Gpu, openGpu } from "../src/gpu/device.ts";
import { bindBuffers, PipelineCache } from "../src/gpu/pipelines.ts";
import { upload } from "../src/gpu/readback.ts";
import { type Dispatch, encodeDispatches, timeDispatches } from "../src/gpu/timing.ts";
import type {
  BufferSlot,
  CodedKernelCall,
  DeviceTraits,
  KernelLowering,
} from "../src/ir/lowering.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
  outHeight,
  outWidth,
} from "../src/ops/conv2d_lowering.ts";
import { withKernelSets } from "../src/ops/variants/kernel_sets.ts";
import { lowerMatmul, type MatmulGeometry } from "../src/ops/matmul_lowering.ts";

/** Runs in one submit, so that the wait of 10 ms at its end does not count. */
const RUNS = 20;

interface Case {
  readonly name: string;
  readonly lower: (traits: DeviceTraits) => KernelLowering<CodedKernelCall>;
  readonly inputs: readonly number[];
  readonly output: number;
}

function conv2dCases(
  [batch, images, size, inChannels, outChannels, pad]: readonly [
    number,
    number,
    number,
    number,
    number,
    number,
  ],
): Case[] {
  const g: Conv2dGeometry = {
    batch,
    images,
    height: size,
    width: size,
    inChannels,
    outChannels,
    kernelHeight: 3,
    kernelWidth: 3,
    strideY: 1,
    strideX: 1,
    padTop: pad,
    padLeft: pad,
    padBottom: pad,
    padRight: pad,
  };
  const shape = `${batch}x${images}x${size}x${size}x${inChannels} -> ${outChannels} pad ${pad}`;
  const x = batch * images * size * size * inChannels;
  const w = batch * 9 * inChannels * outChannels;
  const y = batch * images * outHeight(g) * outWidth(g) * outChannels;
  return [
    { name: `conv2d        ${shape}`, lower: (t) => lowerConv2d(g, t), inputs: [x, w], output: y },
    {
      name: `  input grad  ${shape}`,
      lower: (t) => lowerConv2dInputGrad(g, t),
      inputs: [w, y],
      output: x,
    },
    {
      name: `  filter grad ${shape}`,
      lower: (t) => lowerConv2dFilterGrad(g, t),
      inputs: [x, y],
      output: w,
    },
  ];
}

function matmulCase(
  [batch, rows, inner, columns]: readonly [number, number, number, number],
  [transposeA, transposeB]: readonly [boolean, boolean],
): Case {
  const g: MatmulGeometry = { batch, rows, inner, columns, transposeA, transposeB };
  const left = transposeA ? `${inner}x${rows}ᵀ` : `${rows}x${inner}`;
  const right = transposeB ? `${columns}x${inner}ᵀ` : `${inner}x${columns}`;
  return {
    name: `matmul        ${batch} x [${left}] [${right}]`,
    lower: (t) => lowerMatmul(g, t),
    inputs: [batch * rows * inner, batch * inner * columns],
    output: batch * rows * columns,
  };
}

const CASES: readonly Case[] = [
  ...conv2dCases([1, 80, 32, 32, 32, 1]),
  ...conv2dCases([4, 5, 32, 3, 32, 1]),
  ...conv2dCases([4, 5, 16, 32, 32, 1]),
  ...conv2dCases([4, 5, 8, 32, 32, 1]),
  ...conv2dCases([4, 5, 4, 32, 32, 1]),
  ...conv2dCases([4, 75, 16, 32, 32, 1]),
  ...conv2dCases([4, 75, 8, 32, 32, 1]),
  ...conv2dCases([4, 5, 16, 8, 8, 1]),
  ...conv2dCases([1, 64, 32, 3, 32, 1]),
  ...conv2dCases([1, 64, 32, 32, 32, 0]),
  ...conv2dCases([1, 64, 15, 32, 64, 1]),
  ...conv2dCases([1, 64, 15, 64, 64, 0]),
  ...conv2dCases([1, 64, 6, 64, 128, 1]),
  ...conv2dCases([1, 64, 6, 128, 128, 0]),
  matmulCase([1, 64, 512, 1024], [false, false]),
  matmulCase([1, 192, 512, 1024], [false, false]),
  matmulCase([1, 192, 1024, 512], [false, true]),
  matmulCase([1, 512, 192, 1024], [true, false]),
  matmulCase([1, 128, 1024, 128], [false, true]),
  matmulCase([1, 128, 128, 1024], [true, false]),
  matmulCase([4, 75, 128, 5], [false, false]),
  matmulCase([4, 128, 75, 5], [true, false]),
];

/** Where kernels are compiled and their buffers live. */
interface Device {
  readonly gpu: Gpu;
  readonly pool: BufferPool;
  readonly pipelines: PipelineCache;
}

async function openDevice(): Promise<Device> {
  const gpu = await openGpu();
  return { gpu, pool: new BufferPool(gpu), pipelines: new PipelineCache(gpu) };
}

/** A buffer of small repeatable numbers. */
function filled({ gpu, pool }: Device, elements: number): GPUBuffer {
  const buffer = pool.acquire(4 * elements);
  upload(
    gpu,
    buffer,
    Float32Array.from({ length: elements }, (_, i) => (i * 37 % 101) / 101 - 0.5),
  );
  return buffer;
}

interface Prepared {
  readonly dispatches: Dispatch[];
  readonly flops: number;
  /** What is read and written if everything is touched once. */
  readonly bytes: number;
}

async function prepare(device: Device, row: Case): Promise<Prepared> {
  const { gpu, pipelines } = device;
  const fill = (elements: number): GPUBuffer => filled(device, elements);
  const lowering = row.lower(await withKernelSets(gpu.traits));
  const inputs = row.inputs.map(fill);
  const output = fill(row.output);
  const scratch = lowering.scratch.map(fill);
  const find = ({ kind, index }: BufferSlot): GPUBuffer =>
    kind === "output" ? output : (kind === "input" ? inputs : scratch)[index]!;
  const dispatches = await Promise.all(lowering.calls.map(async (call) => {
    const { kernel: label, code, overrides } = call;
    const kernel = await pipelines.get({ label, code, overrides });
    const bindGroup = bindBuffers(gpu, kernel, call.buffers.map(find));
    return { kernel, bindGroup, workgroups: call.workgroups };
  }));
  const total = (counts: readonly number[]): number =>
    counts.reduce((sum, count) => sum + count, 0);
  return {
    dispatches,
    flops: total(lowering.calls.map((call) => call.flops)),
    bytes: 4 * (total(row.inputs) + row.output + 2 * total(lowering.scratch)),
  };
}

/** Fastest of the runs, all their dispatches together, in nanoseconds by the device's clock. */
async function fastest(gpu: Gpu, dispatches: readonly Dispatch[]): Promise<number> {
  await timeDispatches(gpu, dispatches);
  const times = await timeDispatches(gpu, Array.from({ length: RUNS }, () => dispatches).flat());
  let least = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const start = run * dispatches.length;
    const sum = times.subarray(start, start + dispatches.length).reduce((a, b) => a + b, 0);
    least = Math.min(least, sum);
  }
  return least;
}

/** Prints one line a kernel. */
async function printTable(filter: string): Promise<void> {
  const device = await openDevice();
  const { gpu } = device;
  const ceiling = await measureCeiling(gpu);
  console.log(
    `# ${gpu.info.label}: fastest of ${RUNS} runs; ceilings ${
      ceiling.gflops.toFixed(1)
    } GFLOP/s, ` +
      `${ceiling.gigabytes.toFixed(1)} GB/s`,
  );
  for (const row of CASES.filter(({ name }) => name.includes(filter))) {
    const { dispatches, flops, bytes } = await prepare(device, row);
    const time = await fastest(gpu, dispatches);
    const rate = (flops / time).toFixed(1).padStart(8);
    const moved = (bytes / time).toFixed(1).padStart(6);
    const milliseconds = (time / 1e6).toFixed(3).padStart(9);
    const share = `${(100 * leastTime(ceiling, { flops, bytes }) / time).toFixed(0)}%`.padStart(4);
    console.log(
      `${
        row.name.padEnd(48)
      } ${rate} GFLOP/s ${moved} GB/s ${milliseconds} ms ${share} of roofline`,
    );
  }
}

/** Registers a bench a kernel; its device and buffers are there from its first call on. */
function registerBenches(): void {
  let opened: Promise<Device> | undefined;
  for (const row of CASES) {
    let prepared: Promise<Prepared> | undefined;
    Deno.bench({
      name: `${row.name} x ${RUNS}`,
      warmup: 1,
      n: 5,
      fn: async (timer) => {
        const device = await (opened ??= openDevice());
        const { dispatches } = await (prepared ??= prepare(device, row));
        const { gpu } = device;
        timer.start();
        const encoder = gpu.device.createCommandEncoder();
        encodeDispatches(encoder, Array.from({ length: RUNS }, () => dispatches).flat());
        gpu.queue.submit([encoder.finish()]);
        await gpu.finish(`bench ${row.name}`);
        timer.end();
      },
    });
  }
}

if (import.meta.main) {
  await printTable(Deno.args.find((argument) => !argument.startsWith("-")) ?? "");
} else {
  registerBenches();
}
