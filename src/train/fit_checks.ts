/**
 * What {@linkcode fit} asks of the functions it is given: each fault is told as one of the function that made it.
 *
 * @module
 */
import { formatAval, sameShape, sizeOf } from "../ir/aval.ts";
import { describe, isPromise } from "../ir/describe.ts";
import * as is from "../ir/kinds.ts";
import type { Tensor } from "../ir/tensor.ts";
import { flattenArrays } from "../engine/arrays.ts";
import { flatten } from "../tree/tree.ts";
import type { StepResult } from "./objectives/train_classifier.ts";

/** A name that becomes part of a folder's. */
export const stageLabel: is.Kind = is.kind(
  "letters, digits, '_', '.' and '-'",
  (found) => typeof found === "string" && /^[\w.-]+$/.test(found),
);

/**
 * Throws unless a step returns what it was given, one step further, and scalars.
 *
 * @param found What the step returned.
 * @param training What it was given, a tree of tensors.
 * @returns What the step returned.
 * @throws {TypeError} Names what is missing, or of another type or shape.
 */
export function requireStep<State>(found: StepResult<State>, training: State): StepResult<State> {
  // Of a promise, tracing has more to say.
  if (isPromise(found)) return found;
  if (!is.object.holds(found) || !("training" in found) || !("metrics" in found)) {
    throw new TypeError(
      `Cannot call fit(): its step returned ${describe(found)}, expected { training, metrics }: ` +
        `what training goes on from, and scalars by name.`,
    );
  }
  requireScalars(found.metrics);
  const [before, after] = [flatten<Tensor>(training), flatten<Tensor>(found.training)];
  before.paths.forEach((path, k) => {
    const at = after.paths.indexOf(path);
    if (at < 0) refuseTraining(`has no '${path}'`, "all that init made");
    const [was, is] = [before.leaves[k]!, after.leaves[at]!];
    const wanted = `${formatAval(was)}, as init made it`;
    if (!isTensor(is)) refuseTraining(`has ${describe(is)} at '${path}'`, wanted);
    if (is.dtype !== was.dtype || !sameShape(is.shape, was.shape)) {
      refuseTraining(`has ${formatAval(is)} at '${path}'`, wanted);
    }
  });
  const more = after.paths.find((path) => !before.paths.includes(path));
  if (more !== undefined) refuseTraining(`has '${more}'`, "only what init made");
  return found;
}

/** The result of a step with its learning rate among the metrics, unless one is there. */
export function withRate<State>(result: StepResult<State>, rate: Tensor): StepResult<State> {
  return isPromise(result) ? result : { ...result, metrics: { rate, ...result.metrics } };
}

function isTensor(found: unknown): found is Tensor {
  return is.tensor.holds(found);
}

function refuseTraining(found: string, expected: string): never {
  throw new TypeError(
    `Cannot call fit(): the training that its step returned ${found}, expected ${expected}. A step ` +
      `returns the tree that it was given, with other numbers.`,
  );
}

function requireScalars(metrics: Readonly<Record<string, unknown>>): void {
  if (!is.object.holds(metrics) || isTensor(metrics)) {
    throw new TypeError(
      `Cannot call fit(): its step returned ${
        describe(metrics)
      } as metrics, expected scalars by name, ` +
        `such as { loss }.`,
    );
  }
  for (const [name, metric] of Object.entries(metrics)) {
    if (isTensor(metric) && metric.size === 1) continue;
    throw new TypeError(
      `Cannot call fit(): its step returned ${
        describe(metric)
      } as the metric '${name}', expected a ` +
        `scalar tensor. ${
          isTensor(metric) ? "Take its mean() or sum()." : "constant() makes one."
        }`,
    );
  }
}

/**
 * Throws unless an evaluation gave numbers by name.
 *
 * @param found What it returned, awaited.
 * @returns The figures.
 * @throws {TypeError} Says what was found and how it becomes numbers.
 */
export function requireFigures(found: unknown): Readonly<Record<string, number>> {
  if (!is.object.holds(found)) {
    throw new TypeError(
      `Cannot call fit(): its evaluate() returned ${
        describe(found)
      }, expected numbers by name, such as ` +
        `{ accuracy: 0.5 }.`,
    );
  }
  for (const [name, figure] of Object.entries(found as object)) {
    if (typeof figure === "number") continue;
    throw new TypeError(
      `Cannot call fit(): its evaluate() returned ${
        describe(figure)
      } for '${name}', expected a number: ` +
        `(await engine.read(value)).data[0].`,
    );
  }
  return found as Readonly<Record<string, number>>;
}

/**
 * Throws unless a schedule gave a rate.
 *
 * @param rate What it gave.
 * @param step For which step.
 * @returns The rate.
 * @throws {TypeError} If it is no number.
 */
export function requireRate(rate: unknown, step: number): number {
  if (is.finite.holds(rate)) return rate as number;
  throw new TypeError(
    `Cannot call fit(): found ${
      describe(rate)
    } as the rate of step ${step}, expected a finite number, as ` +
      `the schedules return it.`,
  );
}

/**
 * Examples of a step.
 *
 * @param batch The batch of step 0.
 * @returns Extent of the first axis of its first array, 1 if that has none.
 * @throws {TypeError} If the batch has anything but values and host arrays.
 * @throws {RangeError} If there is an array without an element.
 */
export function examplesOf(batch: unknown): number {
  const { arrays } = flattenArrays("call fit() with the batch of step 0", batch);
  const empty = arrays.find(({ shape }) => sizeOf(shape) === 0);
  if (empty !== undefined) {
    throw new RangeError(
      `Cannot call fit(): the batch of step 0 has ${
        formatAval(empty)
      }, expected at least one example.`,
    );
  }
  return arrays[0]?.shape[0] ?? 1;
}
