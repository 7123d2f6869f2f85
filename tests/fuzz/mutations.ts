/**
 * Faults that are planted, one at a time, to see what the random programs find.
 *
 * @module
 */

/** A fault: one place of one file, changed. */
export interface Mutation {
  /** What is broken, in words. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly from: string;
  /** What replaces it. */
  readonly to: string;
  /** Engine that shows the fault soonest; `webgpu` unless told. */
  readonly engine?: "webgpu" | "tfjs";
  /** Whether only inputs that are not finite show it. */
  readonly special?: boolean;
}

/** Faults of the compiler. */
const compiler: readonly Mutation[] = [
  {
    name: "a map reads a reshape of what it writes from memory",
    file: "src/compile/map_kernel.ts",
    from: "written.has(rootOf(tensor)) ? undefined",
    to: "written.has(tensor) ? undefined",
  },
  {
    name: "an epilogue reads a reshape of its reduction from memory",
    file: "src/compile/reduce_kernel.ts",
    from: "written.has(rootOf(tensor)) ? undefined",
    to: "written.has(tensor) ? undefined",
  },
  {
    name: "temporaries end one dispatch too early",
    file: "src/compile/plan.ts",
    from: "last < life.first || first > life.last",
    to: "last <= life.first || first > life.last",
  },
  {
    name: "temporaries live only until their first use",
    file: "src/compile/plan.ts",
    from: "if (life) life.last = position;",
    to: "if (life) continue;",
  },
  {
    name: "vector loads from addresses that are not multiples of four",
    file: "src/compile/expression.ts",
    from: "&& base.constant % 4 === 0 &&",
    to: "&&",
  },
  {
    name: "vector loads of every second element",
    file: "src/compile/expression.ts",
    from: "coefficientOf(flat, LANE) === 1",
    to: "coefficientOf(flat, LANE) !== undefined",
  },
  {
    name: "gathers are clamped to one row too many",
    file: "src/compile/expression.ts",
    from: "0i, ${extent - 1}i",
    to: "0i, ${extent}i",
  },
  {
    name: "index vectors without their step",
    file: "src/compile/expression.ts",
    from: "`${(lane * step) >>> 0}u`",
    to: "`${lane}u`",
  },
  {
    name: "conditions that are always true are taken for false",
    file: "src/compile/expression.ts",
    from: "if (index.max < low || index.min >= high)",
    to: "if (index.max < low || index.min >= high - 1)",
  },
  {
    name: "the last of the largest elements wins",
    file: "src/compile/accumulate.ts",
    from: "(${x} > a${k});`",
    to: "(${x} >= a${k});`",
  },
  {
    name: "the maximum forgets NaN",
    file: "src/compile/accumulate.ts",
    from: "`n${k} = max(n${k}, ${magnitudeBits(`x${k}_${e}`, scope)});`,",
    to: "`n${k} = max(n${k}, 0 * ${magnitudeBits(`x${k}_${e}`, scope)});`,",
    special: true,
  },
  {
    name: "a sum of four lanes leaves one out",
    file: "src/compile/accumulate.ts",
    from: "(s${k}.x + s${k}.y) + (s${k}.z + s${k}.w)",
    to: "(s${k}.x + s${k}.y) + (s${k}.z + s${k}.z)",
  },
  {
    name: "the parts of a reduction are joined in the wrong columns",
    file: "src/compile/reduce_kernel.ts",
    from: "[${LOOP} * ${layout.columns}u + q]",
    to: "[q * ${layout.parts}u + ${LOOP}]",
  },
  {
    name: "the last part of a reduction goes beyond its end",
    file: "src/compile/reduce_kernel.ts",
    from: "to: `min(part * ${each} + ${each}, ${last})`",
    to: "to: `part * ${each} + ${each}`",
  },
  {
    name: "two elements of one iteration are the same",
    file: "src/compile/reduce_kernel.ts",
    from: "each * element,",
    to: "0 * element,",
  },
  {
    name: "blocks of a long sum go beyond its end",
    file: "src/compile/reduce_kernel.ts",
    from: "let end = min(start + ${BLOCK}u, ${to});",
    to: "let end = start + ${BLOCK}u;",
  },
  {
    name: "units merge whatever their level",
    file: "src/compile/units.ts",
    from: "1 + (writer.get(leaf)?.level ?? -1)",
    to: "writer.get(leaf)?.level ?? 0",
  },
  {
    name: "an epilogue may need units that run later",
    file: "src/compile/units.ts",
    from: "if (entry && entry !== highest && entry.level >= highest.level) return undefined;",
    to: "",
  },
  {
    name: "an epilogue may read other elements of its reduction",
    file: "src/compile/units.ts",
    from: ": at.node.inputs.every((input) => !reaches(input, own, choice));",
    to: ": true;",
  },
  {
    name: "reductions of different operands share one pass",
    file: "src/compile/units.ts",
    from:
      "const key = `reduce ${operand!.shape} / ${lower.axes(node.params)} @${levelOf(leaves)}`;",
    to: "const key = `reduce ${operand!.shape} @${levelOf(leaves)}`;",
  },
  {
    name: "the limit of buffers is not kept",
    file: "src/compile/choose_buffers.ts",
    from: "while (found.size > limit)",
    to: "while (found.size > 99)",
  },
  {
    name: "half of a unit that is too wide is lost",
    file: "src/compile/narrow_unit.ts",
    from: "return [{ ...unit, epilogue: [] }, ...after];",
    to: "return [{ ...unit, epilogue: [] }, ...after.slice(1)];",
  },
  {
    name: "a concatenation in steps is in another order",
    file: "src/transform/split_concats.ts",
    from: "return concatInSteps(parts, axis, most);",
    to: "return concatInSteps(parts.reverse(), axis, most);",
  },
  {
    name: "bind groups of the first call serve all calls",
    file: "src/compile/loaded_plan.ts",
    from: "let group = variable.get(key);",
    to: "let group = [...variable.values()][0];",
  },
  {
    name: "outputs that no kernel writes are not copied",
    file: "src/compile/loaded_plan.ts",
    from: "for (const { from, output } of this.plan.copies) {",
    to: "for (const { from, output } of this.plan.copies.slice(1)) {",
  },
  {
    name: "two temporaries get one buffer of the arena",
    file: "src/compile/loaded_plan.ts",
    from: "free.delete(best);",
    to: "",
  },
  {
    name: "padded inputs of called programs are taken from the wrong operand",
    file: "src/transform/align_channels.ts",
    from: "pad(inputs[position]!, params)",
    to: "pad(inputs.find(({ shape }) => shape.join() === inputs[position]!.shape.join())!, params)",
  },
];

/** Faults of simplification and of transformations. */
const transformations: readonly Mutation[] = [
  {
    name: "a sum of a repeated tensor forgets the repetitions",
    file: "src/transform/simplify.ts",
    from: "return mul(broadcast(left, shape, leftAxes), fill(count, shape));",
    to: "return mul(broadcast(left, shape, leftAxes), fill(Math.min(count, 1), shape));",
    engine: "tfjs",
  },
  {
    name: "two permutations are joined in the wrong order",
    file: "src/transform/simplify.ts",
    from: "order.map((axis) => first[axis]!));",
    to: "first.map((axis) => order[axis]!));",
    engine: "tfjs",
  },
  {
    name: "nodes with other parameters are merged",
    file: "src/transform/simplify.ts",
    from: "|${this.#key(params)}|",
    to: "|",
    engine: "tfjs",
  },
  {
    name: "zero minus a tensor is the tensor",
    file: "src/transform/simplify.ts",
    from: "return constants[1] === 0 ? a : undefined;",
    to: "return constants[1] === 0 ? a : constants[0] === 0 ? b : undefined;",
    engine: "tfjs",
  },
  {
    name: "a condition that is false chooses the first",
    file: "src/transform/simplify.ts",
    from: "return constants[0] ? b : inputs[2];",
    to: "return b;",
    engine: "tfjs",
  },
  {
    name: "the cotangent of an unused result of a call is one",
    file: "src/transform/call.ts",
    from: "...cotangents.map((cotangent, k) => cotangent ?? like(program.outputs[k]!, 0)),",
    to: "...cotangents.map((cotangent, k) => cotangent ?? like(program.outputs[k]!, 1)),",
    engine: "tfjs",
  },
  {
    name: "calls that are batched differently share a program",
    file: "src/transform/call.ts",
    from: "`vmap ${mask(batched)} ${batch}`",
    to: "`vmap ${batched.length} ${batch}`",
    engine: "tfjs",
  },
  {
    name: "the rule of a function of its own loses its map",
    file: "src/transform/custom_jvp.ts",
    from: "return applyAll(customJvpP, { program: mapped.program, rule: mappedRule }, avals);",
    to: "return inline(mapped.program, avals);",
    engine: "tfjs",
  },
  {
    name: "a second cotangent replaces the first",
    file: "src/transform/vjp.ts",
    from: "totals.set(tensor, so ? add(so, cotangent) : cotangent);",
    to: "totals.set(tensor, so && so.rank > 2 ? add(so, cotangent) : cotangent);",
    engine: "tfjs",
  },
];

/** Faults of rules. */
const rules: readonly Mutation[] = [
  {
    name: "tanh: 1 - y instead of 1 - y^2",
    file: "src/ops/tanh.ts",
    from: "sub(like(x!, 1), mul(y!, y!))",
    to: "sub(like(x!, 1), y!)",
    engine: "tfjs",
  },
  {
    name: "quotient: the derivative for the denominator is scaled",
    file: "src/ops/mul.ts",
    from: "neg(div(mul(y!, db), b!))",
    to: "neg(div(mul(y!, db), mul(b!, b!)))",
    engine: "tfjs",
  },
  {
    name: "power: the exponent stays",
    file: "src/ops/pow.ts",
    from: "pow(x!, exponent - 1)",
    to: "pow(x!, exponent)",
    engine: "tfjs",
  },
  {
    name: "maximum: the derivative goes to the smaller",
    file: "src/ops/select.ts",
    from: "return select(lessEqual(b!, a!), da ?? zero, db ?? zero);",
    to: "return select(lessEqual(a!, b!), da ?? zero, db ?? zero);",
    engine: "tfjs",
  },
  {
    name: "concatenation: all cotangents begin at the start",
    file: "src/ops/concat.ts",
    from: "at === axis ? offset : 0);\n      offset += shape[axis]!;",
    to:
      "at === axis ? Math.min(offset, ct.shape[axis]! - shape[axis]!, 1) : 0);\n      offset += shape[axis]!;",
    engine: "tfjs",
  },
  {
    name: "matrix product: a transposed operand stays transposed",
    file: "src/ops/matmul.ts",
    from: "matmul(b!, ct, { transposeA: transposeB, transposeB: true })",
    to:
      "matmul(b!, ct, { transposeA: transposeB && b!.shape.at(-1) !== b!.shape.at(-2), transposeB: true })",
    engine: "tfjs",
  },
  {
    name: "largest element: the derivative goes to all that are equal to it",
    file: "src/ops/reduce_max.ts",
    from: "const isWinner = equal(winner, iota(x!.shape, axes));",
    to:
      "const isWinner = equal(x!, broadcast(reduceMax(x!, axes), x!.shape, keptAxes(x!.shape, axes)));\n    void winner; void iota;",
    engine: "tfjs",
  },
  {
    name: "standardization: the scale's derivative loses a factor",
    file: "src/ops/standardize.ts",
    from: "neg(mul(mul(scale!, scale!), projection)),",
    to: "neg(mul(scale!, projection)),",
    engine: "tfjs",
  },
  {
    name: "reversal on the device is off by one",
    file: "src/ops/reverse.ts",
    from: "offsetIndex(scaleIndex(part, -1), x!.shape[axis]! - 1)",
    to: "offsetIndex(scaleIndex(part, -1), Math.max(1, x!.shape[axis]! - 2))",
  },
  {
    name: "gather of a map loses its batch axis",
    file: "src/ops/gather.ts",
    from: "gather(withBatch(x!, batch), withBatch(indices!, batch), batchAxes + 1)",
    to:
      "gather(withBatch(x!, batch), withBatch(indices!, batch), x!.batched ? batchAxes + 1 : batchAxes)",
    engine: "tfjs",
  },
  {
    name: "tfjs: padding before and after are exchanged",
    file: "src/tfjs/structural.ts",
    from: "[low[axis]!, high[axis]!]",
    to: "[high[axis]!, low[axis]!]",
    engine: "tfjs",
  },
];

/** All faults. */
export const mutations: readonly Mutation[] = [...compiler, ...transformations, ...rules];
