/**
 * Programs in parts: what is too large for one buffer is computed in turns along an axis.
 *
 * The task axis that `vmap` made, or any other along which a program maps, is followed from the largest
 * value to its operands and users. The turns call one inner program: they share its compiled form and its
 * memory. Sums over the axis, such as gradients, are accumulated; random numbers are those of the whole,
 * because the keys are cut, not the streams. It is what users of other libraries write by hand, as
 * gradient accumulation or with `lax.map(..., batch_size)` of JAX.
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import type { Program } from "../ir/program.ts";
import { applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { callP, type CallParams } from "./call.ts";
import { followAxis, type FollowedAxis, usersOf } from "./followed_axis.ts";
import { inlineCalls } from "./inline_calls.ts";
import { inParts, isInParts, usedWhole } from "./part_calls.ts";
import { rewriteNodes } from "./rewrite_nodes.ts";
import { simplify } from "./simplify.ts";
import { inline } from "./trace.ts";

/** How programs are split. */
export interface SplitOptions {
  /** Most bytes of one value. */
  readonly limit: number;
  /**
   * Whether larger values that are needed again in a later turn along the same axis are computed again.
   * Otherwise (default) their parts are kept: no value is too large, but together they take as much as before.
   */
  readonly recompute?: boolean;
  /** Bytes of the values of a program that are kept in memory; default: of all that it computes. */
  readonly stored?: (program: Program) => ReadonlyMap<Tensor, number>;
}

/** Thrown by {@linkcode splitProgram}: says which value is too large, and why it cannot be split. */
export class SplitError extends Error {
  /** The name of the class. */
  override readonly name = "SplitError";
}

/** Most axes of one program that are split one after the other. */
const MOST_SPLITS = 16;

/** Most numbers of parts that are tried for one axis. */
const MOST_EXTENTS = 8;

/**
 * Splits what is larger than a limit, in called programs too.
 *
 * Its inputs and results stay as they are, however large.
 *
 * @param program A simplified program.
 * @param options The limit, and what is kept in memory.
 * @returns A program with the same inputs and, up to the order of sums, the same results; the same program if
 *   nothing is too large.
 * @throws {SplitError} If a value is too large and can be followed along none of its axes.
 */
export function splitProgram(program: Program, options: SplitOptions): Program {
  return new Splitter(options).split(program);
}

/** All values but those that need not be there: other names of values, and what is computed where it is sliced. */
function everyValue(program: Program): Map<Tensor, number> {
  const users = usersOf(program);
  const sizes = new Map<Tensor, number>();
  for (const { primitive: { lower }, outputs } of program.nodes) {
    for (const tensor of outputs) {
      const sliced = lower.kind === "pointwise" &&
        users.get(tensor)?.every(({ primitive }) => primitive.name === "slice");
      if (lower.kind !== "alias" && !sliced) sizes.set(tensor, tensor.size * 4);
    }
  }
  return sizes;
}

/** A value that is too large. */
interface Large {
  readonly tensor: Tensor;
  readonly bytes: number;
}

/** An axis along which a value may be split. */
interface Way {
  readonly followed: FollowedAxis;
  /** Bytes of the largest value that is computed in parts. */
  readonly most: number;
  /** The less, the better: compared one after the other. */
  readonly cost: readonly number[];
}

class Splitter {
  readonly #options: SplitOptions;
  readonly #sizes = new WeakMap<Program, ReadonlyMap<Tensor, number>>();
  readonly #done = new Map<Program, Program>();

  constructor(options: SplitOptions) {
    this.#options = options;
  }

  #stored(program: Program): ReadonlyMap<Tensor, number> {
    let sizes = this.#sizes.get(program);
    if (!sizes) this.#sizes.set(program, sizes = (this.#options.stored ?? everyValue)(program));
    return sizes;
  }

  split(program: Program): Program {
    let result = this.#done.get(program);
    if (!result) {
      result = this.#splitCallees(this.#splitOwn(program));
      this.#done.set(program, result);
      this.#done.set(result, result);
    }
    return result;
  }

  #splitCallees(program: Program): Program {
    const changed = program.nodes.some((node) => {
      const callee = calleeOf(node);
      return callee !== undefined && this.split(callee) !== callee;
    });
    if (!changed) return program;
    return rewriteNodes(program, (node, inputs) => {
      const callee = calleeOf(node);
      if (callee === undefined) return undefined;
      return applyAll(callP, { ...node.params as CallParams, program: this.split(callee) }, inputs);
    });
  }

  /** Splits the values of a program itself, the largest first. */
  #splitOwn(program: Program): Program {
    let result = program;
    for (let count = 0;; count++) {
      const large = this.#largest(result);
      if (!large) return result;
      const { limit } = this.#options;
      if (count === MOST_SPLITS) throw tooLarge(large, limit, `${MOST_SPLITS} splits left it so`);
      const way = this.#bestWay(result, large);
      if (way) {
        result = this.#along(result, way);
        continue;
      }
      // Whoever calls keeps operands and results whole: the axis goes on inside.
      const inlined = withoutOwnCalls(result);
      if (inlined === result) throw tooLarge(large, limit, whyNot(result, large));
      result = inlined;
    }
  }

  /** The largest value above the limit that is not given or wanted from outside. */
  #largest(program: Program): Large | undefined {
    const outside = new Set(program.outputs.map(rootOf));
    let largest: Large | undefined;
    for (const [tensor, bytes] of this.#stored(program)) {
      const given = tensor.node.primitive.lower.kind === "source" ||
        outside.has(tensor) && tensor.size * 4 > this.#options.limit;
      if (given || bytes <= (largest?.bytes ?? this.#options.limit)) continue;
      largest = { tensor, bytes };
    }
    return largest;
  }

  #bestWay(program: Program, large: Large): Way | undefined {
    const users = usersOf(program);
    const stored = this.#stored(program);
    const sizes = new Set(program.nodes.flatMap(({ outputs }) => outputs.flatMap((t) => t.shape)));
    let best: Way | undefined;
    for (const [axis, size] of large.tensor.shape.entries()) {
      const extents = [...sizes].filter((extent) => extent > 1 && size % extent === 0)
        .sort((a, b) => b - a).slice(0, MOST_EXTENTS);
      for (const extent of extents) {
        const seed = { tensor: large.tensor, axis };
        const followed = followAxis(program, seed, { extent, users });
        const way = this.#judge(program, followed, { large, stored, users });
        if (way && (!best || isLess(way.cost, best.cost))) best = way;
        // They are tried in the order of what it costs besides.
        if (best && isLess(best.cost, [0, 0, 1])) return best;
      }
    }
    return best;
  }

  /** What a way costs; `undefined` if the value that is too large would stay whole. */
  #judge(
    program: Program,
    followed: FollowedAxis,
    { large, stored, users }: {
      readonly large: Large;
      readonly stored: ReadonlyMap<Tensor, number>;
      readonly users: ReadonlyMap<Tensor, readonly Node[]>;
    },
  ): Way | undefined {
    const { limit } = this.#options;
    const { seed: { axis }, extent, axisOf, patternOf, levelOf } = followed;
    const joined = new Set([...usedWhole(program, followed).keys()].map(rootOf));
    let stay = 0;
    let most = 0;
    for (const [tensor, bytes] of stored) {
      if (!axisOf.has(tensor)) continue;
      const whole = isInParts(followed, tensor)
        ? joined.has(tensor)
        : !isCutInPlace(tensor, (users.get(tensor) ?? []).every((node) => patternOf.has(node)));
      // What is given is whole anyway.
      const given = tensor.node.primitive.lower.kind === "source";
      if (whole && tensor.size * 4 > limit && !given) {
        if (tensor === large.tensor) return undefined;
        stay++;
      } else most = Math.max(most, bytes);
    }
    const scarce = extent * limit < most ? 1 : 0;
    let passes = 0;
    for (const tensor of axisOf.keys()) passes = Math.max(passes, levelOf.get(tensor)!);
    return { followed, most, cost: [stay, scarce, passes, axis, -extent] };
  }

  #along(program: Program, { followed, most }: Way): Program {
    const { limit, recompute = false } = this.#options;
    const { seed, extent } = followed;
    const step = stepOf(extent, Math.ceil(most / limit));
    const size = seed.tensor.shape[seed.axis]!;
    return inParts(program, followed, {
      step,
      note: `split in ${Math.ceil(extent / step)} over axis ${seed.axis} of size ${size}`,
      keeps: (tensor) => !recompute || tensor.size * 4 <= limit,
      inner: (inner) => this.split(inner),
    });
  }
}

/** Elements a turn, for at least `least` turns: equal turns are one program, if there are not many more. */
function stepOf(extent: number, least: number): number {
  for (let turns = Math.min(least, extent); turns <= Math.min(extent, 2 * least); turns++) {
    if (extent % turns === 0) return extent / turns;
  }
  return Math.max(1, Math.floor(extent / least));
}

/** Whether slices of a tensor take the place of it: it is computed from its index where it is used. */
function isCutInPlace(tensor: Tensor, onlyInParts: boolean): boolean {
  return onlyInParts && tensor.node.primitive.lower.kind === "pointwise";
}

function calleeOf({ primitive: { lower }, params }: Node): Program | undefined {
  return lower.kind === "call" ? lower.program(params) : undefined;
}

/** The program with its calls dissolved, but those that are turns of a split. */
function withoutOwnCalls(program: Program): Program {
  const isOwn = (node: Node): boolean =>
    calleeOf(node) !== undefined && (node.params as CallParams).note === undefined;
  if (!program.nodes.some(isOwn)) return program;
  return simplify(rewriteNodes(
    program,
    (node, inputs) => isOwn(node) ? inline(inlineCalls(calleeOf(node)!), inputs) : undefined,
  ));
}

function rootOf(tensor: Tensor): Tensor {
  let root = tensor;
  while (root.node.primitive.lower.kind === "alias") root = root.node.inputs[0]!;
  return root;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, k) => value !== b[k]);
  return at >= 0 && a[at]! < b[at]!;
}

/** Who needs a value whole, along its first axis. */
function whyNot(program: Program, { tensor }: Large): string {
  const users = usersOf(program);
  const reasons = tensor.shape.flatMap((extent, axis) => {
    if (extent < 2) return [];
    const followed = followAxis(program, { tensor, axis }, { extent, users });
    const name = tensor.node.primitive.name;
    if (!followed.patternOf.has(tensor.node)) {
      return [`'${name}' gives it whole along axis ${axis}`];
    }
    const user = usedWhole(program, followed).get(tensor);
    return user ? [`'${user.primitive.name}' needs it whole along axis ${axis}`] : [];
  });
  return reasons.length > 0 ? reasons.join(", ") : "it has no axis";
}

function tooLarge({ tensor, bytes }: Large, limit: number, why: string): SplitError {
  return new SplitError(
    `the value ${formatAval(tensor)} of '${tensor.node.primitive.name}' takes ${bytes} bytes, ` +
      `expected at most ${limit}, and ${why}`,
  );
}
