/**
 * Decides which tensors are written to memory and which are recomputed inside their users.
 *
 * The model counts simple operations, at the costs of the adapter: a pointwise tensor is inlined where evaluating it
 * for every use costs less than computing it once, storing it and loading it again.
 *
 * @module
 */
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { rootOf } from "./storage.ts";

/** Share of the cost of a value that is the same for many neighbours. */
const REPEATED = 1 / 8;

/**
 * Share of the cost of a dispatch that is not worth a choice. What costs less is stored wherever it is used twice, so
 * that kernels do not depend on how it came about: those of later steps are those of the first.
 */
const NEGLIGIBLE = 1 / 16;

/**
 * How often an expression may stand in the text of one kernel, for elements at different places, however cheap it is:
 * where sums of sums of shifted values are written out, WGSL compilers take minutes and more.
 */
const MOST_COPIES = 32;

/**
 * Most values of an expression, and of those that follow each other in one kernel. Compilers recurse into what an
 * expression is made of, this one too, and take longer for a text than in proportion to its length.
 */
export const MOST_VALUES = 256;

/** Most reshapes of an expression that follow each other: turned in between, each doubles the text of an index. */
const MOST_RESHAPES = 8;

/** Buffers of a dispatch that are kept free for results and second views of an operand. */
const RESERVED_BUFFERS = 4;

/** Most different tensors in memory that an expression may read on an adapter. */
export function mostLeaves({ maxStorageBuffers }: DeviceTraits): number {
  return maxStorageBuffers - RESERVED_BUFFERS;
}

/** Outcome of {@linkcode chooseBuffers}. */
export interface BufferChoice {
  /** Whether the tensor's elements are in memory; reshapes count as what they reshape. */
  has(tensor: Tensor): boolean;
  /** The tensors in memory that an inlined expression for `tensor` reads. */
  leaves(tensor: Tensor): ReadonlySet<Tensor>;
  /** How many values such an expression computes or reads. */
  length(tensor: Tensor): number;
}

/** Chooses the tensors of a (simplified) program that are written to memory. */
export function chooseBuffers(program: Program, traits: DeviceTraits): BufferChoice {
  const { load, store, dispatch, longExpression } = traits.costs;
  const uses = countUses(program);
  const work = estimateWork(program, uses, load);
  const chosen = requiredBuffers(program);
  const { following, passes } = followingReductions(program, chosen);
  const demand = new Demand();
  for (const node of [...program.nodes].reverse()) {
    const { lower } = node.primitive;
    const [output] = node.outputs;
    if (lower.kind === "reduce") {
      // Reductions in one pass evaluate what they have in common once.
      const [operand] = node.inputs;
      demand.add(operand!, passes.get(output!)!, operand!.size);
    } else if (lower.kind === "pointwise") {
      const wanted = demand.of(output!);
      const inlined = wanted * work.get(output!)!;
      const written = output!.size * (work.get(output!)! + store);
      const stored = written + wanted * load;
      const isLong = work.get(output!)! > longExpression;
      const isWorthIt = following.has(output!) || isRepeated(node) || isLong
        ? inlined > stored || uses.get(output!)! > 1 && written < NEGLIGIBLE * dispatch
        : inlined > stored + dispatch;
      const isTooLong = node.inputs.length > 0 && demand.copies(output!) > MOST_COPIES;
      if (isWorthIt || isTooLong) chosen.add(output!);
      for (const input of new Set(node.inputs)) {
        if (chosen.has(output!)) demand.add(input, output, output!.size, lower.elementwise);
        else if (lower.elementwise) demand.pass(output!, input);
        else demand.passOthers(output!, input);
      }
    } else if (lower.kind === "alias") {
      demand.pass(output!, node.inputs[0]!);
    }
  }
  return limitExpressions(program, chosen, mostLeaves(traits));
}

/** Whether a node repeats an input: others do at the beginning of a program, too, in the same dispatch. */
function isRepeated({ inputs, outputs: [output] }: Node): boolean {
  const [operand] = inputs;
  return inputs.length === 1 && operand!.node.primitive.lower.kind === "source" &&
    operand!.size > 1 && output!.size > operand!.size;
}

/** How often a tensor is evaluated somewhere. */
interface Evaluations {
  /** Of all its elements together. */
  readonly count: number;
  /** How often its expression stands in the text. */
  readonly copies: number;
}

/**
 * How often the elements of tensors are evaluated, by where: in which kernel (of a stored tensor, or of a pass of
 * reductions), and for which tensor of it that has other elements than its operand, such as a slice. Who wants a tensor
 * in one place wants the same elements, which are evaluated once.
 */
class Demand {
  readonly #byTensor = new Map<Tensor, Map<unknown, Map<symbol | undefined, Evaluations>>>();

  /** Evaluations of all its elements together. */
  of(tensor: Tensor): number {
    let total = 0;
    for (const { count } of this.#kernels(tensor).values()) total += count;
    return total;
  }

  /** How often its expression stands in one kernel, at most. */
  copies(tensor: Tensor): number {
    return Math.max(0, ...[...this.#kernels(tensor).values()].map(({ copies }) => copies));
  }

  /** Counts the evaluation of a tensor in a kernel: of its own elements there, or of others. */
  add(tensor: Tensor, kernel: unknown, count: number, own = true): void {
    this.#add(tensor, { kernel, of: own ? undefined : Symbol() }, { count, copies: 1 });
  }

  /** An operand of what is not stored is evaluated where that is. */
  pass(from: Tensor, to: Tensor): void {
    for (const [kernel, places] of this.#byTensor.get(from) ?? []) {
      for (const [of, evaluations] of places) this.#add(to, { kernel, of }, evaluations);
    }
  }

  /** Other elements of an operand than those of what is not stored are evaluated wherever that is. */
  passOthers(from: Tensor, to: Tensor): void {
    const of = Symbol();
    for (const [kernel, evaluations] of this.#kernels(from)) {
      this.#add(to, { kernel, of }, evaluations);
    }
  }

  #add(
    tensor: Tensor,
    { kernel, of }: { readonly kernel: unknown; readonly of: symbol | undefined },
    { count, copies }: Evaluations,
  ): void {
    let kernels = this.#byTensor.get(tensor);
    if (!kernels) this.#byTensor.set(tensor, kernels = new Map());
    let places = kernels.get(kernel);
    if (!places) kernels.set(kernel, places = new Map());
    const before = places.get(of) ?? { count: 0, copies: 0 };
    places.set(of, {
      count: Math.max(before.count, count),
      copies: Math.max(before.copies, copies),
    });
  }

  /** The evaluations in each kernel together. */
  #kernels(tensor: Tensor): Map<unknown, Evaluations> {
    const totals = new Map<unknown, Evaluations>();
    for (const [kernel, places] of this.#byTensor.get(tensor) ?? []) {
      let [count, copies] = [0, 0];
      for (const each of places.values()) {
        count += each.count;
        copies += each.copies;
      }
      totals.set(kernel, { count, copies });
    }
    return totals;
  }
}

function countUses(program: Program): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  for (const node of program.nodes) {
    for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  }
  return uses;
}

/**
 * Finds `following`, elementwise results of the size of a reduction's, computed from it and from what is there before:
 * its epilogue stores them, without a dispatch of their own. `passes` names the pass that computes a reduction.
 */
function followingReductions(program: Program, required: ReadonlySet<Tensor>): {
  readonly following: ReadonlySet<Tensor>;
  readonly passes: ReadonlyMap<Tensor, string>;
} {
  const following = new Set<Tensor>();
  /** Passes over operands that must come before a tensor, one after the other. */
  const levels = new Map<Tensor, number>();
  /** The pass after which a tensor is there at once. */
  const passes = new Map<Tensor, string>();
  for (const { primitive: { lower }, params, inputs, outputs } of program.nodes) {
    const [output] = outputs;
    const inlined = lower.kind === "pointwise" || lower.kind === "alias";
    const before = Math.max(0, ...inputs.map((input) => levels.get(input) ?? 0));
    for (const each of outputs) levels.set(each, inlined ? before : before + 1);
    if (lower.kind === "reduce") {
      passes.set(output!, `${inputs[0]!.shape} / ${lower.axes(params)} @${before}`);
    } else if (lower.kind === "alias" || lower.kind === "pointwise" && lower.elementwise) {
      const last = inputs.filter((input) => before > 0 && levels.get(input) === before);
      const [pass] = last.map((input) => passes.get(input));
      if (pass === undefined || required.has(output!)) continue;
      if (last.some((of) => passes.get(of) !== pass || of.size !== output!.size)) continue;
      passes.set(output!, pass);
      // A function of one operand is as easily computed from it again.
      if (lower.kind === "pointwise" && inputs.length > 1) following.add(output!);
    }
  }
  return { following, passes };
}

/** Operations to evaluate one element, if everything that is used once is inlined. */
function estimateWork(
  program: Program,
  uses: Map<Tensor, number>,
  load: number,
): Map<Tensor, number> {
  const work = new Map<Tensor, number>();
  for (const node of program.nodes) {
    const { lower } = node.primitive;
    let total = load;
    if (lower.kind === "pointwise" || lower.kind === "alias") {
      total = lower.kind === "pointwise" ? lower.cost : 0;
      for (const input of node.inputs) {
        const inner = work.get(input)!;
        // What is repeated is computed outside of the loop over its repetitions.
        const repeats = Math.max(REPEATED, Math.min(1, input.size / node.outputs[0]!.size));
        total += repeats * (uses.get(input) === 1 ? inner : Math.min(inner, load));
      }
    }
    for (const output of node.outputs) work.set(output, total);
  }
  return work;
}

/** Tensors that must be in memory whatever it costs. */
function requiredBuffers(program: Program): Set<Tensor> {
  const required = new Set<Tensor>();
  for (const node of program.nodes) {
    const { kind } = node.primitive.lower;
    if (kind === "pointwise" || kind === "alias") continue;
    node.outputs.forEach((output) => required.add(output));
    if (kind === "kernel" || kind === "call" || kind === "host") {
      node.inputs.forEach((input) => required.add(rootOf(input)));
    }
  }
  for (const output of program.outputs) required.add(rootOf(output));
  return required;
}

/** What an expression consists of. */
interface Expression {
  /** The tensors in memory that it reads. */
  readonly leaves: ReadonlySet<Tensor>;
  /** What it reads and computes: a tensor, or what stands for one at another place. */
  readonly values: ReadonlySet<unknown>;
  /** How many reshapes of computed tensors follow each other. */
  readonly reshapes: number;
}

/** Adds tensors to memory until no inlined expression reads more than `limit` buffers or is too long. */
function limitExpressions(program: Program, chosen: Set<Tensor>, limit: number): BufferChoice {
  // What is added changes what expressions before it read: they are looked at again.
  let before: number;
  let expressions: Map<Tensor, Expression>;
  do {
    before = chosen.size;
    expressions = collectExpressions(program, chosen, limit);
  } while (chosen.size > before);
  return {
    has: (tensor) => chosen.has(rootOf(tensor)),
    leaves: (tensor) => expressions.get(rootOf(tensor))!.leaves,
    length: (tensor) => expressions.get(rootOf(tensor))!.values.size,
  };
}

/** All inlined expressions; where one reads or computes too much, adds its heaviest operands to memory. */
function collectExpressions(
  program: Program,
  chosen: Set<Tensor>,
  limit: number,
): Map<Tensor, Expression> {
  const expressions = new Map<Tensor, Expression>();
  // A reshape is in memory when what it reshapes is, even if that was decided later.
  const own = (tensor: Tensor): Expression => {
    const root = rootOf(tensor);
    if (!chosen.has(root)) return expressions.get(tensor)!;
    const only = new Set([root]);
    return { leaves: only, values: only, reshapes: 0 };
  };
  const collect = ({ primitive: { lower }, inputs, outputs }: Node): Expression => {
    const leaves = new Set<Tensor>();
    const values = new Set<unknown>(outputs);
    let reshapes = 0;
    for (const operand of inputs.map(own)) {
      reshapes = Math.max(reshapes, operand.reshapes);
      for (const leaf of operand.leaves) leaves.add(leaf);
      for (const value of operand.values) {
        values.add(lower.kind === "pointwise" && !lower.elementwise ? {} : value);
      }
    }
    if (lower.kind === "alias" && values.size > 2) reshapes++;
    return { leaves, values, reshapes };
  };
  for (const node of program.nodes) {
    const { kind } = node.primitive.lower;
    let found = collect(node);
    if (kind === "pointwise" || kind === "alias" || kind === "reduce") {
      for (;;) {
        const weight = found.leaves.size > limit ? "leaves" : "values";
        const isShort = found.values.size <= MOST_VALUES && found.reshapes <= MOST_RESHAPES;
        if (weight === "values" && isShort) break;
        const heaviest = node.inputs.filter((t) => !chosen.has(rootOf(t)))
          .sort((a, b) => own(b)[weight].size - own(a)[weight].size)[0];
        if (!heaviest) {
          if (weight === "values") break;
          throw new Error(
            `Cannot compile '${node.primitive.name}': it has ${found.leaves.size} operands, a kernel on ` +
              `this adapter may read ${limit}. Split the operation into several.`,
          );
        }
        chosen.add(rootOf(heaviest));
        found = collect(node);
      }
    }
    node.outputs.forEach((output) => expressions.set(output, found));
  }
  return expressions;
}
