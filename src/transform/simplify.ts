/**
 * Simplification: the same results from fewer nodes.
 *
 * Common subexpressions are merged, constants folded, identities, dead code and tensors without
 * elements removed, and primitives without device code of their own replaced by the programs that
 * define them.
 *
 * @module
 */
import { type Aval, type Shape, sizeOf } from "../ir/aval.ts";
import { ndArray, zerosNd } from "../ir/nd_array.ts";
import { nodesBetween, type Program, programOf, requireProgram } from "../ir/program.ts";
import { applyAll, Node, type Tensor } from "../ir/tensor.ts";
import { neg } from "../ops/add.ts";
import { broadcast, type BroadcastParams } from "../ops/broadcast.ts";
import { concat, type ConcatParams } from "../ops/concat.ts";
import { constantOf, fill, like } from "../ops/fill.ts";
import { mul } from "../ops/mul.ts";
import { permute, type PermuteParams, reshape } from "../ops/reshape.ts";
import { literal } from "../ops/source.ts";
import { keptAxes, type ReduceParams, sum } from "../ops/sum.ts";
import { callP } from "./call.ts";

const simplified = new WeakMap<Program, Program>();

/**
 * Simplifies a program, and the programs that it calls.
 *
 * @param program The program.
 * @returns A program with the same inputs and the same results (up to the sign of zeros).
 *
 * @example
 * ```ts
 * import { add, countPrimitives, simplify, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { program } = trace((x: Tensor) => add(x, 0), [{ shape: [2], dtype: "f32" }]);
 * assertEquals(countPrimitives(simplify(program)).has("add"), false);
 * ```
 */
export function simplify(program: Program): Program {
  requireProgram("simplify", program);
  let result = simplified.get(program);
  if (!result) {
    const rewriter = new Rewriter();
    const outputs = rewriter.rewrite(program.outputs);
    result = programOf(program.inputs, outputs);
    simplified.set(program, result);
    simplified.set(result, result);
  }
  return result;
}

class Rewriter {
  readonly #done = new Map<Tensor, Tensor>();
  readonly #known = new Map<string, Node>();
  readonly #identities = new Map<object, number>();

  /** Simplified versions of tensors. */
  rewrite(outputs: readonly Tensor[]): Tensor[] {
    for (const node of nodesBetween(outputs, (node) => this.#done.has(node.outputs[0]!))) {
      const inputs = node.inputs.map((tensor) => this.#done.get(tensor)!);
      const results = this.#rewriteNode(node, inputs);
      node.outputs.forEach((output, k) => this.#done.set(output, results[k]!));
    }
    return outputs.map((output) => this.#done.get(output)!);
  }

  #rewriteNode(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
    const { primitive, params } = node;
    if (primitive.name === "input") return node.outputs;
    if (primitive.name === "identity" || primitive.name === "stop_gradient") return inputs;
    if (primitive.lower.kind === "call") {
      const program = simplify(primitive.lower.program(params));
      const called = { ...params as object, program };
      return this.#merge(callP as typeof primitive, called, inputs).map((result) =>
        result.size === 0 ? like(result, 0) : result
      );
    }
    const known = withoutElements(node, inputs);
    if (known) return this.rewrite(known);
    if (primitive.lower.kind === "expand") {
      const moved = inputs.every((tensor, k) => tensor === node.inputs[k])
        ? node
        : new Node(primitive, params, inputs);
      return this.rewrite(primitive.lower.expand(moved));
    }
    const shorter = shortcut(node, inputs);
    if (shorter) return this.rewrite([shorter]);
    return this.#merge(primitive, params, inputs, node);
  }

  /** The node that applies `primitive`: one that is there already, or `original`, or a new one. */
  #merge(
    primitive: Node["primitive"],
    params: unknown,
    inputs: readonly Tensor[],
    original?: Node,
  ): readonly Tensor[] {
    const operands = inputs.map((tensor) => `${tensor.node.id}.${tensor.index}`).join(",");
    // Not by name: users' primitives may share one.
    const key = `${this.#identity(primitive)}|${this.#key(params)}|${operands}`;
    const known = this.#known.get(key);
    if (known) return known.outputs;
    const same = original?.inputs.every((tensor, k) => tensor === inputs[k]);
    const outputs = same ? original!.outputs : applyAll(primitive, params, inputs);
    this.#known.set(key, outputs[0]!.node);
    // A rewritten tensor is final: rewriting it again must not start over.
    for (const output of outputs) this.#done.set(output, output);
    return outputs;
  }

  #key(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map((item) => this.#key(item)).join(",")}]`;
    if (typeof value === "function" || ArrayBuffer.isView(value) || isProgram(value)) {
      return this.#identity(value as object);
    }
    if (value !== null && typeof value === "object") {
      return `{${Object.entries(value).map(([name, inner]) => `${name}:${this.#key(inner)}`)}}`;
    }
    return Object.is(value, -0) ? "-0" : String(value);
  }

  #identity(value: object): string {
    let id = this.#identities.get(value);
    if (id === undefined) this.#identities.set(value, id = this.#identities.size);
    return `#${id}`;
  }
}

function isProgram(value: unknown): boolean {
  return value !== null && typeof value === "object" && "nodes" in value;
}

/**
 * The results of a node that have no elements, or whose operands have none: sums over nothing are
 * zero, paddings around nothing are padding. Devices then never see an extent of 0.
 */
function withoutElements(node: Node, inputs: readonly Tensor[]): readonly Tensor[] | undefined {
  const { primitive, params, outputs } = node;
  if (inputs.length === 0) return undefined;
  if (outputs.every(({ size }) => !size)) return outputs.map((output) => like(output, 0));
  const full = inputs.filter(({ size }) => size);
  if (full.length === 0) {
    const nothing = inputs.map((tensor) => zerosNd(tensor.shape, tensor.dtype));
    return primitive.evaluate(params, nothing, outputs).map(({ data }, k) =>
      data.every((value) => Object.is(value, data[0]))
        ? like(outputs[k]!, data[0] ?? 0)
        : literal(data, outputs[k]!.shape, outputs[k]!.dtype)
    );
  }
  const shorter = primitive.name === "concat" && full.length < inputs.length;
  return shorter ? [concat(full, (params as ConcatParams).axis)] : undefined;
}

/** A shorter way to the result of applying `node` to `inputs` (already simplified). */
function shortcut(node: Node, inputs: readonly Tensor[]): Tensor | undefined {
  const { primitive: { name, lower }, params, outputs: [output] } = node;
  const [a, b] = inputs;
  const constants = inputs.map(constantOf);
  if (lower.kind === "pointwise" && inputs.length > 0 && name !== "pad" && name !== "random_bits") {
    const folded = foldConstant(node, constants);
    if (folded !== undefined) return fill(folded, output!.shape, output!.dtype);
  }
  switch (name) {
    case "add":
      return constants[0] === 0 ? b : constants[1] === 0 ? a : undefined;
    case "sub":
      return constants[1] === 0 ? a : undefined;
    case "mul":
      return constants[0] === 1 ? b : constants[1] === 1 ? a : undefined;
    case "div":
      return constants[1] === 1 ? a : undefined;
    case "neg":
      return a!.node.primitive.name === "neg" ? a!.node.inputs[0] : undefined;
    case "select":
      if (constants[0] !== undefined) return constants[0] ? b : inputs[2];
      return b === inputs[2] ? b : undefined;
    case "reshape":
      return shorterReshape(a!, output!);
    case "permute":
      return shorterPermute(a!, (params as PermuteParams).order);
    case "broadcast":
      return shorterBroadcast(a!, params as BroadcastParams);
    case "sum":
      return shorterSum(a!, output!, (params as ReduceParams).axes);
  }
  return undefined;
}

/** Common value of the result where every operand is constant, by the primitive's own meaning. */
function foldConstant(node: Node, constants: readonly (number | undefined)[]): number | undefined {
  if (constants.some((value) => value === undefined)) return undefined;
  const views = ["broadcast", "permute", "slice", "reverse", "reshape", "concat"];
  if (views.includes(node.primitive.name)) {
    return constants.every((value) => value === constants[0]) ? constants[0] : undefined;
  }
  const { lower } = node.primitive;
  if (lower.kind !== "pointwise" || !lower.elementwise) return undefined;
  const scalars = node.inputs.map(({ dtype }, k) => ndArray({ shape: [], dtype }, [constants[k]!]));
  const result: Aval = { shape: [], dtype: node.outputs[0]!.dtype };
  const value = node.primitive.evaluate(node.params, scalars, [result])[0]!.data[0]!;
  // Devices compute in float32: what overflows there stays as it is.
  const overflows = Number.isFinite(value) && !Number.isFinite(Math.fround(value));
  return result.dtype === "f32" && overflows ? undefined : value;
}

function shorterReshape(a: Tensor, output: Aval): Tensor | undefined {
  if (a.shape.join() === output.shape.join()) return a;
  if (constantOf(a) !== undefined) return fill(constantOf(a)!, output.shape, output.dtype);
  return a.node.primitive.name === "reshape" ? reshape(a.node.inputs[0]!, output.shape) : undefined;
}

function shorterPermute(a: Tensor, order: readonly number[]): Tensor | undefined {
  if (order.every((axis, k) => axis === k)) return a;
  if (a.node.primitive.name === "permute") {
    const first = (a.node.params as PermuteParams).order;
    return permute(a.node.inputs[0]!, order.map((axis) => first[axis]!));
  }
  // Axes of extent 1 may move freely: the elements stay in their order.
  const long = order.filter((axis) => a.shape[axis] !== 1);
  const inOrder = long.every((axis, k) => k === 0 || axis > long[k - 1]!);
  return inOrder ? reshape(a, order.map((axis) => a.shape[axis]!)) : undefined;
}

function shorterBroadcast(a: Tensor, { shape, axes }: BroadcastParams): Tensor | undefined {
  if (a.node.primitive.name === "broadcast") {
    const first = (a.node.params as BroadcastParams).axes;
    return broadcast(a.node.inputs[0]!, shape, first.map((axis) => axes[axis]!));
  }
  return sizeOf(shape) === a.size ? reshape(a, shape) : undefined;
}

function shorterSum(a: Tensor, output: Tensor, axes: readonly number[]): Tensor | undefined {
  if (a.size === output.size) return reshape(a, output.shape);
  const value = constantOf(a);
  if (value !== undefined) return fill(value * a.size / output.size, output.shape);
  switch (a.node.primitive.name) {
    case "broadcast":
      return sumOfBroadcast(a, axes);
    case "neg":
      return neg(sum(a.node.inputs[0]!, axes));
  }
  return undefined;
}

/** Sum over axes along which a tensor was only repeated: multiply instead. */
function sumOfBroadcast(a: Tensor, axes: readonly number[]): Tensor | undefined {
  const { axes: placed } = a.node.params as BroadcastParams;
  const repeated = axes.filter((axis) => !placed.includes(axis));
  if (repeated.length === 0) return undefined;
  const [inner] = a.node.inputs;
  const kept = keptAxes(a.shape, axes);
  const left = sum(inner!, placed.flatMap((axis, k) => axes.includes(axis) ? [k] : []));
  const shape: Shape = kept.map((axis) => a.shape[axis]!);
  const leftAxes = placed.filter((axis) => !axes.includes(axis)).map((axis) => kept.indexOf(axis));
  const count = repeated.reduce((product, axis) => product * a.shape[axis]!, 1);
  return mul(broadcast(left, shape, leftAxes), fill(count, shape));
}
