/**
 * What an adapter can do, in numbers with units: measured by `measureAdapter`, or built in for its class.
 *
 * @module
 */

/** Kinds of adapters: on the CPU, a GPU that shares the memory of the CPU, a GPU with memory of its own. */
export const adapterClasses: readonly AdapterClass[] = ["software", "integrated", "discrete"];

/** A kind of adapter. */
export type AdapterClass = "software" | "integrated" | "discrete";

/**
 * What an adapter can do. Times are nanoseconds; those of elements (4 bytes each, in vectors of four) are what
 * one takes while the whole adapter is busy, so that they are the reciprocals of rates.
 */
export interface AdapterProfile {
  /** Kind of adapter: how it executes kernels. */
  readonly class: AdapterClass;
  /** Whether it was measured on the adapter, or stands in the program for its class. */
  readonly source: "measured" | "built-in";
  /** Billions of floating-point operations a second at most; a multiply-add counts 2. */
  readonly gflops: number;
  /** The same of products of matrices that fill the registers, as in convolutions. */
  readonly tileGflops: number;
  /** Billions of bytes a second that a copy reads and writes, of arrays larger than caches. */
  readonly gigabytes: number;
  /** Time of one simple operation on one element, each waiting for the one before: as generated kernels compute. */
  readonly operation: number;
  /** Time to load one element from an array that was just used. */
  readonly load: number;
  /** Time to store one element. */
  readonly store: number;
  /** Time to load one element from workgroup memory. */
  readonly workgroupLoad: number;
  /** Time of a barrier of one workgroup of 64. */
  readonly barrier: number;
  /** Lanes of every subgroup; 0 where kernels cannot use subgroups. */
  readonly subgroupLanes: number;
  /** Time to take one element from another lane; 0 without subgroups. */
  readonly shuffle: number;
  /** Time of one more dispatch in a pass that waits for the one before. */
  readonly dispatch: number;
  /** Time of one more workgroup of 64 that does nothing, while the whole adapter is busy. */
  readonly workgroup: number;
  /** Time of the host to encode one more dispatch. */
  readonly encode: number;
  /** Time of the host for one more submission. */
  readonly submit: number;
  /** Time from asking for a few bytes to having them. */
  readonly readback: number;
  /** Invocations, computing in registers, that keep the adapter busy. */
  readonly invocations: number;
  /** What plans take beside that; absent where it was not measured. Plans are not chosen by it, only predicted. */
  readonly plans?: PlanTimes;
}

/**
 * How plans depart from the sum of what their dispatches do: all other times are the least ones of single kernels,
 * which a plan does not reach.
 */
export interface PlanTimes {
  /** Nanoseconds of one more dispatch of a plan: another kernel, after the one before, encoded by the host. */
  readonly dispatch: number;
  /**
   * Times that the work of a plan usually takes as long as at best: cores join late and wait for each other, the host
   * needs one of them now and then, caches are shared, clocks change.
   */
  readonly work: number;
  /** Times that convolutions take as long as what is counted of them; what is missed there is not known. */
  readonly convolution: number;
  /** The same of filter gradients. */
  readonly filterGradient: number;
}

/** Least and most of each number that any adapter could have. */
const BOUNDS = {
  gflops: [0.01, 1e7],
  tileGflops: [0.01, 1e7],
  gigabytes: [0.01, 1e6],
  operation: [1e-7, 1e3],
  load: [1e-7, 1e4],
  store: [1e-7, 1e4],
  workgroupLoad: [1e-7, 1e4],
  barrier: [1e-5, 1e7],
  subgroupLanes: [0, 128],
  shuffle: [0, 1e4],
  dispatch: [1, 1e8],
  workgroup: [0, 1e6],
  encode: [1, 1e7],
  submit: [1, 1e9],
  readback: [1, 1e10],
  invocations: [1, 1e8],
} as const satisfies Record<
  Exclude<keyof AdapterProfile, "class" | "source" | "plans">,
  readonly [number, number]
>;

/** The same of what plans take. */
const PLAN_BOUNDS = {
  dispatch: [1, 1e8],
  work: [1, 1e3],
  convolution: [0.01, 100],
  filterGradient: [0.01, 100],
} as const satisfies Record<keyof PlanTimes, readonly [number, number]>;

/** Names of the numbers of a profile, in the order in which they are shown. */
export const profileNumbers = /* @__PURE__ */ Object.keys(
  BOUNDS,
) as readonly (keyof typeof BOUNDS)[];

/**
 * Checks that something is a profile, with numbers that an adapter could have.
 *
 * @param value What may be one, read from a file perhaps.
 * @returns The same, without what does not belong to it.
 * @throws {TypeError} Names what is missing or impossible, what was found and what is expected.
 *
 * @example
 * ```ts
 * import { builtInProfile, checkProfile } from "@mutasesumele/toolkit";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const profile = builtInProfile("integrated");
 * assertEquals(checkProfile(JSON.parse(JSON.stringify(profile))), profile);
 * assertThrows(() => checkProfile({ ...profile, load: -1 }), TypeError, "load");
 * ```
 */
export function checkProfile(value: unknown): AdapterProfile {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(
      `Cannot take ${JSON.stringify(value)} for the profile of an adapter: expected an object.`,
    );
  }
  const found = value as Readonly<Record<string, unknown>>;
  const { class: kind, source } = found;
  if (!adapterClasses.includes(kind as AdapterClass)) {
    throw wrong("class", kind, adapterClasses.map((name) => `"${name}"`).join(", "));
  }
  if (source !== "measured" && source !== "built-in") {
    throw wrong("source", source, `"measured" or "built-in"`);
  }
  const known = numbersOf(found, BOUNDS);
  const plans = found["plans"];
  if (plans === undefined) return { class: kind as AdapterClass, source, ...known };
  if (typeof plans !== "object" || plans === null) throw wrong("plans", plans, "an object");
  const times = numbersOf(plans as Readonly<Record<string, unknown>>, PLAN_BOUNDS, "plans.");
  return { class: kind as AdapterClass, source, ...known, plans: times };
}

/** The numbers that an object must have, in the order of their bounds. */
function numbersOf<K extends string>(
  found: Readonly<Record<string, unknown>>,
  bounds: Readonly<Record<K, readonly [number, number]>>,
  prefix = "",
): Record<K, number> {
  const numbers = Object.entries<readonly [number, number]>(bounds).map(([name, [least, most]]) => {
    const number = found[name];
    if (typeof number !== "number" || !(number >= least && number <= most)) {
      throw wrong(`${prefix}${name}`, number, `a number from ${least} to ${most}`);
    }
    return [name, number] as const;
  });
  return Object.fromEntries(numbers) as Record<K, number>;
}

function wrong(name: string, found: unknown, expected: string): TypeError {
  return new TypeError(
    `Cannot take this for the profile of an adapter: its ${name} is ${
      JSON.stringify(found) ?? "missing"
    }, expected ${expected}. Measure it again: deno task doctor --measure.`,
  );
}
