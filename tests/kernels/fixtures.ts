/**
 * Running lowerings of hand-written kernels on a device, and float64 loops to compare them with.
 *
 * @module
 */
import { assert } from "@std/assert";
import { BufferPool } from "../../src/gpu/buffers.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { bindBuffers, PipelineCache } from "../../src/gpu/pipelines.ts";
import { readBuffers, upload } from "../../src/gpu/readback.ts";
import { type Dispatch, encodeDispatches } from "../../src/gpu/timing.ts";
import type { BufferSlot, CodedKernelCall, KernelLowering } from "../../src/ir/lowering.ts";
import { type Conv2dGeometry, outHeight, outWidth } from "../../src/ops/conv2d_lowering.ts";
import type { MatmulGeometry } from "../../src/ops/matmul_lowering.ts";

/** Elements around every output that no kernel may touch. */
const GUARD = 64;
const GUARD_BITS = 0x7fc0dead;

/** Repeatable values in [-1, 1). */
export function values(count: number, seed: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[i] = (state >>> 8) / 2 ** 23 - 1;
  }
  return result;
}

/** Where a lowering's kernels are compiled and its buffers live. */
export class KernelBench {
  readonly gpu: Gpu;
  readonly pool: BufferPool;
  readonly #pipelines: PipelineCache;

  constructor(gpu: Gpu) {
    this.gpu = gpu;
    this.pool = new BufferPool(gpu);
    this.#pipelines = new PipelineCache(gpu);
  }

  /** Compiles a lowering and binds buffers to it; all scratch is poisoned with NaN. */
  async prepare(
    lowering: KernelLowering<CodedKernelCall>,
    inputs: readonly GPUBuffer[],
    output: GPUBuffer,
  ): Promise<Dispatch[]> {
    const scratch = lowering.scratch.map((elements) => {
      const buffer = this.pool.acquire(4 * elements, "scratch");
      upload(this.gpu, buffer, new Float32Array(elements).fill(NaN));
      return buffer;
    });
    const find = ({ kind, index }: BufferSlot): GPUBuffer =>
      kind === "output" ? output : (kind === "input" ? inputs : scratch)[index]!;
    return await Promise.all(lowering.calls.map(async (call) => {
      const kernel = await this.#pipelines.get({
        label: call.kernel,
        code: call.code,
        overrides: call.overrides,
      });
      const bindGroup = bindBuffers(this.gpu, kernel, call.buffers.map(find));
      return { kernel, bindGroup, workgroups: call.workgroups };
    }));
  }

  /** Uploads values into a new buffer. */
  input(data: Float32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.pool.acquire(data.byteLength, "input");
    upload(this.gpu, buffer, data);
    return buffer;
  }

  /** Runs a lowering on poisoned memory and checks that nothing past the output was written. */
  async run(
    lowering: KernelLowering<CodedKernelCall>,
    inputs: readonly Float32Array<ArrayBuffer>[],
    size: number,
  ): Promise<Float32Array> {
    const buffers = inputs.map((data) => this.input(data));
    const poison = new Uint32Array(size + GUARD).fill(GUARD_BITS);
    const output = this.pool.acquire(poison.byteLength, "output");
    upload(this.gpu, output, poison);
    const dispatches = await this.prepare(lowering, buffers, output);
    const encoder = this.gpu.device.createCommandEncoder();
    encodeDispatches(encoder, dispatches);
    this.gpu.queue.submit([encoder.finish()]);
    const [bytes] = await readBuffers(this.gpu, [{ buffer: output, bytes: poison.byteLength }]);
    const bits = new Uint32Array(bytes!);
    for (let i = 0; i < GUARD; i++) {
      assert(bits[size + i] === GUARD_BITS, `element ${i} past the end of the output was written`);
    }
    for (const buffer of [...buffers, output]) this.pool.release(buffer);
    return new Float32Array(bytes!, 0, size);
  }

  /** Destroys all buffers. */
  close(): void {
    this.pool.destroy();
  }
}

/** Throws unless every element is within `tolerance` of the largest magnitude of the expected. */
export function assertClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  context: string,
  tolerance = 1e-5,
): void {
  assert(found.length === expected.length, `${context}: ${found.length} of ${expected.length}`);
  let scale = 0;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(found[i]! - expected[i]!);
    assert(
      error <= tolerance * scale,
      `${context}: element ${i} is ${found[i]}, expected ${expected[i]}`,
    );
  }
}

/** Calls `visit(xIndex, wIndex, yIndex)` for every product of a convolution. */
function visitConv2d(
  g: Conv2dGeometry,
  visit: (x: number, w: number, y: number) => void,
): void {
  const [oh, ow] = [outHeight(g), outWidth(g)];
  for (let bn = 0; bn < g.batch * g.images; bn++) {
    const b = Math.floor(bn / g.images);
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        for (let ky = 0; ky < g.kernelHeight; ky++) {
          const iy = oy * g.strideY + ky - g.padTop;
          if (iy < 0 || iy >= g.height) continue;
          for (let kx = 0; kx < g.kernelWidth; kx++) {
            const ix = ox * g.strideX + kx - g.padLeft;
            if (ix < 0 || ix >= g.width) continue;
            const x = ((bn * g.height + iy) * g.width + ix) * g.inChannels;
            const w = ((b * g.kernelHeight + ky) * g.kernelWidth + kx) * g.inChannels *
              g.outChannels;
            const y = ((bn * oh + oy) * ow + ox) * g.outChannels;
            for (let ci = 0; ci < g.inChannels; ci++) {
              for (let co = 0; co < g.outChannels; co++) {
                visit(x + ci, w + ci * g.outChannels + co, y + co);
              }
            }
          }
        }
      }
    }
  }
}

/** Elements of images, filters and results of a convolution. */
export function conv2dSizes(g: Conv2dGeometry): { x: number; w: number; y: number } {
  return {
    x: g.batch * g.images * g.height * g.width * g.inChannels,
    w: g.batch * g.kernelHeight * g.kernelWidth * g.inChannels * g.outChannels,
    y: g.batch * g.images * outHeight(g) * outWidth(g) * g.outChannels,
  };
}

/** A convolution in float64. */
export function conv2dReference(
  g: Conv2dGeometry,
  x: Float32Array,
  w: Float32Array,
): Float64Array {
  const result = new Float64Array(conv2dSizes(g).y);
  visitConv2d(g, (i, j, k) => result[k]! += x[i]! * w[j]!);
  return result;
}

/** Its gradient with respect to the images, in float64. */
export function inputGradReference(
  g: Conv2dGeometry,
  w: Float32Array,
  dy: Float32Array,
): Float64Array {
  const result = new Float64Array(conv2dSizes(g).x);
  visitConv2d(g, (i, j, k) => result[i]! += w[j]! * dy[k]!);
  return result;
}

/** Its gradient with respect to the filters, in float64. */
export function filterGradReference(
  g: Conv2dGeometry,
  x: Float32Array,
  dy: Float32Array,
): Float64Array {
  const result = new Float64Array(conv2dSizes(g).w);
  visitConv2d(g, (i, j, k) => result[j]! += x[i]! * dy[k]!);
  return result;
}

/** A batched matrix product in float64. */
export function matmulReference(
  g: MatmulGeometry,
  a: Float32Array,
  b: Float32Array,
): Float64Array {
  const { batch, rows, inner, columns } = g;
  const result = new Float64Array(batch * rows * columns);
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          const left = g.transposeA ? (n * inner + k) * rows + i : (n * rows + i) * inner + k;
          const right = g.transposeB
            ? (n * columns + j) * inner + k
            : (n * inner + k) * columns + j;
          sum += a[left]! * b[right]!;
        }
        result[(n * rows + i) * columns + j] = sum;
      }
    }
  }
  return result;
}
