/**
 * Kernels for reductions: one pass for all reductions of a unit, split over invocations where the
 * results are few, whose parts a workgroup or a second pass joins; then the epilogue.
 *
 * No invocation loops more than `MOST_ITERATIONS` times (software adapters stop loops
 * silently at 65,535 iterations), and nothing depends on the order in which invocations run.
 *
 * @module
 */
import {
  addIndex,
  type Index,
  offsetIndex,
  scaleIndex,
  unflattenIndex,
  variableIndex,
} from "../ir/index_expression.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { type ExpressionContext, Expressions, LANE, LOOP } from "./expression.ts";
import {
  fitsBuffers,
  flatPosition,
  type GeneratedKernel,
  storeStatement,
} from "./kernel_source.ts";
import { type Layout, layoutOf, opOf } from "./reduce_layout.ts";
import { columnName, passKernel, type ReducedColumn } from "./reduce_pass.ts";
import { rootOf } from "./storage.ts";
import type { ReduceUnit } from "./units.ts";
import { memoryType, type Width } from "./wgsl_values.ts";

/** Most loads that an invocation waits for at once: their registers are few beside those of any adapter. */
const MOST_LOADS = 16;

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

function kernelsOf<B>(
  unit: ReduceUnit,
  context: ReduceContext<B>,
  { layout, traits }: { layout: Layout; traits: DeviceTraits },
): GeneratedKernel<B>[] {
  const width: Width = layout.lanes === "kept" ? 4 : 1;
  const { columns, parts } = layout;
  const column = flatPosition(columnName(layout), columns, width);
  const { expressions, values, together } = operandLoop(unit, context, { layout, column });
  const first = {
    expressions,
    values,
    layout,
    traits,
    team: layout.team,
    iterations: layout.iterations / together,
    each: layout.each / together,
    inLanes: layout.lanes === "reduced",
  };
  if (parts === 1) return [passKernel(unit, first, finish(unit, context, first))];
  const partial = unit.reductions.map(() => context.scratch(parts * columns * width));
  const type = memoryType("f32", width);
  const kernel = passKernel(
    unit,
    first,
    ({ registers, place }) =>
      partial.map((memory, k) =>
        `${expressions.bind(memory, type, true)}[${place}] = ${registers[k]};`
      ),
  );
  const joining = new Expressions<B>(readContext(unit, context));
  const mine = variableIndex(columnName({ team: layout.join, parts: 1 }), columns);
  const at = joining.index(addIndex(scaleIndex(variableIndex(LOOP, parts), columns), mine));
  const second = {
    expressions: joining,
    values: partial.map((memory) => [`${joining.bind(memory, type, false)}[${at}]`]),
    layout,
    traits,
    team: layout.join,
    iterations: parts,
    each: parts,
    inLanes: false,
  };
  return [kernel, passKernel(unit, second, finish(unit, context, second))];
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
 * load (the gradient of their pooling window, say), or up to four where their loads wait together.
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
  const { iterations, each, team } = layout;
  const single = attempt(1);
  if (unit.reductions.some(({ node }) => opOf(node) === "argmax")) return single;
  const takeTurns = team.peers > 1 && !team.inRuns;
  for (const together of takeTurns ? [4, 2] : [2]) {
    if (iterations % together > 0 || each % together > 0) continue;
    const several = attempt(together);
    const { inner } = several.expressions.loads;
    const shares = together === 2 && inner < 2 * single.expressions.loads.inner;
    const waits = takeTurns && each / team.peers >= 2 * together && inner <= MOST_LOADS;
    if (waits || shares) return several;
  }
  return single;
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

/** Statements that compute and store results and epilogue of a column. */
function finish<B>(
  unit: ReduceUnit,
  context: ExpressionContext<B>,
  { expressions, layout }: { expressions: Expressions<B>; layout: Layout },
): (reduced: ReducedColumn) => string[] {
  return ({ registers, column }) => {
    const width: Width = layout.lanes === "kept" ? 4 : 1;
    const flat = flatPosition(column, layout.columns, width);
    unit.reductions.forEach((tensor, k) =>
      expressions.hold(tensor, registers[k]!, { flat, width })
    );
    const stores: string[] = [];
    for (const tensor of [...unit.reductions, ...unit.epilogue]) {
      const value = expressions.emit(tensor, unflattenIndex(flat, tensor.shape), width);
      const memory = context.memoryOf(tensor);
      if (memory === undefined) continue;
      const binding = expressions.bind(memory, memoryType(tensor.dtype, width), true);
      stores.push(storeStatement(binding, column, { value, dtype: tensor.dtype, width }));
      if (unit.epilogue.includes(tensor)) expressions.hold(tensor, value, { flat, width });
    }
    return [...expressions.outer.splice(0), ...stores];
  };
}
