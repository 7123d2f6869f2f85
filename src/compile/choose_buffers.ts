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
}

/** Chooses the tensors of a (simplified) program that are written to memory. */
export function chooseBuffers(program: Program, traits: DeviceTraits): BufferChoice {
  const { load, store, dispatch } = traits.costs;
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
      const isWorthIt = following.has(output!)
        ? inlined > stored || uses.get(output!)! > 1 && written < NEGLIGIBLE * dispatch
        : inlined > stored + dispatch;
      if (isWorthIt) chosen.add(output!);
      for (const input of new Set(node.inputs)) {
        if (chosen.has(output!)) demand.add(input, output!, output!.size);
        else demand.pass(output!, input);
      }
    } else if (lower.kind === "alias") {
      demand.pass(output!, node.inputs[0]!);
    }
  }
  return limitLeaves(program, chosen, mostLeaves(traits));
}

/** How often the elements of tensors are evaluated, by where: in a pass of reductions, or for a stored tensor. */
class Demand {
  readonly #byTensor = new Map<Tensor, Map<unknown, number>>();

  /** Evaluations of all its elements together. */
  of(tensor: Tensor): number {
    let total = 0;
    for (const count of this.#byTensor.get(tensor)?.values() ?? []) total += count;
    return total;
  }

  /** Counts evaluations in one place, where they are made once for all who want them. */
  add(tensor: Tensor, place: unknown, count: number): void {
    let places = this.#byTensor.get(tensor);
    if (!places) this.#byTensor.set(tensor, places = new Map());
    places.set(place, Math.max(places.get(place) ?? 0, count));
  }

  /** An operand of what is not stored is evaluated where that is. */
  pass(from: Tensor, to: Tensor): void {
    for (const [place, count] of this.#byTensor.get(from) ?? []) this.add(to, place, count);
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

/** Adds tensors to memory until no inlined expression reads more than `limit` buffers. */
function limitLeaves(program: Program, chosen: Set<Tensor>, limit: number): BufferChoice {
  // What is added changes what expressions before it read: they are looked at again.
  let before: number;
  let leaves: Map<Tensor, Set<Tensor>>;
  do {
    before = chosen.size;
    leaves = collectLeaves(program, chosen, limit);
  } while (chosen.size > before);
  return {
    has: (tensor) => chosen.has(rootOf(tensor)),
    leaves: (tensor) => leaves.get(rootOf(tensor))!,
  };
}

/** What every inlined expression reads; where that is too much, adds its heaviest operands to memory. */
function collectLeaves(
  program: Program,
  chosen: Set<Tensor>,
  limit: number,
): Map<Tensor, Set<Tensor>> {
  const leaves = new Map<Tensor, Set<Tensor>>();
  // A reshape is in memory when what it reshapes is, even if that was decided later.
  const own = (tensor: Tensor): Set<Tensor> => {
    const root = rootOf(tensor);
    return chosen.has(root) ? new Set([root]) : leaves.get(root)!;
  };
  const collect = (node: Node): Set<Tensor> => new Set(node.inputs.flatMap((t) => [...own(t)]));
  for (const node of program.nodes) {
    const { kind } = node.primitive.lower;
    let found = collect(node);
    if (kind === "pointwise" || kind === "alias" || kind === "reduce") {
      while (found.size > limit) {
        const heaviest = node.inputs.filter((t) => !chosen.has(rootOf(t)))
          .sort((a, b) => own(b).size - own(a).size)[0];
        if (!heaviest) {
          throw new Error(
            `Cannot compile '${node.primitive.name}': it has ${found.size} operands, a kernel on ` +
              `this adapter may read ${limit}. Split the operation into several.`,
          );
        }
        chosen.add(rootOf(heaviest));
        found = collect(node);
      }
    }
    node.outputs.forEach((output) => leaves.set(output, found));
  }
  return leaves;
}
