import { assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import { combineMetaGradients, type MetaGradientPart, multiTaskLoss } from "../../src/meta/mod.ts";
import { randomKey, uniform } from "../../src/random/mod.ts";
import { add, constant, mul, valuesOf } from "../../src/tensor/mod.ts";

type Heads = { readonly a: Tensor; readonly b: Tensor };

const losses = multiTaskLoss<Tensor, Heads, Heads>({
  b: (params, head, batch) => mul(mul(params, head), batch),
  a: (params, head, batch, { key }) => ({
    loss: add(mul(add(params, head), batch), 0),
    metrics: { noise: uniform(key, []) },
  }),
}, { weights: { b: 0.5 } });
const heads: Heads = { a: constant(3), b: constant(5) };
const batches: Heads = { a: constant(7), b: constant(11) };
const context = { key: randomKey(0), constants: {} };

Deno.test("multiTaskLoss() gives each loss its head, its batch and its weight", () => {
  const { loss, metrics } = losses(constant(2), { heads }, batches, context);
  assertEquals(valuesOf(metrics.losses["a"]!), [(2 + 3) * 7]);
  assertEquals(valuesOf(metrics.losses["b"]!), [2 * 5 * 11]);
  assertEquals(valuesOf(loss), [35 + 0.5 * 110]);
});

Deno.test("multiTaskLoss() prefers learned weights", () => {
  const weights = { b: constant(2) };
  const { loss } = losses(constant(2), { heads, weights }, batches, context);
  assertAlmostEquals(valuesOf(loss)[0]!, 35 + 2 * 110);
});

Deno.test("multiTaskLoss() gives each loss its own key", () => {
  const noisy = (_: Tensor, __: unknown, ___: unknown, { key }: { readonly key: Tensor }) =>
    uniform(key, []);
  const none = { a: {}, b: {} };
  const both = multiTaskLoss<Tensor, typeof none, typeof none>({ a: noisy, b: noisy });
  const { metrics } = both(constant(2), { heads: none }, none, context);
  assertNotEquals(valuesOf(metrics.losses["a"]!), valuesOf(metrics.losses["b"]!));
});

Deno.test("multiTaskLoss() throws without losses and on weights of no loss", () => {
  assertThrows(() => multiTaskLoss({}), RangeError, "found none");
  const weights = { c: 1 } as Record<string, number>;
  assertThrows(
    () => multiTaskLoss({ a: (x: Tensor) => x }, { weights } as never),
    RangeError,
    "Cannot weight the loss 'c': found no such loss, expected one of a",
  );
  assertThrows(
    () => losses(constant(2), { heads, weights: { d: constant(1) } }, batches, context),
    RangeError,
    "Cannot weight the loss 'd': found no such loss, expected one of a, b",
  );
});

Deno.test("combineMetaGradients() refuses fixed weights of other parts, and parts without one", () => {
  const part = (() => undefined) as unknown as MetaGradientPart;
  for (const weights of [{ a: 1 }, { a: 1, b: 1, c: 1 }, { a: 1, B: 1 }]) {
    assertThrows(
      () => combineMetaGradients({ a: part, b: part }, { weights: weights as never }),
      RangeError,
      "expected one for each of [a, b]",
    );
  }
});
