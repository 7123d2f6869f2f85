/** How implementations are timed. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { sample } from "../../bench/peers/sampling.ts";

/** An implementation that takes `each` milliseconds, and 10 more for its wait at the end, by a clock of its own. */
function implementation(each: number): { run: (count: number) => Promise<void>; calls: number[] } {
  const calls: number[] = [];
  return {
    calls,
    run: (count) => {
      calls.push(count);
      now += count * each + 10;
      return Promise.resolve();
    },
  };
}

let now = 0;

Deno.test("sample() makes samples so long that the wait at their end hardly counts", async () => {
  const clock = performance.now;
  performance.now = () => now;
  try {
    for (const each of [0.5, 2, 5, 30, 350, 5000]) {
      const { run, calls } = implementation(each);
      const { firstCall, samples, perSample } = await sample(run, 5);
      assertEquals(firstCall, each + 10);
      assert(samples.length >= 2 && samples.length <= 5, `${samples.length} samples`);
      for (const found of samples) {
        assertAlmostEquals(found, each, 0.04 * each + 1e-9, `${each} ms`);
      }
      assertEquals(calls.at(-1), perSample);
      if (each > 300) assertEquals(calls, [1, 1, 1, 1, 1, 1].slice(0, calls.length));
    }
  } finally {
    performance.now = clock;
  }
});
