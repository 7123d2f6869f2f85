/**
 * Stages whose step is one compiled program.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import type { Concrete, Given, HostArray, Jitted, Value } from "../engine/mod.ts";
import { hostArray } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { ImageTable } from "./device_images.ts";
import type { Stage } from "./run_stage.ts";
import type { StepInputs, StepResult } from "./objectives/train_classifier.ts";

/** A compiled step; its first argument is donated. */
export type CompiledStep<State, Inputs, Table = ImageTable> = Jitted<
  [State, Table, Tensor, Inputs],
  StepResult<State>
>;

/** What steps share, by the number of a step. */
export type TableOf<Table> = (step: number) => Given<Table> | Promise<Given<Table>>;

/** What a stage is made of besides what it starts from. */
export interface CompiledStageOptions<State, Inputs, Table = ImageTable> extends
  Pick<
    Stage<Concrete<State>>,
    "arm" | "phase" | "steps" | "start" | "evaluate" | "draw" | "close"
  > {
  /** The step. */
  readonly compiled: CompiledStep<State, Inputs, Table>;
  /** The images, or whatever else all steps share; or, as of a stream, those of a step by its number. */
  readonly table: Concrete<Table> | TableOf<Table>;
  /** Key of the stage, `u32[2]`. */
  readonly key: Value | HostArray;
  /** What travels to the device for a step, from 0; a pure function of the number. */
  readonly inputs: (step: number) => Given<Inputs> | Promise<Given<Inputs>>;
  /** Examples that go through the network in one step. */
  readonly samples: number;
}

/**
 * Makes a stage of a compiled step.
 *
 * @param options Names, number of steps, start, step, its inputs, evaluation.
 * @returns The stage, to be run by `runStage`; its cost is counted from the program.
 *
 * @example
 * ```ts
 * import { add, hostArray, openEngine, type Tensor } from "@mutasesumele/toolkit";
 * import { compiledStage } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = await openEngine("reference");
 * const stage = compiledStage<{ x: Tensor }, { change: Tensor }>({
 *   arm: "count",
 *   phase: "up",
 *   steps: 2,
 *   samples: 1,
 *   table: engine.put({ shards: [], labels: hostArray([0], [1], "i32") }),
 *   key: hostArray([0, 0], [2], "u32"),
 *   compiled: engine.jit((training: { x: Tensor }, _table, _key, given) => ({
 *     training: { x: add(training.x, given.change) },
 *     metrics: {},
 *   })),
 *   start: () => Promise.resolve(engine.put({ x: hostArray([1, 2]) })),
 *   inputs: (step) => ({ change: hostArray([step, step]) }),
 *   evaluate: () => Promise.resolve({}),
 * });
 * const start = await stage.start();
 * assertEquals(await stage.cost(start), { samples: 1, flops: 2 });
 * const { training } = await stage.step(start, 5);
 * assertEquals((await engine.read(training)).x.data, new Float32Array([6, 7]));
 * engine.close();
 * ```
 */
export function compiledStage<State, Inputs, Table = ImageTable>(
  options: CompiledStageOptions<State, Inputs, Table>,
): Stage<Concrete<State>> {
  requireArguments("compiledStage", { options }, {
    options: is.objectWith({
      arm: is.name,
      phase: is.name,
      steps: is.natural,
      start: is.callback,
      evaluate: is.callback,
      compiled: is.callback,
      inputs: is.callback,
      samples: is.count,
    }),
  });
  const { compiled, table, key, inputs, samples } = options;
  const args = async (training: Concrete<State>, step: number) =>
    [
      training,
      typeof table === "function" ? await (table as TableOf<Table>)(step) : table,
      key,
      await inputs(step),
    ] as unknown as Parameters<typeof compiled>;
  return {
    ...options,
    cost: async (training) => ({
      samples,
      flops: (await compiled.prepare(...await args(training, 0))).flops,
    }),
    step: async (training, step) => {
      const result = await compiled(...await args(training, step)) as {
        readonly training: Concrete<State>;
        readonly metrics: Readonly<Record<string, Value>>;
      };
      return result;
    },
  };
}

/**
 * What travels to the device for a step of a classifier.
 *
 * @param batch Rows of the table of images.
 * @param options Number of the step, from 0, and learning rate.
 * @returns Host arrays.
 *
 * @example
 * ```ts
 * import { stepInputs } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * const { rows, step } = stepInputs(Int32Array.of(4, 2), { step: 9, rate: 0.1 });
 * assertEquals([rows.shape, step.shape, step.data[0]], [[2], [], 9]);
 * ```
 */
export function stepInputs(
  batch: Int32Array,
  at: { readonly step: number; readonly rate: number },
): { readonly [Name in keyof StepInputs]: HostArray } {
  requireOptions("stepInputs", at, { step: is.natural, rate: is.finite });
  const { step, rate } = at;
  return {
    rows: rowsOf(batch),
    step: hostArray([step], [], "u32"),
    rate: hostArray([rate], []),
  };
}

/**
 * Indices as an array for the device.
 *
 * @param indices Indices `[n]`.
 * @returns The array `i32[n]`.
 *
 * @example
 * ```ts
 * import { rowsOf } from "@mutasesumele/toolkit/train";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rowsOf(Int32Array.of(4, 2)).dtype, "i32");
 * ```
 */
export function rowsOf(indices: Int32Array): HostArray {
  requireArguments("rowsOf", { indices }, { indices: is.indices });
  return hostArray(indices, [indices.length], "i32");
}
