/**
 * A small smooth problem with everything that a meta-gradient may depend on: two inner losses with
 * own heads, noise from the key, learned weights and learned auxiliary targets.
 *
 * @module
 */
import type { Tensor } from "../../src/ir/tensor.ts";
import type { BilevelProblem } from "../../src/meta/bilevel_problem.ts";
import { multiTaskLoss, type MultiTaskShared } from "../../src/meta/multi_task_loss.ts";
import { meanSquaredError } from "../../src/loss/mod.ts";
import { normal } from "../../src/random/mod.ts";
import { add, matmul, mean, mul, square, tanh } from "../../src/tensor/mod.ts";
import { type numbers, type Value, value } from "./host.ts";

/** A linear layer. */
export interface Linear {
  /** `[inputs, outputs]` */
  readonly weight: Tensor;
  /** `[outputs]` */
  readonly bias: Tensor;
}

/** The adapted parameters. */
export interface Net {
  /** First layer. */
  readonly body: Linear;
  /** Second layer. */
  readonly head: Linear;
}

/** Heads of the inner losses. */
export interface Heads {
  /** The auxiliary task has a head and learned targets. */
  readonly auxiliary: { readonly weight: Tensor; readonly targets: Tensor };
  /** The main task uses the network's own head. */
  readonly main: Readonly<Record<string, never>>;
}

/** Inputs and targets. */
export interface Examples {
  /** `[n, 3]` */
  readonly x: Tensor;
  /** `[n, 2]` */
  readonly y: Tensor;
}

/** Data by inner loss. */
export interface Support {
  /** Of the auxiliary loss: inputs `[n, 3]`. */
  readonly auxiliary: { readonly x: Tensor };
  /** Of the main loss. */
  readonly main: Examples;
}

/** Shared by all tasks and not differentiated. */
export interface Constants {
  /** Standard deviation of the noise on features, `f32[]`. */
  readonly noise: Tensor;
}

/** Differentiated inputs besides the network. */
export type Shared = MultiTaskShared<Heads>;

function features({ body }: Net, x: Tensor): Tensor {
  return tanh(add(matmul(x, body.weight), body.bias));
}

function scores(net: Net, x: Tensor): Tensor {
  return add(matmul(features(net, x), net.head.weight), net.head.bias);
}

/** The problem. */
export const problem: BilevelProblem<Net, Shared, Support, Examples, Constants> = {
  inner: multiTaskLoss<Net, Heads, Support, Constants>({
    auxiliary: (net, { weight, targets }, { x }, { key, constants: { noise } }) => {
      const clean = features(net, x);
      const noisy = add(clean, mul(normal(key, clean.shape), noise));
      return meanSquaredError(matmul(noisy, weight), targets);
    },
    main: (net, _, { x, y }) => meanSquaredError(scores(net, x), y),
  }, { weights: { main: 0.7 } }),
  outer: (net, shared, { x, y }, { key, constants: { noise } }) => {
    const hidden = features(net, x);
    const noisy = add(hidden, mul(normal(key, hidden.shape), noise));
    const loss = meanSquaredError(add(matmul(noisy, net.head.weight), net.head.bias), y);
    const regularizer = mean(square(shared.heads.auxiliary.weight));
    return { loss: add(loss, mul(regularizer, 0.01)), metrics: { first: noisy } };
  },
};

/** Random meta-parameters. */
export function problemMeta(random: ReturnType<typeof numbers>): {
  readonly params: unknown;
  readonly shared: unknown;
} {
  return {
    params: {
      body: { weight: value([3, 4], random), bias: value([4], random) },
      head: { weight: value([4, 2], random), bias: value([2], random) },
    },
    shared: {
      heads: {
        auxiliary: { weight: value([4, 3], random), targets: value([5, 3], random) },
        main: {},
      },
      weights: { auxiliary: value([], [0.8]) },
    },
  };
}

/** Random data of `tasks` tasks. */
export function problemData(
  random: ReturnType<typeof numbers>,
  { tasks, steps }: { readonly tasks: number; readonly steps?: number },
): { readonly support: unknown; readonly query: unknown; readonly constants: unknown } {
  const front = steps === undefined ? [tasks] : [steps, tasks];
  const of = (...shape: number[]): Value => value(shape, random);
  return {
    support: {
      auxiliary: { x: of(...front, 5, 3) },
      main: { x: of(...front, 4, 3), y: of(...front, 4, 2) },
    },
    query: { x: of(tasks, 6, 3), y: of(tasks, 6, 2) },
    constants: { noise: value([], [0.1]) },
  };
}

/** Rates by path, scalar or per element, `[step, ...]` with `steps`. */
export function problemRates(
  random: ReturnType<typeof numbers>,
  { per, steps, adapt = () => true }: {
    readonly per: "tensor" | "element";
    readonly steps?: number;
    readonly adapt?: (path: string) => boolean;
  },
): Record<string, Value> {
  const shapes: Record<string, number[]> = {
    "body.weight": [3, 4],
    "body.bias": [4],
    "head.weight": [4, 2],
    "head.bias": [2],
  };
  const front = steps === undefined ? [] : [steps];
  return Object.fromEntries(
    Object.entries(shapes).filter(([path]) => adapt(path)).map(([path, shape]) => [
      path,
      value([...front, ...(per === "element" ? shape : [])], () => 0.6 + 0.1 * random()),
    ]),
  );
}
