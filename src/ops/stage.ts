/** A step that a longer computation repeats, compiled once for all its repetitions. @module */
import { evaluate } from "../ir/evaluate.ts";
import { type Aval, formatAval } from "../ir/aval.ts";
import type { Primitive } from "../ir/primitive.ts";
import { type Program, programOf } from "../ir/program.ts";
import { applyAll, type Tensor } from "../ir/tensor.ts";
import { input } from "./source.ts";

interface StageParams {
  readonly program: Program;
}

const late = (): never => {
  throw new Error(
    "Cannot transform a stage: stages stand for the device code of primitives, which have their own " +
      "rules. Transform a program before it is simplified.",
  );
};

/** Calls a program. Only expansions of primitives contain it: after all differentiation. */
const stageP: Primitive<StageParams> = {
  name: "stage",
  avals: ({ program }) => program.outputs,
  evaluate: ({ program }, inputs) => evaluate(program, inputs),
  jvp: late,
  transpose: late,
  vmap: late,
  lower: { kind: "call", program: ({ program }) => program },
};

/** A step from some tensors to others. */
export type Stage = (...tensors: Tensor[]) => readonly Tensor[];

/**
 * The programs that somebody still uses, by name and operands: equal stages are one program. A shape that comes
 * no more leaves nothing behind.
 */
const known = new Map<string, WeakRef<Program>>();
const unused = /* @__PURE__ */ new FinalizationRegistry<string>((key) => {
  // By now another one may have taken its place.
  if (known.get(key)?.deref() === undefined) known.delete(key);
});

/**
 * Makes a function a stage: wherever it is applied, it is the same compiled program.
 *
 * @param name Names the function, which depends on nothing but its arguments.
 * @param avals What it is applied to.
 * @param fn The function.
 * @returns A function like `fn`, for the device code of a primitive.
 */
export function stage(name: string, avals: readonly Aval[], fn: Stage): Stage {
  const key = [name, ...avals.map(formatAval)].join(" ");
  let program = known.get(key)?.deref();
  if (!program) {
    const inputs = avals.map(({ shape, dtype }) => input({ shape, dtype }));
    program = programOf(inputs, fn(...inputs));
    known.set(key, new WeakRef(program));
    unused.register(program, key);
  }
  const params = { program };
  return (...tensors) => applyAll(stageP, params, tensors);
}
