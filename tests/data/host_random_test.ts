import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { HostRandom, xoshiro128 } from "../../src/data/host_random.ts";

Deno.test("xoshiro128() gives the numbers of the authors' program for the state 1, 2, 3, 4", () => {
  const state = Int32Array.of(1, 2, 3, 4);
  const expected = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849];
  assertEquals(expected.map(() => xoshiro128(state)), expected);
});

Deno.test("HostRandom gives other streams for other words, their order and their number", () => {
  const seeds = [[], [0], [1], [2 ** 32], [0, 0], [0, 1], [1, 0], [2 ** 53 - 1]];
  const first = seeds.map((seed) => {
    const random = new HostRandom(seed);
    return `${random.uint32()} ${random.uint32()}`;
  });
  assertEquals(new Set(first).size, seeds.length);
});

Deno.test("HostRandom streams of neighbouring seeds are uncorrelated", () => {
  // The first number of 20,000 neighbouring streams: mean 1/2 +- 5 sigma, no serial correlation.
  const values = Array.from({ length: 20_000 }, (_, index) => new HostRandom([7, index]).uniform());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assertAlmostEquals(mean, 0.5, 5 * Math.sqrt(1 / 12 / values.length));
  const serial = values.slice(1).reduce(
    (sum, value, index) => sum + (value - 0.5) * (values[index]! - 0.5) * 12,
    0,
  ) / values.length;
  assertAlmostEquals(serial, 0, 5 / Math.sqrt(values.length));
});

Deno.test("HostRandom.integer() is uniform by chi-squared", () => {
  const random = new HostRandom([1]);
  const counts = new Array<number>(7).fill(0);
  for (let draw = 0; draw < 70_000; draw++) counts[random.integer(7)]!++;
  const chiSquared = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assert(chiSquared < 27.9, `chi-squared ${chiSquared} with 6 degrees of freedom`); // p = 1e-4
});

Deno.test("HostRandom.shuffle() gives every order equally often and loses nothing", () => {
  const random = new HostRandom([2]);
  const counts = new Map<string, number>();
  for (let draw = 0; draw < 24_000; draw++) {
    const order = random.shuffle(Int32Array.of(0, 1, 2, 3)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert(chiSquared < 56, `chi-squared ${chiSquared} with 23 degrees of freedom`); // p = 1.4e-4
});

Deno.test("HostRandom throws on words and bounds that are not whole", () => {
  assertThrows(() => new HostRandom([-1]), RangeError, "found -1");
  assertThrows(() => new HostRandom([0.5]), RangeError, "found 0.5");
  assertThrows(() => new HostRandom([NaN]), RangeError, "found NaN");
  assertThrows(() => new HostRandom([0]).integer(0), RangeError, "bound 0");
});
