/**
 * Kernels for reductions: one pass for all reductions of a unit, split over invocations where the
 * results are few, and a second pass that joins the parts and computes the epilogue.
 *
 * No invocation loops more than `MOST_ITERATIONS` times (software adapters stop loops
 * silently at 65,535 iterations), and nothing depends on the order in which invocations run.
 *
 * @module
 */
import {
  addIndex,
  divideIndex,
  type Index,
  moduloIndex,
  offsetIndex,
  scaleIndex,
  unflattenIndex,
  variableIndex,
} from "../ir/index_expression.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { accumulate, type Accumulators } from "./accumulate.ts";
import { type ExpressionContext, Expressions, LANE, LOOP } from "./expression.ts";
import {
  fitsBuffers,
  flatPosition,
  type GeneratedKernel,
  generatedKernel,
  groupKernel,
  loopBound,
  storeStatement,
  WORKGROUP,
} from "./kernel_source.ts";
import { type Layout, layoutOf, opOf } from "./reduce_layout.ts";
import { rootOf } from "./storage.ts";
import type { ReduceUnit } from "./units.ts";
import { memoryType, registerType, type Width } from "./wgsl_values.ts";

/** Elements that are summed one after the other. */
const BLOCK = 32;

/** What the kernels of a reduction need besides operands and results. */
export interface ReduceContext<B> extends ExpressionContext<B> {
  /** Memory for `size` elements between the two passes. */
  scratch(size: number): B;
}

/**
 * Generates the kernels of a reduction unit, to be run in order.
 *
 * @param unit The reductions and what follows them.
 * @param context Memory of what they read and write.
 * @param traits The adapter.
 * @returns The kernels; where the unit reads too many buffers, they do not fit the adapter.
 */
export function reduceKernels<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  traits: DeviceTraits,
): GeneratedKernel<B>[] {
  const kernels = kernelsOf(unit, context, { layout: layoutOf(unit, traits), traits });
  if (kernels.every((kernel) => fitsBuffers(kernel, traits))) return kernels;
  // One element at a time, no buffer is bound twice, as vectors and as single elements.
  const layout = layoutOf(unit, traits, { vectors: false });
  return kernelsOf(unit, context, { layout, traits });
}

/** Results that one invocation computes. */
function widthOf({ lanes }: Layout): Width {
  return lanes === "kept" ? 4 : 1;
}

function kernelsOf<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, traits }: { layout: Layout; traits: DeviceTraits },
): GeneratedKernel<B>[] {
  if (layout.parts === 1) return [wholePass(unit, context, { layout, traits })];
  if (layout.neighbours > 0) return [groupPass(unit, context, { layout, traits })];
  const width = widthOf(layout);
  const partial = unit.reductions.map(() => context.scratch(layout.parts * layout.columns * width));
  return [
    partPass(unit, context, { layout, traits, partial }),
    joinPass(unit, context, { layout, traits, partial }),
  ];
}

/** The loop of a pass over the operands. */
interface OperandLoop<B> {
  readonly expressions: Expressions<B>;
  /** For each reduction the values of the elements that one iteration reduces. */
  readonly values: readonly (readonly string[])[];
  /** Elements that one iteration reduces. */
  readonly together: number;
}

/**
 * The loop over the operands of column `column`, with two elements an iteration where they share a
 * load (the gradient of their pooling window, say).
 */
function operandLoop<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, column }: { layout: Layout; column: Index },
): OperandLoop<B> {
  const attempt = (together: number): OperandLoop<B> => {
    const expressions = new Expressions<B>(readContext(unit, context));
    const elements = Array.from(
      { length: together },
      (_, k) => operandValues(unit, expressions, { layout, column, together, element: k }),
    );
    const values = unit.reductions.map((_, k) => elements.map((of) => of[k]!));
    return { expressions, values, together };
  };
  const single = attempt(1);
  const even = layout.iterations % 2 === 0 && layout.each % 2 === 0;
  if (!even || unit.reductions.some(({ node }) => opOf(node) === "argmax")) return single;
  const pairs = attempt(2);
  const shares = pairs.expressions.loads.inner < 2 * single.expressions.loads.inner;
  return shares ? pairs : single;
}

/** Expressions of the operands at element `element` of iteration `r` of column `column`. */
function operandValues<B>(
  unit: ReduceUnit,
  expressions: Expressions<B>,
  { layout, column, together, element }: {
    layout: Layout;
    column: Index;
    together: number;
    element: number;
  },
): string[] {
  const inLanes = layout.lanes === "reduced";
  const width: Width = layout.lanes === "none" ? 1 : 4;
  const each = inLanes ? 4 : 1;
  const position = offsetIndex(
    scaleIndex(flatPosition(LOOP, layout.iterations / together, 1), each * together),
    each * element,
  );
  const inner = unflattenIndex(
    inLanes ? addIndex(position, variableIndex(LANE, 4)) : position,
    layout.reduced,
  );
  const outer = unflattenIndex(column, layout.kept);
  return unit.reductions.map(({ node }) => {
    const { lower } = node.primitive;
    const axes = lower.kind === "reduce" ? lower.axes(node.params) : [];
    let kept = 0;
    let reduced = 0;
    const index = node.inputs[0]!.shape.map((_, axis) =>
      axes.includes(axis) ? inner[reduced++]! : outer[kept++]!
    );
    return expressions.emit(node.inputs[0]!, index, width);
  });
}

/** Without the tensors the unit itself writes, and reshapes of them: those are registers. */
function readContext<B>(unit: ReduceUnit, context: ExpressionContext<B>): ExpressionContext<B> {
  const written = new Set([...unit.reductions, ...unit.epilogue]);
  return {
    memoryOf: (tensor) => written.has(rootOf(tensor)) ? undefined : context.memoryOf(tensor),
  };
}

/** Statements that compute and store results and epilogue of one column. */
function finish<B>(
  unit: ReduceUnit,
  context: ExpressionContext<B>,
  { expressions, layout, registers }: {
    expressions: Expressions<B>;
    layout: Layout;
    registers: readonly string[];
  },
): string[] {
  const width = widthOf(layout);
  const flat = flatPosition("q", layout.columns, width);
  unit.reductions.forEach((tensor, k) => expressions.hold(tensor, registers[k]!, { flat, width }));
  const mark = expressions.outer.length;
  const stores: string[] = [];
  for (const tensor of [...unit.reductions, ...unit.epilogue]) {
    const value = expressions.emit(tensor, unflattenIndex(flat, tensor.shape), width);
    const memory = context.memoryOf(tensor);
    if (memory === undefined) continue;
    const binding = expressions.bind(memory, memoryType(tensor.dtype, width), true);
    stores.push(storeStatement(binding, "q", { value, dtype: tensor.dtype, width }));
    if (unit.epilogue.includes(tensor)) expressions.hold(tensor, value, { flat, width });
  }
  return [...expressions.outer.splice(mark), ...stores];
}

/**
 * The loop over a range of at most `count` iterations. Long sums go through blocks, each summed by
 * itself, so that rounding errors grow with the number of blocks and not of elements.
 */
function loop(
  acc: Accumulators,
  body: readonly string[],
  { from, to, count }: { from: string; to: string; count: number },
): string[] {
  const over = (first: string, end: string, lines: readonly string[]): string[] => [
    `for (var ${LOOP} = ${first}; ${LOOP} < ${end}; ${LOOP}++) {`,
    ...lines.map((line) => `  ${line}`),
    `}`,
  ];
  if (count <= 2 * BLOCK || acc.sums.length === 0) {
    return [...acc.before, ...over(from, to, [...body, ...acc.each("s")]), ...acc.after];
  }
  const block = [
    `let end = min(start + ${BLOCK}u, ${to});`,
    ...acc.sums.map(({ index, type }) => `var block${index} = ${type}(0.0);`),
    ...over("start", "end", [...body, ...acc.each("block")]),
    ...acc.sums.map(({ index }) => `s${index} += block${index};`),
  ];
  return [
    ...acc.before,
    `for (var start = ${from}; start < ${to}; start += ${BLOCK}u) {`,
    ...block.map((line) => `  ${line}`),
    `}`,
    ...acc.after,
  ];
}

/** One pass: reduce and finish. */
function wholePass<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, traits }: { layout: Layout; traits: DeviceTraits },
): GeneratedKernel<B> {
  const inLanes = layout.lanes === "reduced";
  const column = flatPosition("q", layout.columns, widthOf(layout));
  const { expressions, values, together } = operandLoop(unit, context, { layout, column });
  const acc = accumulate(unit, values, { expressions, layout, position: LOOP, inLanes });
  const body = [
    ...expressions.outer.splice(0),
    ...loop(acc, expressions.inner.splice(0), {
      from: "0u",
      to: loopBound(expressions, layout.iterations / together),
      count: layout.iterations / together,
    }),
  ];
  body.push(...finish(unit, context, { expressions, layout, registers: acc.results }));
  return generatedKernel(expressions, body, { threads: layout.columns, traits });
}

/** Statements that reduce part `part` of a column. */
interface PartLoop<B> {
  readonly expressions: Expressions<B>;
  readonly lines: readonly string[];
  /** Registers of the reduced parts. */
  readonly results: readonly string[];
}

/** Reduces part `part` of column `name`, both of which `define` gives values. */
function partLoop<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, name, define }: {
    layout: Layout;
    name: string;
    define: (expressions: Expressions<B>) => readonly string[];
  },
): PartLoop<B> {
  const column = flatPosition(name, layout.columns, widthOf(layout));
  const { expressions, values, together } = operandLoop(unit, context, { layout, column });
  const inLanes = layout.lanes === "reduced";
  const acc = accumulate(unit, values, { expressions, layout, position: LOOP, inLanes });
  const count = layout.each / together;
  const each = expressions.size(count);
  const last = expressions.size(layout.iterations / together);
  const [outer, inner] = [expressions.outer.splice(0), expressions.inner.splice(0)];
  const lines = [
    ...define(expressions),
    ...outer,
    ...loop(acc, inner, {
      from: `part * ${each}`,
      to: `min(part * ${each} + ${each}, ${last})`,
      count,
    }),
  ];
  return { expressions, lines, results: acc.results };
}

/** One pass: every workgroup reduces the parts of some columns, joins them and finishes. */
function groupPass<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, traits }: { layout: Layout; traits: DeviceTraits },
): GeneratedKernel<B> {
  const { columns, parts, neighbours } = layout;
  const width = widthOf(layout);
  const groups = Math.ceil(columns / neighbours);
  const member = variableIndex("member", WORKGROUP);
  const { expressions, lines, results } = partLoop(unit, context, {
    layout,
    name: "q",
    define: (expressions) => [
      ...expressions.define("own", ownColumn(groups, neighbours)),
      ...expressions.define("part", divideIndex(member, neighbours)),
      // None may return before the barrier.
      `let q = min(own, ${expressions.size(columns - 1)});`,
    ],
  });
  const arrays = results.map((_, k) => ({
    name: `parts${k}`,
    element: registerType("f32", width),
  }));
  const at = expressions.index(
    addIndex(
      scaleIndex(variableIndex(LOOP, parts), neighbours),
      variableIndex("member", neighbours),
    ),
  );
  const values = arrays.map(({ name }) => [`${name}[${at}]`]);
  const acc = accumulate(unit, values, { expressions, layout, position: LOOP, inLanes: false });
  const join = [
    ...loop(acc, [], { from: "0u", to: loopBound(expressions, parts), count: parts }),
    ...finish(unit, context, { expressions, layout, registers: acc.results }),
  ];
  const body = [
    ...lines,
    ...arrays.map(({ name }, k) => `${name}[member] = ${results[k]};`),
    `workgroupBarrier();`,
    `if (part == 0u && own == q) {`,
    ...join.map((line) => `  ${line}`),
    `}`,
  ];
  return groupKernel(expressions, body, { groups, arrays, traits });
}

/** The column of an invocation of a workgroup that reduces `neighbours` columns. */
function ownColumn(groups: number, neighbours: number): Index {
  return addIndex(
    scaleIndex(variableIndex("group", groups), neighbours),
    moduloIndex(variableIndex("member", WORKGROUP), neighbours),
  );
}

interface SplitPass<B> {
  layout: Layout;
  traits: DeviceTraits;
  partial: readonly B[];
}

/** First of two passes: every part of every column into scratch memory. */
function partPass<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, traits, partial }: SplitPass<B>,
): GeneratedKernel<B> {
  const { columns, parts } = layout;
  const q = variableIndex("q", columns * parts);
  const { expressions, lines, results } = partLoop(unit, context, {
    layout,
    name: "c",
    define: (expressions) => [
      ...expressions.define("c", moduloIndex(q, columns)),
      ...expressions.define("part", divideIndex(q, columns)),
    ],
  });
  const stores = partial.map((memory, k) => {
    const binding = expressions.bind(memory, memoryType("f32", widthOf(layout)), true);
    return `${binding}[q] = ${results[k]};`;
  });
  return generatedKernel(expressions, [...lines, ...stores], { threads: columns * parts, traits });
}

/** Second of two passes: join the parts of every column and finish. */
function joinPass<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, traits, partial }: SplitPass<B>,
): GeneratedKernel<B> {
  const expressions = new Expressions<B>(readContext(unit, context));
  const width = widthOf(layout);
  const { columns, parts } = layout;
  const at = expressions.index(
    addIndex(scaleIndex(variableIndex(LOOP, parts), columns), variableIndex("q", columns)),
  );
  const values = partial.map((memory) => [
    `${expressions.bind(memory, memoryType("f32", width), false)}[${at}]`,
  ]);
  const acc = accumulate(unit, values, { expressions, layout, position: LOOP, inLanes: false });
  const to = loopBound(expressions, parts);
  const body = loop(acc, [], { from: "0u", to, count: parts });
  body.push(...finish(unit, context, { expressions, layout, registers: acc.results }));
  return generatedKernel(expressions, body, { threads: layout.columns, traits });
}
