/**
 * The inner loop: adaptation of a batch of tasks, one compiled step repeated.
 *
 * @module
 */
import { type Aval, formatAval } from "../ir/aval.ts";
import { describe, isPromise } from "../ir/describe.ts";
import type { Tensor } from "../ir/tensor.ts";
import { reshape } from "../ops/reshape.ts";
import { slice } from "../ops/slice_pad.ts";
import { splitKeys } from "../random/key.ts";
import { vmap } from "../transform/vmap.ts";
import { flatten, mapTree } from "../tree/tree.ts";
import type { TaskLoss } from "./bilevel_problem.ts";
import { type ByPath, repeat, splitParams } from "./fast_weights.ts";
import { innerStep, type InnerStepInput, type InnerStepResult } from "./inner_step.ts";
import type { InnerUpdate } from "./inner_update.ts";

/** Everything that is meta-learned. */
export interface MetaParameters<Params, Shared, Rates> {
  /** The initial parameters of the inner loop. */
  readonly params: Params;
  /** Other inputs of the losses: pretext heads, loss weights, learned labels; `{}` if none. */
  readonly shared: Shared;
  /** Learned rates of the inner update; `{}` if none. */
  readonly rates: Rates;
}

/** The data of a batch of tasks. */
export interface TaskData<Support, Query, Constants> {
  /** For the inner steps: tensors `[task, ...]`, or `[step, task, ...]` with `supportPerStep`. */
  readonly support: Support;
  /** For the outer loss: tensors `[task, ...]`. */
  readonly query: Query;
  /** What all tasks and steps share and is not differentiated; `{}` if nothing. */
  readonly constants: Constants;
}

/** How the inner loop runs. */
export interface InnerLoopOptions extends InnerUpdate {
  /** Number of steps, at least 1. */
  readonly innerSteps: number;
  /** Which parameters are adapted, by path; default: all. */
  readonly adapt?: (path: string) => boolean;
  /** Whether every step has support data of its own; default: all steps see the same. */
  readonly supportPerStep?: boolean;
  /** Whether every step has learned rates of its own, `[step, ...]`; default: one for all. */
  readonly ratesPerStep?: boolean;
}

/** An inner loop that has run. */
export interface Trajectory<Params, Shared, Support, Constants> {
  /** What each step was computed from; holds fast weights and state before the step. */
  readonly steps: readonly InnerStepInput<Shared, Support, Constants>[];
  /** What each step returned. */
  readonly results: readonly InnerStepResult[];
  /** Random keys for the outer loss after each step, `u32[task, 2]`. */
  readonly outerKeys: readonly Tensor[];
  /** Puts fast and slow parameters together. */
  readonly join: (fast: ByPath, slow: ByPath) => Params;
  /** Number of tasks. */
  readonly tasks: number;
}

/** Part `position` along the first axis, which disappears. */
export function sliceFirst(x: Tensor, position: number): Tensor {
  const rest = x.shape.slice(1);
  const start = [position, ...rest.map(() => 0)];
  return reshape(slice(x, { start, shape: [1, ...rest] }), rest);
}

function countTasks(data: { readonly support: unknown; readonly query: unknown }, axis: number) {
  const query = flatten<Aval>(data.query);
  const support = flatten<Aval>(data.support);
  const tasks = query.leaves[0]?.shape[0] ?? support.leaves[0]?.shape[axis];
  if (tasks === undefined) {
    throw new RangeError(
      "Cannot count the tasks: found no tensor in the support and query data, expected at least " +
        "one with a task axis. Pass an index or a task number for each task.",
    );
  }
  const demand = (name: string, { leaves, paths }: typeof query, at: number): void => {
    leaves.forEach((leaf, k) => {
      if (leaf.shape[at] !== tasks) {
        throw new RangeError(
          `Cannot run an inner loop: the ${name} tensor '${paths[k]}' is ${formatAval(leaf)}, ` +
            `expected ${tasks} tasks along axis ${at}.`,
        );
      }
    });
  };
  demand("query", query, 0);
  demand("support", support, axis);
  return tasks;
}

function demandSteps(name: string, tree: unknown, steps: number): void {
  const { leaves, paths } = flatten<Aval>(tree);
  leaves.forEach((leaf, k) => {
    if (leaf.shape[0] !== steps) {
      throw new RangeError(
        `Cannot run an inner loop: the ${name} tensor '${paths[k]}' is ${formatAval(leaf)}, ` +
          `expected ${steps} inner steps along axis 0.`,
      );
    }
  });
}

/**
 * Makes the function that runs an inner loop. Every step is a call of one and the same program.
 *
 * @param loss The inner loss of one task.
 * @param options Steps, optimizer, what is adapted; `keepGrads` and `keepOwn` as for the step.
 * @returns A function of meta-parameters, data and a random key `u32[2]`.
 * @throws {RangeError} If the number of steps is not a positive integer; when called, if the data
 *   disagree on the number of tasks or steps.
 */
export function innerLoop<Params, Shared, Support, Constants>(
  loss: TaskLoss<Params, Shared, Support, Constants>,
  options: InnerLoopOptions & { readonly keepGrads: boolean; readonly keepOwn: boolean },
): (
  meta: MetaParameters<Params, Shared, unknown>,
  data: TaskData<Support, unknown, Constants>,
  key: Tensor,
) => Trajectory<Params, Shared, Support, Constants> {
  const { innerSteps, optimizer, supportPerStep = false, ratesPerStep = false } = options;
  if (!Number.isInteger(innerSteps) || innerSteps < 1) {
    throw new RangeError(
      `Cannot run an inner loop: found ${innerSteps} inner steps, expected a positive integer.`,
    );
  }
  return (meta, data, key) => {
    requireParts("meta-parameters", meta, ["params", "shared", "rates"]);
    requireParts("data", data, ["support", "query", "constants"]);
    const { params, shared, rates } = meta;
    const { support, query, constants } = data;
    const { fast, slow, join } = splitParams(params, options.adapt);
    const tasks = countTasks({ support, query }, supportPerStep ? 1 : 0);
    if (supportPerStep) demandSteps("support", support, innerSteps);
    if (ratesPerStep) demandSteps("rates", rates, innerSteps);
    const step = innerStep(loss, { ...options, join, update: options });
    const keys = reshape(splitKeys(key, 2 * innerSteps * tasks), [2 * innerSteps, tasks, 2]);
    let current: ByPath = mapTree((x: Tensor) => repeat(x, tasks), fast);
    let state = vmap((own: ByPath) => optimizer.init(own))(current);
    const steps: InnerStepInput<Shared, Support, Constants>[] = [];
    const results: InnerStepResult[] = [];
    const outerKeys: Tensor[] = [];
    for (let t = 0; t < innerSteps; t++) {
      const at = <T>(tree: T): T => mapTree<T>((x: Tensor) => sliceFirst(x, t), tree);
      const input: InnerStepInput<Shared, Support, Constants> = {
        fast: current,
        slow,
        shared,
        batch: supportPerStep ? at(support) : support,
        keys: sliceFirst(keys, t),
        constants,
        state,
        rates: ratesPerStep ? at(rates) : rates,
      };
      const result = step(input);
      steps.push(input);
      results.push(result);
      outerKeys.push(sliceFirst(keys, innerSteps + t));
      ({ fast: current, state } = result);
    }
    return { steps, results, outerKeys, join, tasks };
  };
}

/** Throws where a part is missing, which may be `{}`, or not awaited. */
function requireParts<T extends object>(
  what: string,
  whole: T,
  names: readonly (string & keyof T)[],
): void {
  for (const name of names) {
    const part = whole?.[name];
    const promise = [whole, part].find(isPromise);
    if (part !== undefined && part !== null && !promise) continue;
    throw new TypeError(
      `Cannot run an inner loop: found ${
        promise ? `${describe(promise)} for` : "no"
      } '${name}' among the ${what}, expected ${
        names.map((one) => `'${one}'`).join(", ")
      }. Give {} where there is none.`,
    );
  }
}
