/** Work that kernels share: updates of many small tensors, and reductions of several kinds in one pass. @module */
import type { Builder } from "../builder.ts";
import { type Operation, ref } from "./operation.ts";

/** Updates of several parameters, as optimizers make them: small kernels that do not need each other. */
function updates(b: Builder): number | undefined {
  const rate = b.draw.pick([0.1, 0.25]);
  const decay = b.draw.pick([0.5, 0.9]);
  const kind = b.draw.pick(["plain", "momentum", "scaled"]);
  const sums: number[] = [];
  for (let count = b.draw.integer(3, 9); count > 0; count--) {
    const most = Math.min(70, b.limits.given);
    const shape = b.draw.chance(0.5)
      ? [b.draw.integer(1, most)]
      : b.shape(b.draw.integer(0, 3), most);
    const [weight, grad, before] = [0, 1, 2].map(() => ref(b.provide(shape)));
    const scaled = (of: number, by: number): number => b.call("mul", [ref(of), by]);
    const mean = kind === "plain" ? grad! : ref(b.call("add", [
      ref(scaled(before!.line, decay)),
      ref(scaled(grad!.line, 1 - decay)),
    ]));
    const root = (): number =>
      b.call("sqrt", [ref(b.call("add", [ref(b.call("square", [mean])), 0.25]))]);
    const step = kind === "scaled" ? ref(b.call("div", [mean, ref(root())])) : mean;
    const after = b.call("sub", [weight!, ref(scaled(step.line, rate))]);
    // The next step reads it, or a norm does.
    if (b.draw.chance(0.3)) b.call("mul", [ref(after), grad!]);
    if (b.draw.chance(0.5)) sums.push(b.call("sum", [ref(b.call("square", [ref(after)]))]));
  }
  return sums.length === 0
    ? b.length - 1
    : sums.reduce((all, sum) => b.call("add", [ref(all), ref(sum)]));
}

/** Reductions of one tensor along an axis that nothing divides, and what is made of each column. */
function columns(b: Builder): number | undefined {
  const { given } = b.limits;
  const [before, behind] = [b.draw.pick([1, 1, 2, 3, 5]), b.draw.pick([1, 1, 2, 3, 4, 8, 12, 33])];
  const most = Math.floor(given / (before * behind));
  if (most < 3) return undefined;
  const rows = b.draw.integer(Math.ceil(most / 3), most);
  const shape = [before, rows, behind];
  const x = b.provide(shape, "f32", b.draw.pick(["normal", "grid"]));
  const other = b.provide([before, behind]);
  const reduced = (call: string, of = x): number => b.call(call, [ref(of), { axes: 1 }]);
  const positive = (): number =>
    b.call("convert", [ref(b.call("greater", [ref(x), b.draw.pick([0, 0.5])])), "f32"]);
  const kinds: Record<string, () => number> = {
    sum: () => reduced("sum"),
    mean: () => reduced("mean"),
    largest: () => reduced("max"),
    smallest: () => reduced("min"),
    count: () => reduced("sum", positive()),
    squares: () => reduced("mean", b.call("square", [ref(x)])),
    position: () => b.call("convert", [ref(reduced("argMax")), "f32"]),
  };
  const chosen = b.draw.shuffled(Object.keys(kinds)).slice(0, b.draw.integer(1, 5));
  const found = chosen.map((kind) => kinds[kind]!());
  const ends = found.map((line) =>
    b.call(b.draw.pick(["add", "sub", "maximum"]), [ref(line), ref(b.draw.pick([other, ...found]))])
  );
  const last = ends.reduce((all, line) => b.call("minimum", [ref(all), ref(line)]));
  if (b.draw.chance(0.5)) return last;
  // Every element reads what its column was reduced to.
  return b.call("sub", [ref(x), ref(b.call("expandDims", [ref(last), 1]))]);
}

/** Work that kernels share. */
export const sharedWork: readonly Operation[] = [
  { name: "updates", weight: 1, make: updates },
  { name: "columns", weight: 2, make: columns },
];
