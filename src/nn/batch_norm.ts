import { formatAval } from "../ir/aval.ts";
import { requireCall, requireCounts, requireOneOf, requireOptions } from "../ir/options.ts";
import type { Tensor } from "../ir/tensor.ts";
import {
  add,
  div,
  mul,
  ones,
  rsqrt,
  standardize,
  stopGradient,
  sub,
  zeros,
} from "../tensor/mod.ts";
import {
  type Layer,
  type Params,
  requireApplyOptions,
  type ScaleAndOffset,
  tensorOf,
} from "./layer.ts";

/**
 * Which statistics normalize: `"running"` uses the batch's own in training and running ones in
 * evaluation; `"batch"` always uses the batch's own and keeps no state.
 */
export type Statistics = "running" | "batch";

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Number of channels, the last axis. */
  readonly features: number;
  /** Which statistics normalize; `"running"` unless told. */
  readonly statistics?: Statistics;
  /** Added to the variance; 1e-5 unless told. */
  readonly epsilon?: number;
  /** Weight of the newest batch in the running statistics; 0.1 unless told. */
  readonly momentum?: number;
}

/**
 * Batch normalization `gamma (x - mean) / sqrt(variance + epsilon) + beta` of every channel.
 *
 * As in PyTorch, the batch is normalized by its biased variance, and the unbiased variance goes
 * into the running one. Derivatives do not go through running statistics. Parameters: `gamma`,
 * `beta`; state: `mean`, `variance`, all `[features]`.
 *
 * Source: Ioffe and Szegedy, arXiv 1502.03167, algorithm 1.
 *
 * @param options Number of channels, which statistics, epsilon and momentum.
 * @returns A layer from `[..., features]` to the same shape.
 *
 * @example
 * ```ts
 * import { batchNorm, constant, randomKey, valuesOf } from "@mutasesumele/toolkit";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const layer = batchNorm({ features: 1 });
 * const { params, state } = layer.init(randomKey(0));
 * const x = constant([[1], [3]]);
 * const trained = layer.apply(params, state, x, { training: true });
 * assertAlmostEquals(valuesOf(trained.output)[0]!, -1, 1e-4);
 * const evaluated = layer.apply(params, trained.state, x, { training: false });
 * assertAlmostEquals(valuesOf(evaluated.output)[0]!, 0.8 / Math.sqrt(1.1), 1e-4);
 * ```
 */
export function batchNorm(options: BatchNormOptions): Layer<ScaleAndOffset> {
  requireOptions("batchNorm", options, {
    features: true,
    statistics: true,
    epsilon: true,
    momentum: true,
  });
  const { features, statistics = "running", epsilon = 1e-5, momentum = 0.1 } = options;
  requireCounts("batchNorm", { features });
  requireOneOf("batchNorm", ["statistics", statistics], ["running", "batch"]);
  const running = statistics === "running";
  const fresh = (): Params =>
    running ? { mean: zeros([features]), variance: ones([features]) } : {};
  return {
    init: () => ({
      params: { beta: zeros([features]), gamma: ones([features]) },
      state: fresh(),
    }),
    apply(params, state, x, given) {
      requireCall("apply", arguments, 3, 4);
      requireApplyOptions(given);
      const { training } = given;
      const count = x.size / features;
      if (x.rank < 2 || x.shape.at(-1) !== features || (training && running && count < 2)) {
        throw new TypeError(
          `Cannot normalize ${
            formatAval(x)
          } by batch statistics: expected [..., ${features}] with ` +
            `more than one vector.`,
        );
      }
      const gamma = tensorOf(params, "gamma");
      const beta = tensorOf(params, "beta");
      if (running && !training) {
        const scale = mul(gamma, rsqrt(add(tensorOf(state, "variance"), epsilon)));
        const offset = sub(beta, mul(tensorOf(state, "mean"), scale));
        return { output: add(mul(x, scale), offset), state };
      }
      const axes = x.shape.slice(0, -1).map((_, axis) => axis);
      const { normal, mean, scale } = standardize(x, axes, epsilon);
      const output = add(mul(normal, gamma), beta);
      if (!running) return { output, state };
      const biased = sub(div(1, mul(scale, scale)), epsilon);
      const next: Params = {
        mean: blend(tensorOf(state, "mean"), mean, momentum),
        variance: blend(tensorOf(state, "variance"), mul(biased, count / (count - 1)), momentum),
      };
      return { output, state: next };
    },
  };
}

function blend(old: Tensor, fresh: Tensor, weight: number): Tensor {
  return stopGradient(add(mul(old, 1 - weight), mul(fresh, weight)));
}
