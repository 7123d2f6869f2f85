/**
 * The fastest kernel for a shape, by measurement: none that computes other numbers, none by a lucky moment.
 *
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { type KernelSite, siteOf } from "../ops/variants/kernel_sites.ts";
import { candidates, type KernelVariant, ruledVariant } from "../ops/variants/kernel_variant.ts";
import { referenceOf } from "./kernel_reference.ts";
import { KernelBench, type LoadedVariant } from "./kernel_bench.ts";

/** A variant on a shape. */
export interface MeasuredVariant {
  /** Its name. */
  readonly name: string;
  /** Milliseconds by the device's clock: the least of several, of one where it is far behind. */
  readonly milliseconds: number;
  /** Billions of floating-point operations a second. */
  readonly gflops: number;
  /** Largest error relative to the largest magnitude. */
  readonly error: number;
  /** Whether the error is within what it may have. */
  readonly right: boolean;
}

/** All variants on a shape. */
export interface MeasuredShape {
  /** The shape, as tables have it. */
  readonly shape: string;
  /** Name of the variant that the rule takes. */
  readonly rule: string;
  /** The variants that can compute it and compile. */
  readonly variants: readonly MeasuredVariant[];
  /** Name of the variant that is faster than the rule's; `undefined` if none is by more than noise. */
  readonly winner: string | undefined;
  /** Times that the rule's takes as long as the fastest other, in the middle of the rounds; absent without one. */
  readonly gain?: number;
  /** What did not compile, and why. */
  readonly failures: readonly string[];
}

/** How {@linkcode measureVariants} goes about it. */
export interface MeasureVariantsOptions {
  /** What is known of the adapter, with all sets of kernels that are to be measured. */
  readonly traits: DeviceTraits;
  /** Milliseconds after which no further shape is begun; 60,000 unless told. */
  readonly budget?: number;
  /** Receives every shape when it is measured; the next one waits for it. */
  readonly onShape?: (measured: MeasuredShape) => void | Promise<void>;
}

/** Times as slow as the rule's in its first run, from which on a variant is not timed again. */
const FAR_BEHIND = 3;

/** Rounds in which all variants are timed, to find the one that is worth a duel. */
const ROUNDS = 4;

/** Rounds of a duel with the rule's: as many as fit into so many nanoseconds. */
const DUEL = { least: 11, most: 15, time: 1e9 } as const;

/**
 * What the winner of a duel must do: be ahead in so many of the rounds, and by so much in the middle one. Of two that
 * are equally fast, one is ahead in 10 of 11 or 13 of 15 rounds less than once in 100 duels.
 */
const WIN = { rounds: 0.85, gain: 1.05 } as const;

/** Multiply-adds of the elements that are computed in float64, and how many elements these may be. */
const REFERENCE = { operations: 2e6, least: 16, most: 512 } as const;

/**
 * Measures which kernels are the fastest for some shapes, the most work first.
 *
 * Every variant is run and compared with float64 at elements all over the result, and with the rule's variant at
 * all of them. Those that are right are timed by turns; the fastest meets the rule's in a duel of pairs of rounds, in
 * which it must win nearly all rounds, and by 5 % in the middle.
 *
 * @param gpu The device.
 * @param shapes The shapes, as tables have them.
 * @param options Traits, time, where to tell.
 * @returns What was measured, and the shapes for which there was no time.
 * @throws {TypeError} If a shape is none.
 * @throws {GpuError} If the device was lost.
 */
export async function measureVariants(
  gpu: Gpu,
  shapes: readonly string[],
  { traits, budget = 60_000, onShape = () => {} }: MeasureVariantsOptions,
): Promise<{ readonly measured: readonly MeasuredShape[]; readonly left: readonly string[] }> {
  const work = (site: KernelSite): number => referenceOf(site.operation).flops(site.shape);
  const sites = [...new Set(shapes)].map((key) => ({ key, ...siteOf(key) }))
    .sort((a, b) => work(b) - work(a));
  const bench = new KernelBench(gpu, traits);
  const start = performance.now();
  const measured: MeasuredShape[] = [];
  try {
    for (const { key, ...site } of sites) {
      if (performance.now() - start > budget) break;
      const found = await measureShape(bench, key, site, traits);
      measured.push(found);
      await onShape(found);
    }
  } finally {
    bench.close();
  }
  return { measured, left: sites.slice(measured.length).map(({ key }) => key) };
}

/** A variant that ran. */
interface Candidate extends LoadedVariant {
  readonly time: number;
  readonly error: number;
  readonly right: boolean;
  least: number;
}

/**
 * Measures the variants of one shape.
 *
 * @param bench Where they run.
 * @param key The shape, as tables have it.
 * @param site The same.
 * @param traits What is known of the adapter.
 */
export async function measureShape(
  bench: KernelBench,
  key: string,
  site: KernelSite,
  traits: DeviceTraits,
): Promise<MeasuredShape> {
  const { operation, shape } = site;
  const rule = ruledVariant(operation, shape, traits);
  const failures: string[] = [];
  const found: Candidate[] = [];
  const check = checker(bench, site);
  // The rule's is the first, as the others are compared with it.
  const able = candidates(operation, shape, traits)
    .toSorted((a, b) => Number(b.name === rule) - Number(a.name === rule));
  try {
    for (const variant of able) {
      const loaded = await attempt(() => bench.load(site, variant));
      if (typeof loaded === "string") {
        failures.push(`${variant.name}: ${loaded}`);
        continue;
      }
      const { values, time } = await bench.run(loaded, operation.size(shape));
      found.push({ ...loaded, time, least: time, ...check(variant, values) });
    }
    const usual = found.find(({ variant }) => variant.name === rule);
    const near = found.filter(({ right, time }) =>
      right && time <= FAR_BEHIND * (usual?.time ?? Infinity)
    );
    const times = await bench.time(near, ROUNDS);
    near.forEach((candidate, k) => candidate.least = Math.min(...times[k]!));
    const gain = usual?.right ? await duel(bench, usual, near) : undefined;
    return {
      shape: key,
      rule,
      failures,
      winner: gain?.wins ? gain.name : undefined,
      ...(gain && { gain: gain.times }),
      variants: found.map(({ variant: { name }, error, right, least }) => ({
        name,
        error,
        right,
        milliseconds: least / 1e6,
        gflops: referenceOf(operation).flops(shape) / least,
      })),
    };
  } finally {
    for (const each of found) bench.release(each);
  }
}

/** The fastest but the rule's against the rule's. */
async function duel(
  bench: KernelBench,
  usual: Candidate,
  near: readonly Candidate[],
): Promise<{ readonly name: string; readonly wins: boolean; readonly times: number } | undefined> {
  const [best] = near.filter((one) => one !== usual).toSorted((a, b) => a.least - b.least);
  if (!best) return undefined;
  const { name } = best.variant;
  if (best.least >= usual.least) return { name, wins: false, times: usual.least / best.least };
  const fit = Math.floor(DUEL.time / (usual.least + best.least));
  const rounds = Math.max(DUEL.least, Math.min(DUEL.most, fit));
  const [slow, fast] = await bench.time([usual, best], rounds);
  const ratios = slow!.map((time, k) => time / fast![k]!).sort((a, b) => a - b);
  const ahead = ratios.filter((ratio) => ratio > 1).length;
  const times = ratios[rounds >> 1]!;
  return { name, times, wins: ahead >= WIN.rounds * rounds && times >= WIN.gain };
}

/** What tells the error of each variant; the first that is right is what the others are compared with. */
function checker(
  bench: KernelBench,
  { operation, shape }: KernelSite,
): (variant: KernelVariant, values: Float32Array) => Pick<Candidate, "error" | "right"> {
  const size = operation.size(shape);
  const operands = bench.operands({ operation, shape });
  const each = referenceOf(operation).flops(shape) / 2 / size;
  const count = Math.max(
    REFERENCE.least,
    Math.min(REFERENCE.most, Math.floor(REFERENCE.operations / each)),
  );
  const places = Array.from(
    { length: Math.min(size, count) },
    (_, k, step = (size - 1) / Math.max(1, Math.min(size, count) - 1)) => Math.round(k * step),
  );
  const exact = places.map((at) => referenceOf(operation).element(shape, operands, at));
  let first: { readonly values: Float32Array; readonly tolerance: number } | undefined;
  return ({ tolerance }, values) => {
    const scale = largest(first?.values ?? values);
    const error = Math.max(...exact.map((want, k) => distance(values[places[k]!]!, want))) / scale;
    let apart = 0;
    first?.values.forEach((want, k) => apart = Math.max(apart, distance(values[k]!, want)));
    apart /= scale;
    // A result of nothing but zeros has no error, whatever was written.
    const right = scale > 0 && error <= tolerance &&
      apart <= tolerance + (first?.tolerance ?? 0);
    if (right) first ??= { values, tolerance };
    return { error: Math.max(error, apart), right };
  };
}

function distance(found: number, wanted: number): number {
  const error = Math.abs(found - wanted);
  return Number.isFinite(error) ? error : Infinity;
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** What a function returns, or what its error says. */
async function attempt<T extends object>(run: () => Promise<T>): Promise<T | string> {
  try {
    return await run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
