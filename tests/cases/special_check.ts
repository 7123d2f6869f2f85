/** The table of special points on an engine. @module */
import type { Engine } from "../../src/engine/engine.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { sum } from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { SPECIAL_POINTS, type SpecialCase } from "./special_points.ts";

/** A function and its first two derivatives. */
function orders({ fn }: SpecialCase): ((x: Tensor) => Tensor)[] {
  const first = grad((x: Tensor) => sum(fn(x)));
  return [fn, first, grad((x: Tensor) => sum(first(x)))];
}

/** Equal, or close and both finite. The signs of zeros are not kept. */
function agrees(found: number, wanted: number): boolean {
  const expected = Math.fround(wanted);
  if (!Number.isFinite(expected) || expected === 0) return Object.is(found + 0, expected + 0);
  return Math.abs(found - expected) <= 2e-6 * Math.abs(expected);
}

/**
 * Computes the table of special points, in code for single numbers and for four at once, each after a
 * run with other numbers.
 *
 * @returns What is not as the table says.
 */
export async function specialPointFaults(engine: Engine): Promise<string[]> {
  const wrong = new Set<string>();
  for (const count of [9, 8]) {
    const tables = SPECIAL_POINTS.map(({ points }) =>
      Array.from({ length: count }, (_, k) => points[k % points.length]!)
    );
    const numbers = tables.map((points) => points.map(([x]) => x));
    for (const order of [0, 1, 2]) {
      const run = engine.jit((inputs: Tensor[]) =>
        SPECIAL_POINTS.map((entry, k) => orders(entry)[order]!(inputs[k]!))
      );
      for (const value of await run(numbers.map((at) => hostArray([...at].reverse())))) {
        engine.release(value);
      }
      const values = await run(numbers.map((at) => hostArray(at)));
      for (const [k, value] of values.entries()) {
        const { data } = await engine.read(value);
        engine.release(value);
        tables[k]!.forEach((point, at) => {
          const wanted = point[order + 1]!;
          if (agrees(data[at]!, wanted)) return;
          const what = `${SPECIAL_POINTS[k]!.name}${"'".repeat(order)}(${point[0]})`;
          wrong.add(`${what} in ${count} is ${data[at]}, expected ${wanted}`);
        });
      }
    }
  }
  return [...wrong];
}
