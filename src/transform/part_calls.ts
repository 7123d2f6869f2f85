/**
 * A program along a followed axis: passes over the parts, each a call of one inner program.
 *
 * @module
 */
import { type Aval, formatAval, sameAval } from "../ir/aval.ts";
import { type Program, programOf } from "../ir/program.ts";
import { applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { like } from "../ops/fill.ts";
import { maximum } from "../ops/select.ts";
import { slice, sliceP, type SliceParams } from "../ops/slice_pad.ts";
import { input } from "../ops/source.ts";
import { partParams } from "./axis_patterns.ts";
import { callP } from "./call.ts";
import type { FollowedAxis } from "./followed_axis.ts";
import { moveNode } from "./rewrite_nodes.ts";

/** How a program is done in parts. */
export interface PartOptions {
  /** How many of the smallest parts are done at a time; the last part may be smaller. */
  readonly step: number;
  /** Said of every call, for printed programs. */
  readonly note: string;
  /** Whether the parts of a tensor are kept from one pass to a later one, or computed again. */
  keeps(tensor: Tensor): boolean;
  /** What becomes of the inner programs. */
  inner(program: Program): Program;
}

/** What one pass computes, in the order of operands and results of its calls. */
interface Pass {
  readonly nodes: readonly Node[];
  /** Tensors of which a call gets its part. */
  readonly parts: readonly Tensor[];
  /** Tensors that it gets whole. */
  readonly whole: readonly Tensor[];
  /** Results that are combined from parts. */
  readonly combined: readonly Tensor[];
  /** Results of which it gives its part. */
  readonly results: readonly Tensor[];
}

/** Whether a tensor is computed part by part. */
export function isInParts({ axisOf, patternOf }: FollowedAxis, tensor: Tensor): boolean {
  return axisOf.has(tensor) && patternOf.has(tensor.node);
}

/**
 * The tensors that are computed in parts but used whole: by what was not followed, or as results of the
 * program. A slice is no such use: it is taken from the parts that it meets.
 */
export function usedWhole(program: Program, followed: FollowedAxis): Map<Tensor, Node | null> {
  const users = new Map<Tensor, Node | null>();
  for (const node of program.nodes) {
    if (followed.patternOf.has(node) || isCut(node, followed)) continue;
    for (const tensor of node.inputs) {
      if (isInParts(followed, tensor) && !users.has(tensor)) users.set(tensor, node);
    }
  }
  for (const tensor of program.outputs) if (isInParts(followed, tensor)) users.set(tensor, null);
  return users;
}

/** Whether a node, computed whole, takes a slice along the axis of what is computed in parts. */
function isCut(node: Node, followed: FollowedAxis): boolean {
  const { primitive, params, inputs: [x] } = node;
  return primitive as object === sliceP && !followed.patternOf.has(node) &&
    isInParts(followed, x!) && (params as SliceParams).stride[followed.axisOf.get(x!)!] === 1;
}

/**
 * Does a program in parts along an axis. Every pass calls one inner program (two where the last part is
 * smaller) with its parts of what has the axis, all of what does not, and what was combined so far.
 *
 * @param program The program.
 * @param followed The axis.
 * @param options Size of the parts, what is kept.
 * @returns A program with the same inputs and, up to the order of sums, the same results.
 */
export function inParts(program: Program, followed: FollowedAxis, options: PartOptions): Program {
  return new PartCalls(program, followed, options).run();
}

class PartCalls {
  readonly #program: Program;
  readonly #followed: FollowedAxis;
  readonly #options: PartOptions;
  /** First and number of the smallest parts of each part. */
  readonly #ranges: readonly (readonly [number, number])[];
  /** Tensors of the new program. */
  readonly #whole = new Map<Tensor, Tensor>();
  /** Parts of tensors, computed or cut. */
  readonly #parts = new Map<Tensor, Tensor[]>();

  constructor(program: Program, followed: FollowedAxis, options: PartOptions) {
    this.#program = program;
    this.#followed = followed;
    this.#options = options;
    const { extent } = followed;
    const count = Math.ceil(extent / options.step);
    this.#ranges = Array.from({ length: count }, (_, k) => {
      const first = k * options.step;
      return [first, Math.min(options.step, extent - first)];
    });
    for (const tensor of program.inputs) this.#whole.set(tensor, tensor);
  }

  run(): Program {
    const { inputs, nodes, outputs } = this.#program;
    const { patternOf, levelOf } = this.#followed;
    const passes = this.#passes();
    const outside = nodes.filter((node) => node.primitive.name !== "input" && !patternOf.has(node));
    const last = Math.max(0, ...levelOf.values());
    for (let level = 0; level <= last; level++) {
      for (const node of outside) {
        if (levelOf.get(node.outputs[0]!) === level) this.#outside(node);
      }
      const pass = passes[level];
      if (pass) this.#pass(pass);
    }
    return programOf(inputs, outputs.map((tensor) => this.#wholeOf(tensor)));
  }

  /** What each pass computes: the last first, which says what those before it keep. */
  #passes(): (Pass | undefined)[] {
    const { patternOf, levelOf } = this.#followed;
    const wanted = new Map<number, Set<Tensor>>();
    const want = (tensor: Tensor, pass: number): void => {
      const set = wanted.get(pass);
      if (set) set.add(tensor);
      else wanted.set(pass, new Set([tensor]));
    };
    for (const tensor of usedWhole(this.#program, this.#followed).keys()) {
      want(tensor, levelOf.get(tensor)!);
    }
    for (const node of this.#program.nodes) {
      const [tensor] = node.outputs;
      if (patternOf.get(node)?.output === null) want(tensor!, levelOf.get(tensor!)! - 1);
      else if (isCut(node, this.#followed)) want(node.inputs[0]!, levelOf.get(node.inputs[0]!)!);
    }
    const passes: (Pass | undefined)[] = [];
    for (let level = Math.max(0, ...wanted.keys()); level >= 0; level--) {
      const results = wanted.get(level);
      if (results) passes[level] = this.#passTo([...results], level, want);
    }
    return passes;
  }

  #passTo(
    targets: readonly Tensor[],
    level: number,
    want: (tensor: Tensor, pass: number) => void,
  ): Pass {
    const { axisOf, patternOf, levelOf } = this.#followed;
    const nodes = new Set<Node>();
    const parts = new Set<Tensor>();
    const whole = new Set<Tensor>();
    const stack = targets.map(({ node }) => node);
    while (stack.length > 0) {
      const node = stack.pop()!;
      if (nodes.has(node)) continue;
      nodes.add(node);
      for (const operand of node.inputs) {
        if (!axisOf.has(operand)) whole.add(operand);
        else if (!patternOf.has(operand.node)) parts.add(operand);
        else if (levelOf.get(operand)! < level && this.#keeps(operand)) {
          parts.add(operand);
          want(operand, levelOf.get(operand)!);
        } else stack.push(operand.node);
      }
    }
    return {
      nodes: [...nodes].sort((a, b) => a.id - b.id),
      parts: [...parts],
      whole: [...whole],
      combined: targets.filter(({ node }) => patternOf.get(node)!.output === null),
      results: targets.filter(({ node }) => patternOf.get(node)!.output !== null),
    };
  }

  /** Views cost nothing to compute again. */
  #keeps(tensor: Tensor): boolean {
    const { lower } = tensor.node.primitive;
    const view = lower.kind === "alias" || lower.kind === "pointwise" && lower.cost === 0;
    return !view && this.#options.keeps(tensor);
  }

  #pass(pass: Pass): void {
    const { parts, whole, combined, results } = pass;
    const inner = new Map<number, Program>();
    const everywhere = whole.map((tensor) => this.#wholeOf(tensor));
    let sums: readonly Tensor[] = combined.map((tensor) =>
      like(tensor, this.#combination(tensor) === "sum" ? 0 : -Infinity)
    );
    this.#ranges.forEach(([, count], k) => {
      let program = inner.get(count);
      if (!program) inner.set(count, program = this.#options.inner(this.#inner(pass, count)));
      const found = applyAll(callP, { program, note: this.#options.note }, [
        ...sums,
        ...parts.map((tensor) => this.#partsOf(tensor)[k]!),
        ...everywhere,
      ]);
      sums = found.slice(0, combined.length);
      results.forEach((tensor, at) => {
        const list = this.#parts.get(tensor);
        const part = found[combined.length + at]!;
        if (list) list.push(part);
        else this.#parts.set(tensor, [part]);
      });
    });
    combined.forEach((tensor, k) => this.#whole.set(tensor, sums[k]!));
  }

  /** The program of one part: what was combined so far, parts, whole tensors; the same way out. */
  #inner({ nodes, parts, whole, combined, results }: Pass, count: number): Program {
    const done = new Map<Tensor, Tensor>();
    const sums = combined.map((tensor) => input(tensor));
    const given = [
      ...parts.map((tensor) => [tensor, input(this.#partAval(tensor, count))] as const),
      ...whole.map((tensor) => [tensor, input(tensor)] as const),
    ];
    for (const [tensor, made] of given) done.set(tensor, made);
    for (const node of nodes) {
      const [output] = node.outputs;
      const aval = this.#partAval(output!, count);
      const operands = node.inputs.map((tensor) => done.get(tensor)!);
      const [result] = applyAll(node.primitive, partParams(node, aval.shape), operands);
      if (!sameAval(result!, aval)) {
        throw new Error(
          `Internal error: a part of '${node.primitive.name}' is ${
            formatAval(result!)
          }, expected ` +
            `${formatAval(aval)}.`,
        );
      }
      done.set(output!, result!);
    }
    return programOf([...sums, ...given.map(([, made]) => made)], [
      ...combined.map((tensor, k) => {
        const join = this.#combination(tensor) === "sum" ? add : maximum;
        return join(sums[k]!, done.get(tensor)!);
      }),
      ...results.map((tensor) => done.get(tensor)!),
    ]);
  }

  #combination(tensor: Tensor): "sum" | "max" {
    return this.#followed.patternOf.get(tensor.node)!.combine!;
  }

  /** Type and shape of a part of a tensor; those of the tensor where it has not the axis. */
  #partAval(tensor: Tensor, count: number): Aval {
    const { axisOf, extent } = this.#followed;
    const axis = axisOf.get(tensor);
    return {
      dtype: tensor.dtype,
      shape: tensor.shape.map((size, k) => k === axis ? size / extent * count : size),
    };
  }

  /** The parts of a tensor that has been computed: whole, or in parts. */
  #partsOf(tensor: Tensor): readonly Tensor[] {
    let parts = this.#parts.get(tensor);
    if (!parts) {
      const whole = this.#wholeOf(tensor);
      const axis = this.#followed.axisOf.get(tensor)!;
      const each = tensor.shape[axis]! / this.#followed.extent;
      parts = this.#ranges.map(([first, count]) =>
        slice(whole, {
          start: tensor.shape.map((_, k) => k === axis ? first * each : 0),
          shape: this.#partAval(tensor, count).shape,
        })
      );
      this.#parts.set(tensor, parts);
    }
    return parts;
  }

  /** All of a tensor; parts are joined when this is asked for first. */
  #wholeOf(tensor: Tensor): Tensor {
    let whole = this.#whole.get(tensor);
    if (!whole) {
      whole = concat(this.#parts.get(tensor)!, this.#followed.axisOf.get(tensor)!);
      this.#whole.set(tensor, whole);
    }
    return whole;
  }

  /** A node that was not followed, on whole tensors. */
  #outside(node: Node): void {
    if (isCut(node, this.#followed)) {
      this.#whole.set(node.outputs[0]!, this.#cut(node));
      return;
    }
    const results = moveNode(node, node.inputs.map((tensor) => this.#wholeOf(tensor)));
    node.outputs.forEach((output, k) => this.#whole.set(output, results[k]!));
  }

  /** A slice along the axis, put together from slices of the parts that it meets. */
  #cut({ params, inputs: [x], outputs: [y] }: Node): Tensor {
    const { start, stride } = params as SliceParams;
    const axis = this.#followed.axisOf.get(x!)!;
    const met: Tensor[] = [];
    let before = 0;
    for (const part of this.#parts.get(x!)!) {
      const low = Math.max(start[axis]! - before, 0);
      const high = Math.min(start[axis]! + y!.shape[axis]! - before, part.shape[axis]!);
      before += part.shape[axis]!;
      if (high <= low) continue;
      met.push(slice(part, {
        start: start.map((at, k) => k === axis ? low : at),
        shape: y!.shape.map((size, k) => k === axis ? high - low : size),
        stride,
      }));
    }
    return concat(met, axis);
  }
}
