/** Functions of the program's own: calls, maps, derivatives. @module */
import { type Aval, sameAval } from "../../../src/ir/aval.ts";
import { Builder } from "../builder.ts";
import { grow } from "../grow.ts";
import { type Ref, wrappers } from "../recipe.ts";
import { choices } from "./choices.ts";
import { contractions } from "./contractions.ts";
import { linearAlgebra } from "./linear_algebra.ts";
import { elementwise } from "./elementwise.ts";
import { networks } from "./networks.ts";
import { type Operation, ref } from "./operation.ts";
import { reductions } from "./reductions.ts";
import { sharedWork } from "./shared_work.ts";
import { sources } from "./sources.ts";
import { arrangements } from "./arrangements.ts";
import { specialFunctions } from "./special_functions.ts";
import { structure } from "./structure.ts";

/** Depth of functions within functions. */
const MOST_DEPTH = 2;

/** What a function is made of; other functions too, up to a depth. */
export function operationsAt(depth: number): readonly Operation[] {
  const plain = [
    ...elementwise,
    ...choices,
    ...reductions,
    ...structure,
    ...arrangements,
    ...specialFunctions,
    ...contractions,
    ...linearAlgebra,
    ...sources,
    ...sharedWork,
    ...networks,
  ];
  return depth < MOST_DEPTH
    ? [...plain, { name: "function", weight: 10, make: ownFunction }]
    : plain;
}

/** Calls have rules for each transformation; so have maps and functions with rules of their own. */
const OFTEN: Partial<Record<(typeof wrappers)[number], number>> = {
  checkpoint: 5,
  grad: 2,
  vmap: 2,
  halfJvp: 3,
};

const WRAPPERS = wrappers.map((wrapper) => ({ wrapper, weight: OFTEN[wrapper] ?? 1 }));

/** A line with the axis that a map takes away, if any. */
interface Operand {
  readonly line: number;
  readonly axis: number | null;
}

function ownFunction(b: Builder): number | undefined {
  const { wrapper } = b.draw.weighted(WRAPPERS);
  const first = b.float(({ shape }) => wrapper !== "vmap" || shape.some((extent) => extent > 0));
  if (first === undefined) return undefined;
  const operands = wrapper === "vmap" ? mapped(b, first) : unmapped(b, first);
  const inner = new Builder(b.draw, b.limits, b);
  for (const { line, axis } of operands) {
    const mark = b.length;
    const example = axis === null ? line : b.call("slice", [ref(line), [
      ...b.aval(line).shape.slice(0, axis).map(() => null),
      0,
    ]]);
    inner.argument(b, example);
    b.truncate(mark);
  }
  grow(inner, operationsAt(inner.depth), b.draw.integer(1, 5));
  const outputs = outputsOf(inner, wrapper);
  if (outputs === undefined) return undefined;
  const own = b.define({
    wrapper,
    body: inner.body(outputs),
    ...(wrapper === "vmap" ? { axes: operands.map(({ axis }) => axis) } : {}),
  });
  return use(b, own, { wrapper, operands, outputs: outputs.map((k) => inner.aval(k)) });
}

function unmapped(b: Builder, first: number): Operand[] {
  // Operands of one shape are told apart by their numbers alone.
  const alike = (aval: Aval, line: number): boolean =>
    line !== first && sameAval(aval, b.aval(first));
  const others = Array.from(
    { length: b.draw.integer(0, 2) },
    () => (b.draw.chance(0.5) ? b.find(alike) : undefined) ?? b.find(() => true)!,
  );
  return [first, ...others].map((line) => ({ line, axis: null }));
}

/** Operands of a map: their mapped axes have one extent. */
function mapped(b: Builder, first: number): Operand[] {
  const { shape } = b.aval(first);
  const axis = b.draw.pick(shape.flatMap((extent, k) => extent > 0 ? [k] : []));
  const others = Array.from({ length: b.draw.integer(0, 2) }, (): Operand => {
    const line = b.find(() => true)!;
    const fitting = b.aval(line).shape.flatMap((extent, k) => extent === shape[axis] ? [k] : []);
    return { line, axis: fitting.length > 0 && b.draw.chance(0.7) ? b.draw.pick(fitting) : null };
  });
  return [{ line: first, axis }, ...others];
}

/** The results of a body: a scalar where a gradient is taken, else one or two lines that are not constant. */
function outputsOf(inner: Builder, wrapper: string): number[] | undefined {
  const several = wrapper === "checkpoint" || wrapper === "vmap";
  const fits = (aval: Aval, line: number): boolean =>
    inner.depends(line) && (several || aval.dtype === "f32");
  const last = lastOf(inner, fits);
  if (last === undefined) return undefined;
  if (["grad", "valueAndGrad", "hvp"].includes(wrapper)) {
    if (inner.aval(last).shape.length === 0) return [last];
    // A square, so that the second derivative is seldom zero.
    return [inner.call("sum", [ref(inner.call("square", [ref(last)]))])];
  }
  if (!several || inner.draw.chance(0.5)) return [last];
  const other = inner.draw.chance(0.7)
    ? inner.find((aval, k) => k !== last && fits(aval, k))
    : undefined;
  return [last, other ?? inner.find(() => true)!];
}

/** The last line that fits. */
function lastOf(b: Builder, fits: (aval: Aval, line: number) => boolean): number | undefined {
  return Array.from({ length: b.length }, (_, k) => k).findLast((k) => fits(b.aval(k), k));
}

/** Some steps down a gradient, as inner loops take them. */
function descent(b: Builder, own: number, [first, ...rest]: readonly Ref[]): number {
  let at = first!;
  for (let steps = b.draw.integer(1, 3); steps > 0; steps--) {
    const step = b.call("mul", [ref(b.call(own, [at, ...rest])), b.draw.pick([0.1, 0.03])]);
    at = ref(b.call("sub", [at, ref(step)]));
  }
  return at.line;
}

function use(
  b: Builder,
  own: number,
  { wrapper, operands, outputs }: {
    wrapper: string;
    operands: readonly Operand[];
    outputs: readonly Aval[];
  },
): number {
  const args = operands.map(({ line }) => ref(line));
  const [first, ...rest] = args;
  const aval = b.aval(operands[0]!.line);
  switch (wrapper) {
    case "valueAndGrad":
      return b.call(own, args, b.draw.pick(["value", "grad"]));
    case "jvp":
    case "hvp":
      return b.call(own, [first!, ref(b.provide(aval.shape)), ...rest]);
    case "vjp":
      return b.call(own, [first!, ref(b.provide(outputs[0]!.shape)), ...rest]);
  }
  if (wrapper === "grad" && b.draw.chance(0.6)) return descent(b, own, args);
  const take = outputs.length > 1 ? b.draw.integer(0, 1) : undefined;
  const result = b.call(own, args, take);
  if (b.draw.chance(0.35)) return result;
  // Called again, with its own result where that fits: calls share one compiled program.
  const again = sameAval(b.aval(result), aval) && b.bound(result) < 10;
  const others = operands.map(({ line }, k) => {
    if (k === 0 && again) return ref(result);
    const { shape, dtype } = b.aval(line);
    // A map maps one call's operand, and not a constant in the place of it.
    if (b.draw.chance(0.4)) return ref(b.call("full", [[...shape], { value: 1, dtype }]));
    return ref(b.find((aval) => sameAval(aval, { shape, dtype }))!);
  });
  const second = b.call(own, others, take);
  return again || b.aval(result).dtype === "bool"
    ? second
    : b.call(b.draw.pick(["add", "sub"]), [ref(result), ref(second)]);
}
