/**
 * Comparison of a device with the float64 reference.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Backend } from "../../src/engine/engine.ts";
import { hostData } from "../../src/ir/host_array.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import type { NdArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import type { Subject } from "./laws.ts";

/** The program of a subject. */
function programOf({ fn, point }: Subject): Program {
  const avals = point.map(({ shape, dtype }) => ({ shape, dtype }));
  return trace(fn as (...args: never[]) => unknown, avals).program;
}

/**
 * Runs a program on a backend; integers come back exactly, `f32` as the device rounds it. It is run
 * on the same numbers in another order first: the second run must not see the first.
 */
export async function runProgram(
  backend: Backend,
  program: Program,
  point: readonly NdArray[],
): Promise<readonly ArrayLike<number>[]> {
  const simplified = simplify(program);
  const loaded = await backend.load(simplified);
  const upload = (order: (data: number[]) => number[]): unknown[] =>
    point.map(({ shape, dtype, data }) =>
      backend.upload({ shape, dtype, data: hostData(order(Array.from(data)), dtype) })
    );
  const others = upload((data) => data.reverse());
  for (const handle of [...others, ...await loaded.run(others)]) backend.release(handle);
  const inputs = upload((data) => data);
  const handles = await loaded.run(inputs);
  const results = await backend.download(
    handles.map((handle, k) => ({ aval: simplified.outputs[k]!, handle })),
  );
  for (const handle of [...inputs, ...handles]) backend.release(handle);
  return results.map(({ data }) => data);
}

/** Runs a subject on a backend. */
export function runOn(backend: Backend, subject: Subject): Promise<readonly ArrayLike<number>[]> {
  return runProgram(backend, programOf(subject), subject.point);
}

/** The float64 meaning of a subject. */
export function referenceOf(subject: Subject): NdArray[] {
  return evaluate(programOf(subject), subject.point);
}

/** Throws unless results agree: integers exactly, `f32` to `tolerance` of the largest magnitude. */
export function assertAgrees(
  name: string,
  got: readonly ArrayLike<number>[],
  { want, tolerance }: { want: readonly NdArray[]; tolerance: number },
): void {
  want.forEach((expected, k) => {
    const actual = got[k]!;
    let error = 0;
    let magnitude = 0;
    expected.data.forEach((value, at) => {
      const distance = Math.abs(actual[at]! - value);
      error = Math.max(error, Number.isNaN(distance) ? Infinity : distance);
      magnitude = Math.max(magnitude, Math.abs(value));
    });
    const allowed = expected.dtype === "f32" ? tolerance * magnitude + 1e-7 : 0;
    assert(
      actual.length === expected.data.length && error <= allowed,
      `${name}: result ${k} is off by ${error} (largest magnitude ${magnitude}), allowed ${allowed}`,
    );
  });
}
