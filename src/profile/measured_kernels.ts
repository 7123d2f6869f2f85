/**
 * Kernels on a device whose times are taken again and again, by turns.
 *
 * @module
 */
import { BufferPool } from "../gpu/buffers.ts";
import type { Gpu } from "../gpu/device.ts";
import { bindBuffers, type CompiledKernel, PipelineCache } from "../gpu/pipelines.ts";
import { readBuffers, upload } from "../gpu/readback.ts";
import { type Dispatch, encodeDispatches, timePasses } from "../gpu/timing.ts";
import type { CodedKernelCall } from "../ir/lowering.ts";
import { ARRAY, copyKernel, emptyKernel, WORKGROUP } from "./measure_kernels.ts";

/**
 * A dispatch is enlarged until it takes as long as this, in nanoseconds: clocks tick by the microsecond, and an
 * operating system may run all threads of a shorter one on a single core.
 */
const LONG = 0.5e6;

/** Nanoseconds of passes one after the other, until when it has spread the threads over the cores. */
const SPREAD = 20e6;

/** How often everything is measured; where that takes too long, so often at least. */
const TURNS = 5;
const LEAST_TURNS = 3;

/** How often every kernel runs in a turn: seldom where it is long, as then it is disturbed as often if repeated. */
const REPEATS = { most: 24, least: 2, first: 4, inTurn: 1 } as const;

/** Workgroups of a dispatch that is to take no time by itself. */
export const SMALL = 16;

/** Vectors that are copied: 4 and 32 MiB, more than most caches hold. */
const COPIED: Amounts = [2 ** 18, 2 ** 21];

/** Less and more of something; much less, so that the least time of one in a quieter moment makes no difference. */
export type Amounts = readonly [number, number];

/** Dispatches that are timed together. */
export type Pass = readonly Dispatch[];

/** A kernel with its sizes. */
export type Runnable = Pick<CodedKernelCall, "kernel" | "code" | "overrides" | "workgroups">;

/** One quantity, by passes that have less and more of it. */
export class Measured {
  /** What it is, for errors. */
  readonly what: string;
  /** The passes, with less of it and with more. */
  readonly passes: readonly [Pass, Pass];
  /** Times of each pass so far, in nanoseconds. */
  readonly times: readonly [number[], number[]] = [[], []];
  readonly #amount: number;
  readonly #few: number;
  /** Whether passes are timed as they follow each other, by the clock of the host, which encodes them meanwhile. */
  readonly inTurn: boolean;

  /** A quantity of which the second pass has `amount` more than the first, and the first `few` times that. */
  constructor(
    what: string,
    passes: readonly [Pass, Pass],
    amount: number,
    { few = 0, inTurn = false }: { readonly few?: number; readonly inTurn?: boolean } = {},
  ) {
    this.what = what;
    this.inTurn = inTurn;
    this.passes = passes;
    this.#amount = amount;
    this.#few = few;
  }

  /** Nanoseconds of one more of it, at best. */
  slope(): number {
    return (this.least(1) - this.least(0)) / this.#amount;
  }

  /** Nanoseconds of all of it in the first pass or in the second, at best. */
  work(pass: 0 | 1): number {
    return (this.#few + pass) * (this.least(1) - this.least(0));
  }

  /** The least time of a pass. */
  least(pass: 0 | 1): number {
    return Math.min(...this.times[pass]);
  }

  /** The time of a pass that half of all times were below. */
  middle(pass: 0 | 1): number {
    const sorted = this.times[pass].toSorted((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  }
}

/** Kernels on a device, and the arrays that they visit. */
export class MeasuredKernels {
  readonly #gpu: Gpu;
  readonly #pool: BufferPool;
  readonly #pipelines: PipelineCache;
  readonly #source: GPUBuffer;
  readonly #target: GPUBuffer;

  /** Allocates the arrays. */
  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#pool = new BufferPool(gpu);
    this.#pipelines = new PipelineCache(gpu);
    this.#source = this.#pool.acquire(16 * COPIED[1]);
    this.#target = this.#pool.acquire(16 * COPIED[1]);
  }

  /** Frees everything. */
  close(): void {
    this.#pool.destroy();
  }

  /** A round of a loop of one invocation, while the whole adapter is busy: by `first` workgroups or more. */
  async loop(what: string, code: string, rounds: Amounts, first = 128): Promise<Measured> {
    const sized = await this.#sized(what, code, rounds);
    const groups = await this.#enlarge((groups) => sized(groups)[1], first);
    const [few, many] = rounds;
    return new Measured(what, sized(groups), (many - few) * groups * WORKGROUP, {
      few: few / (many - few),
    });
  }

  /** A round of a loop of one invocation, while only its workgroup runs. */
  async alone(what: string, code: string, rounds: Amounts): Promise<Measured> {
    const sized = await this.#sized(what, code, rounds);
    return new Measured(what, sized(1), (rounds[1] - rounds[0]) * WORKGROUP);
  }

  /** A vector of arrays, by kernels that visit few and many of them. */
  async arrays(
    what: string,
    code: (arrays: number) => string,
    [few, many]: Amounts,
  ): Promise<Measured> {
    const [less, more] = await Promise.all(
      [few, many].map((count) => this.#pipelines.get({ label: what, code: code(count) })),
    );
    const pass = (kernel: CompiledKernel, groups: number): Pass => [
      this.#dispatch(kernel, groups, [this.#source, this.#target]),
    ];
    const groups = await this.#enlarge((groups) => pass(more!, groups), ARRAY / WORKGROUP);
    const passes = [pass(less!, groups), pass(more!, groups)] as const;
    return new Measured(what, passes, (many - few) * groups * WORKGROUP, {
      few: few / (many - few),
    });
  }

  /** A vector that is copied. */
  async copies(): Promise<Measured> {
    const [less, more] = await Promise.all(COPIED.map(async (vectors): Promise<Pass> => {
      const code = copyKernel(vectors / 4);
      const kernel = await this.#pipelines.get({ label: "copy", code });
      const buffers = [this.#source, this.#target];
      return [this.#dispatch(kernel, vectors / 4 / WORKGROUP, buffers)];
    }));
    return new Measured("copies", [less!, more!], COPIED[1] - COPIED[0]);
  }

  /** A dispatch that waits for the one before. */
  async dispatches([few, many]: Amounts): Promise<Measured> {
    const one = await this.#empty();
    const pass = (length: number): Pass => Array.from({ length }, () => one);
    return new Measured("dispatches", [pass(few), pass(many)], many - few);
  }

  /** A workgroup that does nothing. */
  async workgroups([few, many]: Amounts): Promise<Measured> {
    const passes = await Promise.all(
      [few, many].map(async (groups) => [await this.#empty(groups)]),
    );
    return new Measured("workgroups", [passes[0]!, passes[1]!], many - few);
  }

  /** Nanoseconds of the host to encode one more dispatch. */
  async encoding([few, many]: Amounts): Promise<number> {
    const one = await this.#empty();
    const least = [few, many].map((length) => {
      const pass = Array.from({ length }, () => one);
      const times = Array.from({ length: 12 }, () => {
        const start = performance.now();
        const encoder = this.#gpu.device.createCommandEncoder();
        encodeDispatches(encoder, pass);
        encoder.finish();
        return performance.now() - start;
      });
      return Math.min(...times);
    });
    return 1e6 * (least[1]! - least[0]!) / (many - few);
  }

  /** Runs of a kernel, one more of them after the other: arrays that it reads, and one that it writes. */
  async runs({ kernel: label, code, overrides, workgroups }: Runnable): Promise<Measured> {
    const kernel = await this.#pipelines.get({ label, code, overrides });
    const buffers = kernel.bindings.map(({ access }) =>
      access === "read" ? this.#source : this.#target
    );
    const one = { kernel, bindGroup: bindBuffers(this.#gpu, kernel, buffers), workgroups };
    return new Measured(label, [[one], [one, one, one]], 2);
  }

  /** Bytes of each array that kernels visit. */
  get bytes(): number {
    return this.#source.size;
  }

  /** Whether a pass takes long enough to be timed well. */
  async isLong(pass: Pass): Promise<boolean> {
    return Math.min(...await this.#times([pass, pass])) >= LONG;
  }

  /**
   * Times everything by turns: others use the machine, too, and not all the time.
   *
   * @param all What to time.
   * @param budget Milliseconds.
   * @throws {Error} If more of something takes no longer.
   */
  async measure(all: readonly Measured[], budget: number): Promise<void> {
    const start = performance.now();
    const slow = () => performance.now() - start > budget;
    for (let turn = 0; turn < (slow() ? LEAST_TURNS : TURNS); turn++) {
      for (const quantity of all) {
        const once = quantity.times[0].length > 0 ? quantity.least(0) + quantity.least(1) : 0;
        const length = quantity.inTurn
          ? REPEATS.inTurn
          : once === 0
          ? REPEATS.first
          : Math.max(REPEATS.least, Math.min(REPEATS.most, Math.round(SPREAD / once)));
        const passes = Array.from({ length }, () => quantity.passes).flat();
        const times = await (quantity.inTurn ? timeOnHost(this.#gpu, passes) : this.#times(passes));
        times.forEach((time, k) => quantity.times[k % 2]!.push(time));
      }
    }
    for (const quantity of all) {
      if (quantity.slope() > 0) continue;
      throw new Error(
        `Cannot measure ${quantity.what} on ${this.#gpu.info.label}: found that more of it takes no longer, ` +
          `expected a machine that is less busy. Measure again when it is idle, or use the built-in profile.`,
      );
    }
  }

  /** Nanoseconds of the host for one more submission. */
  async submission(): Promise<number> {
    const one = await this.#empty();
    let least = Infinity;
    for (let repeat = 0; repeat < 12; repeat++) {
      const encoder = this.#gpu.device.createCommandEncoder();
      encodeDispatches(encoder, [one]);
      const start = performance.now();
      this.#gpu.queue.submit([encoder.finish()]);
      least = Math.min(least, performance.now() - start);
      await this.#gpu.finish("measure a submission");
    }
    return 1e6 * least;
  }

  /** Nanoseconds from asking for 16 bytes to having them, usually. */
  async readback(): Promise<number> {
    const times: number[] = [];
    for (let repeat = 0; repeat < 5; repeat++) {
      const start = performance.now();
      await readBuffers(this.#gpu, [{ buffer: this.#target, bytes: 16 }], "measure a readback");
      times.push(performance.now() - start);
    }
    return 1e6 * times.sort((a, b) => a - b)[times.length >> 1]!;
  }

  async #empty(groups: number = SMALL): Promise<Dispatch> {
    const kernel = await this.#pipelines.get({ label: "nothing", code: emptyKernel() });
    return this.#dispatch(kernel, groups, [this.#head(0), this.#target]);
  }

  /** A loop of few and of many rounds, by so many workgroups. */
  async #sized(
    label: string,
    code: string,
    rounds: Amounts,
  ): Promise<(groups: number) => [Pass, Pass]> {
    const kernel = await this.#pipelines.get({ label, code });
    const [few, many] = [this.#head(rounds[0]), this.#head(rounds[1])];
    return (groups) => [
      [this.#dispatch(kernel, groups, [few, this.#target])],
      [this.#dispatch(kernel, groups, [many, this.#target])],
    ];
  }

  #dispatch(kernel: CompiledKernel, groups: number, buffers: readonly GPUBuffer[]): Dispatch {
    const bindGroup = bindBuffers(this.#gpu, kernel, buffers);
    const rows = Math.ceil(groups / this.#gpu.limits.maxComputeWorkgroupsPerDimension);
    return { kernel, bindGroup, workgroups: [Math.ceil(groups / rows), rows, 1] };
  }

  /** A buffer that says how many rounds a loop has, and whose numbers stay numbers. */
  #head(rounds: number): GPUBuffer {
    const numbers = new Float32Array(4 * WORKGROUP).fill(0.25);
    numbers.set([rounds, 0, 0, 0, 1, 1, 1, 1, 0.999, 0.999, 0.999, 0.999, 1e-3, 1e-3, 1e-3, 1e-3]);
    const buffer = this.#pool.acquire(numbers.byteLength);
    upload(this.#gpu, buffer, numbers);
    return buffer;
  }

  /** Workgroups for which a pass takes long enough to be timed. */
  async #enlarge(pass: (groups: number) => Pass, first: number): Promise<number> {
    let groups = first;
    for (;;) {
      if (await this.isLong(pass(groups))) return groups;
      groups *= 2;
    }
  }

  async #times(passes: readonly Pass[]): Promise<Float64Array> {
    return await timesOf(this.#gpu, passes);
  }
}

/** Nanoseconds of passes, by the clock of the device if it has one. */
export async function timesOf(gpu: Gpu, passes: readonly Pass[]): Promise<Float64Array> {
  return gpu.canTime ? await timePasses(gpu, passes) : await timeOnHost(gpu, passes);
}

/** Nanoseconds of passes by the clock of the host: each is submitted again and again, as steps of a training are. */
async function timeOnHost(gpu: Gpu, passes: readonly Pass[]): Promise<Float64Array> {
  const timed = async (pass: Pass, repeats: number): Promise<number> => {
    const start = performance.now();
    for (let k = 0; k < repeats; k++) {
      const encoder = gpu.device.createCommandEncoder();
      encodeDispatches(encoder, pass);
      gpu.queue.submit([encoder.finish()]);
    }
    await gpu.finish("measure the adapter");
    return 1e6 * (performance.now() - start);
  };
  const times = new Float64Array(passes.length);
  for (const [k, pass] of passes.entries()) {
    // The wait itself takes some 10 ms: the slope of two counts leaves it out.
    const once = await timed(pass, 1);
    const more = Math.min(64, Math.max(4, Math.ceil(6e7 / once)));
    times[k] = Math.max(0, await timed(pass, 1 + more) - once) / more;
  }
  return times;
}
