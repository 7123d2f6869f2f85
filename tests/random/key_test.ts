import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  bernoulli,
  bits,
  foldIn,
  keyWords,
  normal,
  randomIntegers,
  randomKey,
  splitKey,
  splitKeys,
  uniform,
} from "../../src/random/mod.ts";
import { constant, stack, valuesOf, zeros } from "../../src/tensor/mod.ts";
import { vmap } from "../../src/transform/mod.ts";

const COUNT = 20_000;

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** Correlation times sqrt(n): standard normal if the draws are independent. */
function dependence(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, k) => {
    ab += (value - ma) * (b[k]! - mb);
    aa += (value - ma) ** 2;
    bb += (b[k]! - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb) * Math.sqrt(a.length);
}

/** Kolmogorov-Smirnov distance times sqrt(n): above 1.95 with probability 0.001. */
function distance(values: readonly number[], cdf: (x: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const gaps = sorted.map((x, k) => Math.max((k + 1) / n - cdf(x), cdf(x) - k / n));
  return Math.max(...gaps) * Math.sqrt(n);
}

function normalCdf(x: number): number {
  // Integral of the density by Simpson's rule from 0.
  const steps = 200;
  const density = (z: number): number => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  let total = density(0) + density(x);
  for (let k = 1; k < steps; k++) total += density(x * k / steps) * (k % 2 === 1 ? 4 : 2);
  return 0.5 + total * x / steps / 3;
}

Deno.test("uniform() fills its interval evenly", () => {
  const values = valuesOf(uniform(randomKey(1), [COUNT], { low: -2, high: 6 }));
  assert(distance(values, (x) => (x + 2) / 8) < 1.95);
  assert(values.every((value) => value >= -2 && value < 6));
  assert(Math.abs(dependence(values.slice(1), values.slice(0, -1))) < 4);
});

Deno.test("normal() has the normal distribution", () => {
  const values = valuesOf(normal(randomKey(2), [COUNT], { mean: 3, deviation: 2 }));
  assert(distance(values, (x) => normalCdf((x - 3) / 2)) < 1.95);
  assert(Math.abs(dependence(values.slice(1), values.slice(0, -1))) < 4);
  const fourth = mean(values.map((value) => ((value - 3) / 2) ** 4));
  assert(Math.abs(fourth - 3) < 4 * Math.sqrt(96 / COUNT), `fourth moment ${fourth}`);
});

Deno.test("bernoulli() and randomIntegers() have the wanted frequencies", () => {
  const rate = mean(valuesOf(bernoulli(randomKey(3), [COUNT], { probability: 0.3 })));
  assert(Math.abs(rate - 0.3) < 4 * Math.sqrt(0.21 / COUNT), `rate ${rate}`);
  const values = valuesOf(randomIntegers(randomKey(4), [COUNT], { low: -2, high: 5 }));
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  assertEquals([...counts.keys()].sort((a, b) => a - b), [-2, -1, 0, 1, 2, 3, 4]);
  const chi = [...counts.values()].reduce(
    (total, count) => total + (count - COUNT / 7) ** 2 / (COUNT / 7),
    0,
  );
  assert(chi < 22.5, `chi-square ${chi} with 6 degrees of freedom`);
  const wide = valuesOf(randomIntegers(randomKey(5), [100], { high: 2 ** 32, dtype: "u32" }));
  assertEquals(wide, valuesOf(bits(randomKey(5), [100])));
});

Deno.test("derived keys give streams that are independent of each other and of their origin", () => {
  const key = randomKey(7);
  const [first, second] = splitKey(key, 2);
  const keys: Record<string, Tensor> = {
    origin: key,
    first: first!,
    second: second!,
    zero: foldIn(key, 0),
    one: foldIn(key, 1),
    neighbour: randomKey(8),
    below: foldIn(first!, 0),
  };
  const names = Object.keys(keys);
  const streams = names.map((name) => valuesOf(uniform(keys[name]!, [COUNT])));
  names.forEach((name, a) => {
    for (let b = 0; b < a; b++) {
      for (const shift of [0, 1, 2]) {
        const score = dependence(streams[a]!.slice(shift), streams[b]!.slice(0, COUNT - shift));
        assert(Math.abs(score) < 4.5, `${name} and ${names[b]} at ${shift}: ${score}`);
      }
    }
  });
});

Deno.test("the words of a key's draws are not among its derived keys", () => {
  const key = randomKey(9);
  const drawn = new Set(valuesOf(bits(key, [64])));
  const derived = [
    ...valuesOf(splitKeys(key, 16)),
    ...Array.from({ length: 16 }, (_, k) => valuesOf(foldIn(key, k))).flat(),
  ];
  assertEquals(derived.filter((word) => drawn.has(word)), []);
  assertEquals(new Set(derived).size, derived.length);
});

Deno.test("foldIn() keeps seeds and numbers apart", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 12; seed++) {
    for (let data = 0; data < 12; data++) {
      seen.add(valuesOf(foldIn(randomKey(seed), data)).join());
    }
  }
  assertEquals(seen.size, 144);
});

Deno.test("foldIn() takes numbers and tensors alike, one by one or mapped", () => {
  const key = randomKey(10);
  const steps = [0, 1, 77];
  const alone = steps.map((step) => valuesOf(foldIn(key, step)));
  const tensors = steps.map((step) => valuesOf(foldIn(key, constant(step, { dtype: "i32" }))));
  const mapped = vmap((step: Tensor) => foldIn(key, step))(constant(steps, { dtype: "u32" }));
  assertEquals(tensors, alone);
  assertEquals(valuesOf(mapped), alone.flat());
});

Deno.test("draws of mapped keys are the draws of each key", () => {
  const keys = splitKey(randomKey(11), 3);
  const draw = (key: Tensor): Tensor => normal(key, [2, 2]);
  assertEquals(valuesOf(vmap(draw)(stack(keys))), keys.flatMap((key) => valuesOf(draw(key))));
  assertEquals(valuesOf(splitKeys(randomKey(11), 3)), keys.flatMap(valuesOf));
});

Deno.test("keyWords() uses all bits of a seed", () => {
  assertEquals([...keyWords(2 ** 53 - 1)], [2 ** 21 - 1, 2 ** 32 - 1]);
  assertNotEquals(
    valuesOf(bits(randomKey(1), [1])),
    valuesOf(bits(randomKey(1 + 2 ** 32), [1])),
  );
  for (const seed of [-1, 0.5, 2 ** 53, NaN]) {
    assertThrows(() => randomKey(seed), RangeError, `the seed ${seed}`);
  }
});

Deno.test("random functions throw on impossible requests", () => {
  const key = randomKey(0);
  assertThrows(() => uniform(zeros([2]), [1]), TypeError, "found the key f32[2], expected u32[2]");
  assertThrows(() => splitKey(key, 0), RangeError, "into 0 keys");
  assertThrows(() => foldIn(key, -1), RangeError, "Cannot fold -1");
  assertThrows(() => foldIn(key, zeros([])), TypeError, "Cannot fold f32[]");
  assertThrows(() => uniform(key, [1], { low: 1, high: 0 }), RangeError, "[1, 0)");
  assertThrows(() => bernoulli(key, [1], { probability: 1.1 }), RangeError, "1.1");
  assertThrows(() => randomIntegers(key, [1], { high: 0 }), RangeError, "[0, 0)");
  assertThrows(() => randomIntegers(key, [1], { low: -1, high: 4, dtype: "u32" }), RangeError);
});
