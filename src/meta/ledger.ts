/**
 * The compute ledger: what an arm of an experiment has spent, so that "fewer steps" can never hide
 * more compute.
 *
 * @module
 */
import { requireArguments, requireOptions } from "../ir/options.ts";
import * as is from "../ir/kinds.ts";

/** What has been spent. */
export interface Ledger {
  /** Outer steps. */
  readonly steps: number;
  /** Examples that went through the network, each time counted. */
  readonly samples: number;
  /** Floating-point operations, a multiply-add being two. */
  readonly flops: number;
  /** Seconds. */
  readonly seconds: number;
}

/** A ledger in which nothing has been spent. */
export const EMPTY_LEDGER: Ledger = { steps: 0, samples: 0, flops: 0, seconds: 0 };

/**
 * Adds to a ledger.
 *
 * @param ledger What has been spent so far.
 * @param spent What is spent in addition; what is left out counts 0.
 * @returns The sum.
 * @throws {RangeError} If an entry is negative or not finite.
 *
 * @example
 * ```ts
 * import { addToLedger, EMPTY_LEDGER } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const once = addToLedger(EMPTY_LEDGER, { steps: 1, samples: 64, flops: 2e9, seconds: 0.5 });
 * assertEquals(addToLedger(once, { steps: 1 }).steps, 2);
 * ```
 */
export function addToLedger(ledger: Ledger, spent: Partial<Ledger>): Ledger {
  requireArguments("addToLedger", { ledger, spent }, { ledger: is.object, spent: is.object });
  const add = (name: keyof Ledger): number => {
    const amount = spent[name] ?? 0;
    if (!Number.isFinite(amount) || amount < 0) {
      throw new RangeError(
        `Cannot add to the ledger: found ${amount} ${name}, expected a finite number from 0 on.`,
      );
    }
    return ledger[name] + amount;
  };
  return {
    steps: add("steps"),
    samples: add("samples"),
    flops: add("flops"),
    seconds: add("seconds"),
  };
}

/** What one outer step does. */
export interface StepShape {
  /**
   * `exact`, `first`: a meta-gradient of that order; `joint`: one gradient of the sum of the wanted
   * loss and the tasks' losses; `supervised`: one gradient of the wanted loss.
   */
  readonly method: "exact" | "first" | "joint" | "supervised";
  /** Number of tasks; default 1. */
  readonly tasks?: number;
  /** Number of inner steps; default 1. */
  readonly innerSteps?: number;
}

/**
 * Nominal cost of one outer step in forward units: one unit is the forward pass of one batch, a
 * gradient costs three.
 *
 * With `K` tasks and `S` inner steps: exact `K (9 S + 3)`, first order `K (3 S + 3)`, joint
 * `3 (K + 1)`, supervised 3. These are the textbook counts, in which layers are alike and the
 * reverse pass of a step costs six units. The mixed-mode sweep of this library recomputes the
 * primal pass instead of keeping activations: {@linkcode mixedModeUnits} counts it layer by layer,
 * and `programFlops` exactly. Reports give the exact count.
 *
 * @param step Method, tasks and inner steps.
 * @returns Forward units.
 *
 * @example
 * ```ts
 * import { forwardUnits } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(forwardUnits({ method: "exact", tasks: 4, innerSteps: 5 }), 4 * 48);
 * ```
 */
export function forwardUnits(shape: StepShape): number {
  requireOptions("forwardUnits", shape, {
    method: true,
    tasks: is.optionalNumber,
    innerSteps: is.optionalNumber,
  });
  const { method, tasks = 1, innerSteps = 1 } = shape;
  switch (method) {
    case "exact":
      return tasks * (9 * innerSteps + 3);
    case "first":
      return tasks * (3 * innerSteps + 3);
    case "joint":
      return 3 * (tasks + 1);
    case "supervised":
      return 3;
  }
}

/** How a layer of convolutions or matrix products takes part in a mixed-mode meta-gradient. */
export interface LayerShape {
  /** Whether something before the layer is adapted, so that its input has a tangent. */
  readonly inputVaries: boolean;
  /** Whether the update of the inner loop needs the gradient itself again (Adam, learned rates). */
  readonly updateNeedsGradient: boolean;
}

/**
 * Cost of one inner step of one adapted layer in the mixed-mode sweep, there and back, in units of
 * the layer's forward pass.
 *
 * There: output, filter gradient and, unless the layer is the first, input gradient. Back: the same
 * (without the filter gradient where the update does not use it), and the tangents of the three
 * bilinear products, two each, less those whose factor does not vary.
 *
 * @param layer How the layer takes part.
 * @returns Forward units per inner step: 11 for a layer in the middle, 5 for the first layer.
 *
 * @example
 * ```ts
 * import { mixedModeUnits } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(mixedModeUnits({ inputVaries: true, updateNeedsGradient: false }), 11);
 * ```
 */
export function mixedModeUnits(shape: LayerShape): number {
  requireOptions("mixedModeUnits", shape, { inputVaries: is.flag, updateNeedsGradient: is.flag });
  const { inputVaries, updateNeedsGradient } = shape;
  const there = inputVaries ? 3 : 2;
  const recomputed = there - (updateNeedsGradient ? 0 : 1);
  const tangents = inputVaries ? 6 : 2;
  return there + recomputed + tangents;
}
