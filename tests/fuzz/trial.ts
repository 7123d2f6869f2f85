/**
 * One program on one engine: compiled once, run twice with different inputs.
 *
 * @module
 */
import type { Engine } from "../../src/engine/engine.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { hostData } from "../../src/ir/host_array.ts";
import type { NdArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { trace, type Traced } from "../../src/transform/trace.ts";
import { adapters, IN_FOURS, LITTLE_MEMORY } from "./adapters.ts";
import { compare, type Comparison } from "./compare.ts";
import { Draw } from "./draw.ts";
import type { Engines, EngineUnderTest } from "./engines.ts";
import { brokenLaw } from "./laws.ts";
import { type Axes, drawAxes, type Mode, modes, type Subject, subjectOf } from "./modes.ts";
import type { Recipe } from "./recipe.ts";
import { callNames } from "./recipe_text.ts";
import { ANY_KERNEL, expectationOf, FLOAT32 } from "./rounding.ts";

/** How a program is run. */
export interface Setting {
  /** What is computed of it. */
  readonly mode: Mode;
  /** Mapped axes of its inputs, for the modes that map. */
  readonly axes: Axes;
  /** Which engine. */
  readonly engine: EngineUnderTest;
  /** Which adapter it is compiled for. */
  readonly adapter: string;
  /** Whether calls recompute their inner values. */
  readonly recompute: boolean | "auto";
  /** Whether every input is donated. */
  readonly donate: boolean;
  /** Whether some inputs are not finite. */
  readonly special: boolean;
  /** Key of the inputs. */
  readonly key: readonly [seed: number, program: number];
}

/** What became of a program. */
export interface Verdict {
  /**
   * `wrong`: other numbers; `refused`: an error; `law`: the program itself breaks a law of calculus or of
   * maps in float64.
   */
  readonly kind: "right" | "wrong" | "refused" | "law";
  /** What happened, in words. */
  readonly message: string;
  /** Elements that were compared. */
  readonly elements: number;
  /** Elements of which nothing was asked. */
  readonly ambiguous: number;
  /** Elements that are not finite. */
  readonly special: number;
  /** Largest distance as a multiple of what is allowed. */
  readonly ratio: number;
}

/**
 * Functions of which only finite inputs are compared: whether the zeros around an image meet the infinities of a filter (0 * inf is NaN)
 * is up to the algorithm.
 */
const UP_TO_THE_ALGORITHM: ReadonlySet<string> = new Set(["conv2d", "convTranspose2d"]);

function isUpToAlgorithm(recipe: Recipe): boolean {
  return !UP_TO_THE_ALGORITHM.isDisjointFrom(callNames(recipe));
}

/** A setting at random, a function of the seed and the number. */
export function drawSetting(
  recipe: Recipe,
  [seed, program]: readonly [number, number],
  { engine, mode, adapter, special }: {
    readonly engine: EngineUnderTest;
    readonly mode?: Mode | undefined;
    readonly adapter?: string | undefined;
    readonly special: boolean;
  },
): Setting {
  const draw = new Draw(seed, program, 2);
  return {
    mode: mode ?? draw.weighted(MODES).mode,
    axes: drawAxes(recipe, draw),
    engine,
    adapter: adapter ?? draw.weighted(ADAPTERS).adapter,
    recompute: draw.pick([true, false, "auto"]),
    donate: draw.chance(0.25),
    special: special && !isUpToAlgorithm(recipe),
    key: [seed, program],
  };
}

/** The results alone are cheap to compile, and find most. */
const MODES = modes.map((mode) => ({ mode, weight: mode === "out" ? 3 : 1 }));

/** How often an adapter is drawn, where that is not once. */
const WEIGHTS: Readonly<Record<string, number>> = {
  "as it is": 2,
  [IN_FOURS]: 3,
  [LITTLE_MEMORY]: 2,
};

/** That which is there, and those on which programs are computed in other ways. */
const ADAPTERS = Object.keys(adapters).map((adapter) => ({
  adapter,
  weight: WEIGHTS[adapter] ?? 1,
}));

/** Runs a program. */
export async function attempt(
  engines: Pick<Engines, "get" | "reset">,
  recipe: Recipe,
  setting: Setting,
): Promise<Verdict> {
  const none = { elements: 0, ambiguous: 0, special: 0, ratio: 0 };
  let subject: Subject;
  let traced: Traced;
  try {
    subject = subjectOf(recipe, setting.mode, setting.axes, setting.special);
    traced = trace(subject.fn as (...args: never[]) => unknown, subject.avals);
  } catch (error) {
    return { kind: "refused", message: `while tracing: ${messageOf(error)}`, ...none };
  }
  const points = [1, 2].map((call) => subject.inputs(new Draw(...setting.key, 3, call)));
  try {
    const law = setting.special ? undefined : brokenLaw(recipe, setting, points[0]!);
    if (law !== undefined) return { kind: "law", message: law, ...none };
  } catch (error) {
    return { kind: "law", message: `the reference fails: ${messageOf(error)}`, ...none };
  }
  let results: HostArray[][];
  try {
    const engine = await engines.get(setting.engine, setting.adapter);
    results = await runTwice(engine, { subject, points, setting });
  } catch (error) {
    // A device that reported an error is not to be trusted any more.
    if (setting.engine === "webgpu") engines.reset();
    return { kind: "refused", message: messageOf(error), ...none };
  }
  const kernels = adapters[setting.adapter]?.chooseKernel ? ANY_KERNEL : FLOAT32;
  const arithmetic = { ...kernels, rearranging: setting.engine === "webgpu" };
  const upToAlgorithm = isUpToAlgorithm(recipe);
  const found = points.map((point, call) => {
    const judge = (runs?: number): Comparison =>
      compare(
        results[call]!,
        expectationOf(traced.program, point, new Draw(...setting.key, 4, call), runs, arithmetic),
        { special: setting.special, upToAlgorithm },
      );
    const first = judge();
    // Before anything is called wrong, more runs say whether rounding could have done it.
    return first.wrong === undefined ? first : judge(24);
  });
  const sum = (of: (comparison: Comparison) => number): number =>
    found.reduce((total, comparison) => total + of(comparison), 0);
  const wrong = found.findIndex((comparison) => comparison.wrong !== undefined);
  return {
    kind: wrong < 0 ? "right" : "wrong",
    message: wrong < 0 ? "" : `call ${wrong + 1}, ${found[wrong]!.wrong}`,
    elements: sum(({ elements }) => elements),
    ambiguous: sum(({ ambiguous }) => ambiguous),
    special: sum(({ special }) => special),
    ratio: Math.max(...found.map(({ ratio }) => ratio)),
  };
}

/** Runs a function at two points; the inputs must stay as they were unless they are donated. */
async function runTwice(
  engine: Engine,
  { subject, points, setting }: {
    readonly subject: Subject;
    readonly points: readonly (readonly NdArray[])[];
    readonly setting: Setting;
  },
): Promise<HostArray[][]> {
  const { donate, recompute } = setting;
  const fn = (...args: Tensor[]): Tensor[] => subject.fn(...args);
  const run = engine.jit(fn, { recompute, donate: donate ? subject.avals.map((_, k) => k) : [] });
  const results: HostArray[][] = [];
  for (const point of points) {
    const given = point.map(({ shape, dtype, data }) => ({
      shape,
      dtype,
      data: hostData(Array.from(data), dtype),
    }));
    const values = engine.put(given);
    const outputs = await run(...values);
    const [read, kept] = await engine.read([outputs, donate ? [] : values]);
    kept!.forEach((array, k) => {
      const changed = array.data.findIndex((value, at) => !Object.is(value, given[k]!.data[at]));
      if (changed >= 0) {
        throw new Error(
          `Input ${k} was changed: element ${changed} is ${array.data[changed]} after the run.`,
        );
      }
    });
    results.push(read!);
    engine.release([outputs, values]);
  }
  return results;
}

/** The first lines of an error, without what is the same in all. */
export function messageOf(error: unknown): string {
  return (error as Error).message.split("\n").map((line) => line.trim())
    .filter((line) => line !== "").slice(0, 6).join(" | ").slice(0, 600);
}
