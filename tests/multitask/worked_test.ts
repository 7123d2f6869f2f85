/** Weighting methods against their papers' algorithms, written out on the host in float64. */
import { assert, assertAlmostEquals } from "@std/assert";
import * as multitask from "../../src/multitask/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { constant, eye, matmul, valuesOf } from "../../src/tensor/mod.ts";
import { after, assertNear, frozen, gramOf, weigh } from "./weigh.ts";

Deno.test("uncertaintyWeighting() comes to rest at 1 / (2 loss)", () => {
  const losses = constant([0.5, 4]);
  const weights = after(
    multitask.uncertaintyWeighting({ rate: 0.2 }),
    200,
    () => ({ losses, gram: eye(2) }),
  );
  assertNear(weights, [1, 0.125], 1e-3);
});

Deno.test("uncertaintyWeighting() stays finite on losses that are not positive, tiny or huge", () => {
  for (const losses of [[-10, 1], [0, 1e-14], [1e14, -1e14]]) {
    const weights = after(
      multitask.uncertaintyWeighting({ rate: 1 }),
      100,
      () => ({ losses: constant(losses), gram: eye(2) }),
    );
    assert(weights.every((weight) => weight > 0 && weight < 1.2e17), `${losses}: ${weights}`);
  }
});

/** Adam with weight decay in the gradient, on the host: Kingma and Ba, algorithm 1. */
function hostAdam(rate: number, decay: number, epsilon: number) {
  let [first, second]: [number[], number[]] = [[], []];
  let time = 0;
  return (x: readonly number[], slope: readonly number[]): number[] => {
    time++;
    const grad = slope.map((g, k) => g + decay * x[k]!);
    first = grad.map((g, k) => 0.9 * (first[k] ?? 0) + 0.1 * g);
    second = grad.map((g, k) => 0.999 * (second[k] ?? 0) + 0.001 * g * g);
    return x.map((value, k) => {
      const [mean, square] = [first[k]! / (1 - 0.9 ** time), second[k]! / (1 - 0.999 ** time)];
      return value - rate * mean / (Math.sqrt(square) + epsilon);
    });
  };
}

function softmax(x: readonly number[]): number[] {
  const powers = x.map(Math.exp);
  return powers.map((power) => power / powers.reduce((a, b) => a + b));
}

Deno.test("famo() is algorithm 1 of its paper with Adam, losses measured after the step", () => {
  const method = multitask.famo({ rate: 0.1, decay: 0.01 });
  const adam = hostAdam(0.1, 0.01, 1e-8);
  let state = method.init(3);
  let logits = [0, 0, 0];
  for (let step = 0; step < 20; step++) {
    const before = [1, 2, 3].map((k) => k * 0.95 ** (step * k) + 0.1 * Math.sin(step * k) ** 2);
    const later = before.map((loss, k) => loss * (0.9 + 0.04 * k));
    const z = softmax(logits);
    const unscaled = z.map((share, k) => share / before[k]!);
    const { weights, state: next } = weigh(method, eye(3), { losses: constant(before), state });
    assertNear(valuesOf(weights), unscaled.map((x) => x / unscaled.reduce((a, b) => a + b)), 1e-12);
    const fall = before.map((loss, k) => Math.log(loss) - Math.log(later[k]!));
    const mean = fall.reduce((total, x, k) => total + z[k]! * x, 0);
    logits = adam(logits, z.map((share, k) => share * (fall[k]! - mean)));
    state = frozen(method.observe!(next, constant(later)));
    assertNear(valuesOf(state["logits"]!), logits, 1e-9);
  }
  // The first loss fell most in each step.
  assert(logits[0]! < logits[1]! && logits[1]! < logits[2]!, `${logits}`);
  assert(logits[2]! - logits[0]! > 1, `${logits}`);
});

Deno.test("famo() without observed losses takes those of the next step", () => {
  const method = multitask.famo();
  const at = (step: number) => constant([0.9 ** step, 1]);
  let [seen, unseen] = [method.init(2), method.init(2)];
  for (let step = 0; step < 30; step++) {
    const losses = at(step);
    unseen = frozen(weigh(method, eye(2), { losses, state: unseen }).state);
    const next = weigh(method, eye(2), { losses, state: seen }).state;
    if (step < 29) seen = frozen(method.observe!(next, at(step + 1)));
  }
  assertNear(valuesOf(unseen["logits"]!), valuesOf(seen["logits"]!), 1e-12);
  const [falling, resting] = valuesOf(unseen["logits"]!);
  assert(resting! - falling! > 1, `${falling} ${resting}`);
});

Deno.test("gradNorm() is algorithm 1 of its paper: step t has the weights of step t", () => {
  const [alpha, rate] = [1.5, 0.025];
  const start = [2, 4, 1];
  const norms = [3, 0.2, 1];
  const gram = constant(norms.map((a, i) => norms.map((b, j) => i === j ? a * b : 0.3 * a * b)));
  for (
    const [optimizer, move] of [
      [undefined, hostAdam(rate, 0, 1e-30)],
      [sgd(), (x: readonly number[], g: readonly number[]) => x.map((v, k) => v - rate * g[k]!)],
    ] as const
  ) {
    const method = multitask.gradNorm({ alpha, rate, ...(optimizer ? { optimizer } : {}) });
    let state = method.init(3);
    let expected = [1, 1, 1];
    for (let step = 0; step < 15; step++) {
      const losses = start.map((loss, k) => loss * (1 - 0.02 * k) ** step);
      const result = weigh(method, gram, { losses: constant(losses), state });
      assertNear(valuesOf(result.weights), expected, 1e-9);
      state = frozen(result.state);
      const progress = losses.map((loss, k) => loss / start[k]!);
      const mean = (x: readonly number[]) => x.reduce((a, b) => a + b) / x.length;
      const weighted = expected.map((weight, k) => weight * norms[k]!);
      const target = progress.map((x) => mean(weighted) * (x / mean(progress)) ** alpha);
      const slope = weighted.map((x, k) => Math.sign(x - target[k]!) * norms[k]!);
      const moved = move(expected, slope);
      expected = moved.map((weight) => weight / mean(moved));
    }
    assertNear(valuesOf(state["initial"]!), start, 0);
  }
});

Deno.test("gradNorm() equalizes norms and favours slow tasks", () => {
  const losses = constant([1, 1]);
  const gram = constant([[9, 0], [0, 1]]);
  const weights = after(multitask.gradNorm({ rate: 0.01 }), 300, () => ({ losses, gram }));
  assertAlmostEquals(weights[0]! * 3, weights[1]!, 0.1);
  assertAlmostEquals(weights[0]! + weights[1]!, 2, 1e-9);
  const slow = after(multitask.gradNorm({ rate: 0.01 }), 300, (step) => ({
    losses: constant(step === 0 ? [1, 1] : [1, 0.5]),
    gram: eye(2),
  }));
  assert(slow[0]! > slow[1]! + 0.1, `weights ${slow}`);
});

Deno.test("gradNorm() keeps the first losses, whatever their sign, and stays bounded", () => {
  const method = multitask.gradNorm();
  let state = method.init(2);
  for (const losses of [[-1, 2], [-2, 1], [-3, 0.5], [5, 0], [0, -4]]) {
    const result = weigh(method, eye(2), { losses: constant(losses), state });
    state = frozen(result.state);
    assert(valuesOf(result.weights).every((weight) => weight > 0 && weight < 2));
  }
  assertNear(valuesOf(state["initial"]!), [-1, 2], 0);
});

Deno.test("pcGrad() projects in an order drawn from the key", () => {
  const rows = constant([[1, 0, 0.2], [-0.8, 0.6, 0], [-0.5, -0.7, 0.4]]);
  const results = new Set(
    [0, 1, 2, 3, 4, 5, 6, 7].map((seed) =>
      valuesOf(weigh(multitask.pcGrad(), gramOf(rows), { seed }).weights).map((v) => v.toFixed(6))
        .join()
    ),
  );
  assert(results.size > 1);
  // Algorithm 1 by hand, over all orders of the two other tasks for each task.
  const plain = [[1, 0, 0.2], [-0.8, 0.6, 0], [-0.5, -0.7, 0.4]];
  const dot = (a: number[], b: number[]): number => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
  const project = (own: number, others: number[]): number[] =>
    others.reduce((g, j) => {
      const along = Math.min(0, dot(g, plain[j]!) / dot(plain[j]!, plain[j]!));
      return g.map((x, k) => x - along * plain[j]![k]!);
    }, plain[own]!);
  const orders = [[[1, 2], [2, 1]], [[0, 2], [2, 0]], [[0, 1], [1, 0]]];
  const possible = orders[0]!.flatMap((a) =>
    orders[1]!.flatMap((b) =>
      orders[2]!.map((c) =>
        [project(0, a), project(1, b), project(2, c)].reduce((x, y) => x.map((v, k) => v + y[k]!))
      )
    )
  );
  for (let seed = 0; seed < 8; seed++) {
    const { weights } = weigh(multitask.pcGrad(), gramOf(rows), { seed });
    const found = valuesOf(matmul(weights, rows));
    const nearest = Math.min(
      ...possible.map((option) => Math.hypot(...option.map((value, k) => value - found[k]!))),
    );
    assert(nearest < 1e-9, `seed ${seed}: ${found}`);
  }
});
