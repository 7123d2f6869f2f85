/**
 * The profile of an adapter, measured.
 *
 * @module
 */
import { type AdapterProfile, checkProfile } from "../adapter/adapter_profile.ts";
import { adapterClassOf } from "../adapter/built_in_profiles.ts";
import type { Gpu } from "../gpu/device.ts";
import { withKernelSets } from "../ops/variants/kernel_sets.ts";
import { type Amounts, MeasuredKernels } from "./measured_kernels.ts";
import { MeasuredPlans } from "./measure_plans.ts";
import {
  arithmeticKernel,
  barrierKernel,
  ELEMENTS,
  loadKernel,
  MATRIX_OPERATIONS,
  matrixKernel,
  shuffleKernel,
  storeKernel,
  UNROLLED,
  WORKGROUP,
  workgroupKernel,
} from "./measure_kernels.ts";

/** Rounds of the loops: the difference of two dispatches is that of the rounds, and nothing else. */
const ROUNDS: Amounts = [2, 40];

/** Rounds of a single workgroup. */
const ALONE: Amounts = [200, 4000];

/** Rounds where each waits for all others of the workgroup. */
const BARRIERS: Amounts = [1, 8];

/** Arrays that are loaded or stored. */
const ARRAYS: Amounts = [1, 16];

/** Dispatches of a pass. */
const DISPATCHES: Amounts = [8, 160];

/** Workgroups of a dispatch. */
const WORKGROUPS: Amounts = [16, 16_384];

/** Bytes of a vector. */
const VECTOR = 16;

/** Options of {@linkcode measureAdapter}. */
export interface MeasureAdapterOptions {
  /** Milliseconds after which nothing is measured again; 10,000 unless told. On a quiet machine it takes less. */
  readonly budget?: number;
  /** Cores of the processor, where the adapter is one; those of this machine unless told. */
  readonly cores?: number;
}

/**
 * Measures what an adapter can do: a few seconds, on a busy machine up to 20.
 *
 * Small kernels do one thing each. Every quantity is the slope between two amounts of it, so that what else a
 * dispatch takes drops out; every time is the least of many, taken by turns over the whole of the measurement, as
 * others use the machine, too.
 *
 * @param gpu The device.
 * @param options How long to go on.
 * @returns The profile, in three figures; its units stand in {@linkcode AdapterProfile}.
 * @throws {Error} If a quantity cannot be told from noise.
 * @throws {TypeError} If a quantity is none that an adapter could have.
 */
export async function measureAdapter(
  gpu: Gpu,
  { budget = 10_000, cores = navigator.hardwareConcurrency }: MeasureAdapterOptions = {},
): Promise<AdapterProfile> {
  const kernels = new MeasuredKernels(gpu);
  const lanes = gpu.subgroups?.lanes ?? 0;
  const kind = adapterClassOf(gpu.info);
  try {
    const code = { chain: arithmeticKernel(1) };
    const of = {
      chain: await kernels.loop("arithmetic", code.chain, ROUNDS),
      few: await kernels.loop("arithmetic", arithmeticKernel(4), ROUNDS),
      many: await kernels.loop("arithmetic", arithmeticKernel(8), ROUNDS),
      matrices: await kernels.loop(
        "products of matrices",
        matrixKernel(),
        ROUNDS,
        // They are long: a processor is busy with few, and short passes find quiet moments.
        kind === "software" ? 4 * cores : undefined,
      ),
      alone: await kernels.alone("arithmetic", code.chain, ALONE),
      tile: await kernels.loop("loads of workgroup memory", workgroupKernel(), ROUNDS),
      barrier: await kernels.loop("barriers", barrierKernel(), BARRIERS),
      load: await kernels.arrays("loads", loadKernel, ARRAYS),
      store: await kernels.arrays("stores", storeKernel, ARRAYS),
      copy: await kernels.copies(),
      dispatch: await kernels.dispatches(DISPATCHES),
      workgroup: await kernels.workgroups(WORKGROUPS),
      ...(lanes > 0 && { shuffle: await kernels.loop("shuffles", shuffleKernel(), ROUNDS) }),
    };
    // Kernels of a fraction of a millisecond, as many dispatches of plans are.
    const others = [of.chain, of.few, of.load, of.store, of.matrices];
    const plans = await MeasuredPlans.prepare(kernels, await withKernelSets(gpu.traits), others);
    await kernels.measure([...Object.values(of), ...plans.all], budget);
    const operation = of.chain.slope() / (2 * ELEMENTS);
    // What an addition takes that comes with a load. Processors add while they wait: then it takes nothing.
    const without = (time: number): number => time > 2 * operation ? time - operation : time / 2;
    const profile: AdapterProfile = {
      class: kind,
      source: "measured",
      gflops: rounded(2 * ELEMENTS * Math.max(4 / of.few.slope(), 8 / of.many.slope())),
      tileGflops: rounded(MATRIX_OPERATIONS / of.matrices.slope()),
      gigabytes: rounded(2 * VECTOR / of.copy.slope()),
      operation: rounded(operation),
      load: rounded(without(of.load.slope() / 4)),
      store: rounded(of.store.slope() / 4),
      workgroupLoad: rounded(without(of.tile.slope() / ELEMENTS)),
      barrier: rounded(WORKGROUP * of.barrier.slope() / UNROLLED),
      subgroupLanes: lanes,
      shuffle: of.shuffle === undefined ? 0 : rounded(without(of.shuffle.slope() / ELEMENTS)),
      dispatch: rounded(of.dispatch.slope()),
      workgroup: rounded(of.workgroup.slope()),
      encode: rounded(await kernels.encoding(DISPATCHES)),
      submit: rounded(await kernels.submission()),
      readback: rounded(await kernels.readback()),
      // Little's law: those of one workgroup take as long as so many while all are busy. A processor's cores are
      // known, and others compute on them.
      invocations: kind === "software"
        ? WORKGROUP * cores
        : Math.ceil(WORKGROUP * of.alone.slope() / of.chain.slope()),
    };
    const { dispatch, work, convolution, filterGradient } = plans.times(profile);
    return checkProfile({
      ...profile,
      plans: {
        dispatch: rounded(dispatch),
        work: rounded(work),
        convolution: rounded(convolution),
        filterGradient: rounded(filterGradient),
      },
    });
  } finally {
    kernels.close();
  }
}

/** Three figures: more are noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
