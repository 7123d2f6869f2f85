/** Programs on TensorFlow.js against the reference. */
import { evaluate } from "../../src/ir/evaluate.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { TfjsExecutor } from "../../src/tfjs/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { assertClose, type Fn } from "../cases/laws.ts";

/** Runs a function on operands and compares its results. */
export type Agreement = (
  fn: Fn,
  point: readonly NdArray[],
  options: { readonly tolerance: number; readonly what: string },
) => Promise<void>;

function host(array: NdArray): HostArray {
  const data = array.dtype === "f32" ? Float32Array.from(array.data) : array.data;
  return { ...array, data: data as HostArray["data"] };
}

/** {@linkcode Agreement} on one executor. */
export async function assertAgreesOn(
  executor: TfjsExecutor,
  ...[fn, point, options]: Parameters<Agreement>
): Promise<void> {
  const { program } = trace(fn, point.map(({ shape, dtype }) => ({ shape, dtype })));
  const results = await executor.run(program, point.map(host));
  evaluate(program, point).forEach((expected, k) => {
    assertClose(ndArray(expected, results[k]!.data), expected, options);
  });
}
