/**
 * One size of a meta-gradient after the other: what is planned for each, and how that grows.
 *
 * @module
 */
import type { Paper } from "../src/predict/paper_backend.ts";
import { conv4Workload } from "../tests/workloads/conv4.ts";
import type { Conv4Size } from "../tests/workloads/conv4.ts";
import { fitGrowth, type Growth } from "./fit_growth.ts";

/** What is made larger. */
export type Axis = "tasks" | "innerSteps" | "filters" | "extent";

/** An axis: its sizes, and the exponents that no program is better than. */
export interface GrowthAxis {
  /** Sizes in increasing order. */
  readonly sizes: readonly number[];
  /** Exponent of operations, and of time where the adapter is full. */
  readonly time: number;
  /** Exponent of memory; inner steps are computed again on the way back, and only their parameters kept. */
  readonly memory: number;
}

/** Where all axes meet. */
export const BASE: Conv4Size & { readonly extent: number } = {
  ...{ way: 5, shot: 1, queries: 5, filters: 16, tasks: 2, innerSteps: 2, extent: 32 },
};

/** The axes; few and small sizes, so that two cores take all within minutes. */
export const AXES: Readonly<Record<Axis, GrowthAxis>> = {
  tasks: { sizes: [1, 2, 4, 8], time: 1, memory: 1 },
  innerSteps: { sizes: [1, 2, 4, 8], time: 1, memory: 0 },
  filters: { sizes: [8, 16, 32, 64], time: 2, memory: 1 },
  extent: { sizes: [16, 32, 48, 64], time: 2, memory: 2 },
};

/** What one size takes. */
export interface GrowthPoint {
  /** The size. */
  readonly size: number;
  /** Floating-point operations that are executed. */
  readonly flops: number;
  /** Dispatches. */
  readonly dispatches: number;
  /** Most bytes on the device, as planned. */
  readonly bytes: number;
  /** Most bytes that the engine had allocated, where it was run. */
  readonly allocated?: number;
  /** Milliseconds by the adapter's profile. */
  readonly predicted: number;
  /** Milliseconds as measured, where it was run: the middle of the samples. */
  readonly milliseconds?: number;
  /** All samples, in milliseconds. */
  readonly samples?: readonly number[];
}

/** The base with one size changed. */
export function sizeOn(axis: Axis, size: number): Conv4Size {
  return { ...BASE, [axis]: size };
}

/**
 * Plans a meta-gradient, its inner steps computed again, and says what it takes.
 *
 * @param paper An engine of paper; it is used up.
 * @param which Its name or sizes.
 */
export async function plannedGradient(
  paper: Paper,
  which: Parameters<typeof conv4Workload>[0],
): Promise<Omit<GrowthPoint, "size">> {
  const { fn, args } = conv4Workload(which);
  const { engine } = paper;
  const run = engine.jit(fn as (...args: never[]) => unknown, { recompute: true });
  const { executedFlops: flops, dispatches } = await run.prepare(...args);
  const inputs = engine.put(args.map(zerosLike)) as never[];
  const times = (count: number) =>
    paper.during(async () => {
      for (let k = 0; k < count; k++) engine.release(await run(...inputs));
    });
  // Of runs that follow each other: the host gives out one while the device computes another.
  const [one, more] = [await times(1), await times(1 + FOLLOWING)];
  const predicted = 1e3 * (more.seconds - one.seconds) / FOLLOWING;
  return { flops, dispatches, bytes: one.peakBytes, predicted };
}

/** Runs after the first, of which a prediction is. */
const FOLLOWING = 4;

/** A tree of shapes with arrays of zeros. */
function zerosLike(tree: unknown): unknown {
  const { shape, dtype } = tree as { readonly shape?: readonly number[]; readonly dtype?: string };
  if (shape === undefined) {
    return Object.fromEntries(Object.entries(tree as object).map(([k, v]) => [k, zerosLike(v)]));
  }
  const length = shape.reduce((a, b) => a * b, 1);
  const data = dtype === "f32"
    ? new Float32Array(length)
    : dtype === "i32"
    ? new Int32Array(length)
    : new Uint32Array(length);
  return { shape, dtype, data };
}

/** Exponents of an axis. */
export interface FittedAxis {
  /** Of the operations. */
  readonly flops: Growth;
  /** Of memory. */
  readonly bytes: Growth;
  /** Of predicted time. */
  readonly predicted: Growth;
  /** Of measured time, where it was measured. */
  readonly milliseconds?: Growth;
}

/** Fits the exponents of an axis. */
export function fitAxis(points: readonly GrowthPoint[]): FittedAxis {
  const of = (what: "flops" | "bytes" | "predicted" | "milliseconds"): Growth =>
    fitGrowth(points.map((point) => ({ size: point.size, amount: point[what]! })));
  const measured = points.every(({ milliseconds }) => milliseconds !== undefined);
  return {
    flops: of("flops"),
    bytes: of("bytes"),
    predicted: of("predicted"),
    ...(measured && { milliseconds: of("milliseconds") }),
  };
}
