/**
 * Kernels of one shape on a device: their numbers, and their times by turns.
 *
 * @module
 */
import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/device.ts";
import { bindBuffers, PipelineCache } from "../gpu/pipelines.ts";
import { readBuffers, upload } from "../gpu/readback.ts";
import type { Dispatch } from "../gpu/timing.ts";
import type { BufferSlot, DeviceTraits } from "../ir/lowering.ts";
import type { KernelSite } from "../ops/variants/kernel_sites.ts";
import { type KernelVariant, variantCalls } from "../ops/variants/kernel_variant.ts";
import { referenceOf } from "./kernel_reference.ts";
import { timesOf } from "./measured_kernels.ts";

/** A pass is repeated until it takes as long as this, in nanoseconds: clocks tick by the microsecond. */
const LONG = 0.1e6;

/**
 * Nanoseconds of work before what is timed, in passes of so many. An H200 that had waited for results in float64 took up
 * to 4 times as long for a kernel as amid others: a GPU that has nothing to do is presumably clocked down.
 */
const WARM = { work: 100e6, pass: 1e6 } as const;

/** A variant with its buffers, ready to be run. */
export interface LoadedVariant {
  /** The variant. */
  readonly variant: KernelVariant;
  /** What it dispatches. */
  readonly dispatches: readonly Dispatch[];
  /** Its buffers besides the operands. */
  readonly buffers: readonly GPUBuffer[];
}

/** Where kernels are compiled, and the arrays that they read. */
export class KernelBench {
  readonly #gpu: Gpu;
  readonly #traits: DeviceTraits;
  readonly #pool: BufferPool;
  readonly #pipelines: PipelineCache;
  /** Operands as long as the longest so far; shorter ones are their beginnings. */
  readonly #operands: { values: Float32Array<ArrayBuffer>; buffer: GPUBuffer }[] = [];

  /** A bench on a device, for kernels that are laid out for `traits`. */
  constructor(gpu: Gpu, traits: DeviceTraits) {
    this.#gpu = gpu;
    this.#traits = traits;
    this.#pool = new BufferPool(gpu);
    this.#pipelines = new PipelineCache(gpu);
  }

  /** Frees everything. */
  close(): void {
    this.#pool.destroy();
  }

  /** The operands of a shape. */
  operands({ operation, shape }: KernelSite): [Float32Array, Float32Array] {
    const [a, b] = referenceOf(operation).operands(shape);
    return [this.#operand(0, a).values, this.#operand(1, b).values];
  }

  /** Compiles a variant and finds room for its results. */
  async load({ operation, shape }: KernelSite, variant: KernelVariant): Promise<LoadedVariant> {
    const result = operation.size(shape);
    const operands = referenceOf(operation).operands(shape);
    const scratch: number[] = [];
    const calls = variantCalls(variant.plan(shape, this.#traits), {
      operands: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }],
      result: { kind: "output", index: 0 },
      size: result,
      flops: 0,
      allocate: (elements) => ({ kind: "scratch", index: scratch.push(elements) - 1 }),
    }, this.#traits);
    const kernels = await Promise.all(
      calls.map(({ kernel: label, code, overrides }) =>
        this.#pipelines.get({ label, code, overrides })
      ),
    );
    const inputs = operands.map((size, k) => this.#operand(k, size).buffer);
    const buffers = [result, ...scratch].map((size) => this.#pool.acquire(4 * size));
    const find = ({ kind, index }: BufferSlot): GPUBuffer =>
      kind === "input" ? inputs[index]! : buffers[kind === "output" ? 0 : 1 + index]!;
    const dispatches = calls.map(({ buffers, workgroups }, k): Dispatch => ({
      kernel: kernels[k]!,
      bindGroup: bindBuffers(this.#gpu, kernels[k]!, buffers.map(find)),
      workgroups,
    }));
    return { variant, dispatches, buffers };
  }

  /** Frees the results of a variant. */
  release({ buffers }: LoadedVariant): void {
    for (const buffer of buffers) this.#pool.release(buffer);
  }

  /** Runs a variant twice, as the first time compiles: what it computes, and nanoseconds of the second time. */
  async run(
    { dispatches, buffers }: LoadedVariant,
    size: number,
  ): Promise<{ readonly values: Float32Array; readonly time: number }> {
    const encoder = this.#gpu.device.createCommandEncoder();
    // What is not written is zero, which no sum of random numbers is.
    for (const buffer of buffers) encoder.clearBuffer(buffer);
    this.#gpu.queue.submit([encoder.finish()]);
    await timesOf(this.#gpu, [dispatches]);
    const [time] = await timesOf(this.#gpu, [dispatches]);
    const [bytes] = await readBuffers(this.#gpu, [{ buffer: buffers[0]!, bytes: 4 * size }]);
    return { values: new Float32Array(bytes!), time: time! };
  }

  /**
   * Times variants by turns, in one order and then in the other, on a device that has been at work.
   *
   * @param variants What to time, and about how long each takes, in nanoseconds.
   * @param rounds How often.
   * @returns Nanoseconds of each variant in each round.
   */
  async time(
    variants: readonly (LoadedVariant & { readonly time: number })[],
    rounds: number,
  ): Promise<number[][]> {
    const [first] = variants;
    if (first === undefined) return [];
    const once = await this.#times(variants.map(({ dispatches }) => dispatches), first);
    const repeats = variants.map((_, k) =>
      Math.max(1, Math.min(64, Math.ceil(LONG / Math.max(once[k]!, 1))))
    );
    const passes = variants.map(({ dispatches }, k) =>
      Array.from({ length: repeats[k]! }, () => dispatches).flat()
    );
    const order = Array.from({ length: rounds }, (_, round) => {
      const turn = passes.map((_, k) => k);
      return round % 2 === 0 ? turn : turn.reverse();
    });
    const times = await this.#times(order.flat().map((k) => passes[k]!), {
      dispatches: first.dispatches,
      time: once[0]!,
    });
    const found: number[][] = variants.map(() => []);
    order.flat().forEach((k, at) => found[k]!.push(times[at]! / repeats[k]!));
    return found;
  }

  /** Nanoseconds of passes on a device at work: a GPU first runs dispatches that take about `time`. */
  async #times(
    passes: readonly (readonly Dispatch[])[],
    { dispatches, time }: Pick<LoadedVariant, "dispatches"> & { readonly time: number },
  ): Promise<Float64Array> {
    // By the clock of the host, passes are repeated for longer than that.
    if (this.#gpu.info.software || !this.#gpu.canTime) return await timesOf(this.#gpu, passes);
    const repeats = Math.max(1, Math.ceil(WARM.pass / Math.max(time, 1e3)));
    const pass = Array.from({ length: repeats }, () => dispatches).flat();
    const warm = Array.from({ length: Math.ceil(WARM.work / WARM.pass) }, () => pass);
    return (await timesOf(this.#gpu, [...warm, ...passes])).subarray(warm.length);
  }

  #operand(index: number, size: number): { values: Float32Array<ArrayBuffer>; buffer: GPUBuffer } {
    const known = this.#operands[index];
    if (known && known.values.length >= size) return known;
    if (known) this.#pool.release(known.buffer);
    const values = randomValues(size, 1 + index);
    const buffer = this.#pool.acquire(4 * size);
    upload(this.#gpu, buffer, values);
    return this.#operands[index] = { values, buffer };
  }
}

/** Repeatable numbers in [-1, 1), not one of them 0 (Numerical Recipes' generator). */
function randomValues(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed;
  for (let k = 0; k < count; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[k] = ((state >>> 9) + 0.5) / 2 ** 22 - 1;
  }
  return values;
}
