/**
 * WGSL expressions of tensors at symbolic indices: whole chains of pointwise primitives become
 * the body of one kernel.
 *
 * Width 4 computes four neighbours of the innermost loop variable at once; the variable `lane`
 * (0 to 3) stands for the position among them. What cannot be vectorized is computed lane by lane.
 *
 * @module
 */
import { type DType, formatAval } from "../ir/aval.ts";
import {
  coefficientOf,
  dependsOn,
  flattenIndex,
  type Index,
  indexKey,
  offsetIndex,
  substituteIndex,
  unflattenIndex,
  variableIndex,
} from "../ir/index_expression.ts";
import type { Emitter } from "../ir/primitive.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { WgslScope } from "../ir/wgsl_numbers.ts";
import { IndexText } from "./index_text.ts";
import { literalOf, memoryType, registerType, unusedValue, type Width } from "./wgsl_values.ts";

/** Name of the variable that counts the four neighbours; it never appears in WGSL. */
export const LANE = "lane";

/** Name of the variable of the innermost serial loop. */
export const LOOP = "r";

/** Thrown by an emitter where a value differs in a way that a vector cannot express. */
class LaneError extends Error {}

/** A number that a kernel reads at run time. */
export interface KernelSize {
  /** Name of the variable that holds it. */
  readonly name: string;
  /** Its WGSL type. */
  readonly type: "u32" | "f32";
  /** The number. */
  readonly value: number;
}

/** A binding of a kernel under construction. */
export interface SourceBinding<B> {
  /** WGSL name. */
  readonly name: string;
  /** The memory behind it. */
  readonly memory: B;
  /** WGSL type of an element. */
  readonly element: string;
  /** Whether the kernel writes it. */
  readonly writes: boolean;
}

/** What the expressions of a kernel need from outside. */
export interface ExpressionContext<B> {
  /** Memory that holds a tensor's elements in row-major order, if there is any. */
  memoryOf(tensor: Tensor): B | undefined;
}

interface Value {
  readonly code: string;
  readonly width: Width;
  /** Whether it changes with the innermost loop variable. */
  readonly inner: boolean;
}

/** Collects bindings, helpers and statements of one kernel. */
export class Expressions<B> {
  /** Bindings in the order of their numbers. */
  readonly bindings: SourceBinding<B>[] = [];
  /** Numbers read at run time: kernels that differ in nothing else are compiled once. */
  readonly sizes: KernelSize[] = [];
  /** WGSL helper functions. */
  readonly helpers = new Map<string, string>();
  /** Statements that do not change in the innermost loop. */
  readonly outer: string[] = [];
  /** Statements of the innermost loop. */
  readonly inner: string[] = [];
  readonly #context: ExpressionContext<B>;
  readonly #registers = new Map<Tensor, { code: string; at: string; width: Width }>();
  readonly #memo = new Map<string, Value>();
  readonly #indices = new IndexText({
    size: (value, type) => this.size(value, type),
    name: (code, of) => this.#name(code, 1, this.changesInLoop(of)).code,
  });

  #zero: string | undefined;

  /** Starts an empty kernel. */
  constructor(context: ExpressionContext<B>) {
    this.#context = context;
  }

  /** Loads from memory in the statements so far. */
  get loads(): { readonly outer: number; readonly inner: number } {
    const count = (lines: readonly string[]): number =>
      lines.filter((line) => line.includes("[")).length;
    return { outer: count(this.outer), inner: count(this.inner) };
  }

  /** Expression of a constant. */
  literal(value: number, { dtype, width }: { dtype: DType; width: Width }): string {
    const literal = literalOf(value, dtype, this.scope(width));
    return width === 1 ? literal : `${registerType(dtype, 4)}(${literal})`;
  }

  /** Expression of an index, a `u32`. */
  index(index: Index): string {
    return this.#indices.of(index);
  }

  /** Name of a number that an index is compared with. */
  bound(index: Index, value: number): string {
    return this.#indices.bound(substituteIndex(index, LANE, 0), value);
  }

  /** Statements that give an index a name. */
  define(name: string, index: Index): string[] {
    const before = this.outer.length;
    const code = this.index(index);
    return [...this.outer.splice(before), `let ${name} = ${code};`];
  }

  /** Name of the variable that holds a number read at run time. */
  size(value: number, type: "u32" | "f32" = "u32"): string {
    const name = `size${this.sizes.length}`;
    this.sizes.push({ name, type, value });
    return name;
  }

  /** Expression of a 0, a `u32`, of which compilers know nothing. */
  get zero(): string {
    return this.#zero ??= this.size(0);
  }

  /**
   * Expression of a number of the program. Of fractions, which are rates and reciprocals of counts, compilers make
   * nothing; of 0, 1 and other whole numbers they do.
   */
  number(value: number, { dtype, width }: { dtype: DType; width: Width }): string {
    const fraction = dtype === "f32" && Math.fround(value) % 1 !== 0 && Number.isFinite(value);
    if (!fraction) return this.literal(value, { dtype, width });
    const size = this.size(value, "f32");
    return width === 1 ? size : `${registerType(dtype, 4)}(${size})`;
  }

  /** Where statements beside the expressions declare functions. */
  scope(width: Width): WgslScope {
    return {
      type: (dtype) => registerType(dtype, width),
      helper: (name, source) => this.helpers.set(name, source),
    };
  }

  /**
   * Name of the binding of `memory` with the given element type, declared at the first call.
   *
   * @throws {Error} If the kernel would read memory that it writes: what it reads would be old.
   */
  bind(memory: B, element: string, writes: boolean): string {
    const same = this.bindings.filter((b) => b.memory === memory);
    if (same.some((b) => b.writes !== writes)) {
      throw new Error("Internal error: a generated kernel would read memory that it writes.");
    }
    const found = same.find((b) => b.element === element);
    if (found) return found.name;
    const name = `b${this.bindings.length}`;
    this.bindings.push({ name, memory, element, writes });
    return name;
  }

  /** Says that the variable `code` holds the elements of `tensor` at flat position `at`. */
  hold(tensor: Tensor, code: string, at: { flat: Index; width: Width }): void {
    this.#registers.set(tensor, { code, at: indexKey(at.flat), width: at.width });
  }

  /** Expression of `tensor` at `index`, in a register of the given width. */
  emit(tensor: Tensor, index: readonly Index[], width: Width): string {
    return this.#value(tensor, index, width).code;
  }

  #value(tensor: Tensor, index: readonly Index[], width: Width): Value {
    if (width === 4 && !index.some((part) => dependsOn(part, LANE))) {
      const scalar = this.#value(tensor, index, 1);
      return { ...scalar, code: `${registerType(tensor.dtype, 4)}(${scalar.code})`, width: 4 };
    }
    const key = `${tensor.node.id}.${tensor.index} ${width} ${index.map(indexKey).join()}`;
    let value = this.#memo.get(key);
    if (!value) this.#memo.set(key, value = this.#compute(tensor, index, width));
    return value;
  }

  #compute(tensor: Tensor, index: readonly Index[], width: Width): Value {
    const { primitive, inputs } = tensor.node;
    const register = this.#registers.get(tensor);
    if (register) {
      const at = indexKey(flattenIndex(index, tensor.shape));
      if (at !== register.at || width !== register.width) {
        throw new Error(
          `Internal error: ${formatAval(tensor)} is read at ${at}, held at ${register.at}.`,
        );
      }
      return { code: register.code, width, inner: false };
    }
    const memory = this.#context.memoryOf(tensor);
    if (memory !== undefined) return this.#load(tensor, memory, index, width);
    if (primitive.lower.kind === "alias") {
      const [operand] = inputs;
      const flat = flattenIndex(index, tensor.shape);
      return this.#value(operand!, unflattenIndex(flat, operand!.shape), width);
    }
    if (primitive.lower.kind !== "pointwise") {
      throw new Error(`Internal error: '${primitive.name}' has neither memory nor pointwise code.`);
    }
    if (width === 1) return this.#apply(tensor, index, 1);
    try {
      return this.#apply(tensor, index, 4);
    } catch (error) {
      if (!(error instanceof LaneError)) throw error;
      return this.#byLane(tensor, index);
    }
  }

  #apply(tensor: Tensor, index: readonly Index[], width: Width): Value {
    const { node } = tensor;
    const { lower } = node.primitive;
    if (lower.kind !== "pointwise") throw new Error("Internal error: not pointwise.");
    const emitter = new WidthEmitter(
      this,
      tensor,
      width,
      (operand, at, w) => this.#value(node.inputs[operand]!, at, w),
    );
    const code = lower.emit(emitter, node, index);
    const inner = emitter.inner;
    // Short codes (a variable, a literal) need no name.
    if (/^[\w.]+$/.test(code) || lower.cost === 0) return { code, width, inner };
    return this.#name(code, width, inner);
  }

  #byLane(tensor: Tensor, index: readonly Index[]): Value {
    const parts = [0, 1, 2, 3].map((lane) =>
      this.#value(tensor, index.map((part) => substituteIndex(part, LANE, lane)), 1)
    );
    const code = `${registerType(tensor.dtype, 4)}(${parts.map((part) => part.code).join(", ")})`;
    return this.#name(code, 4, parts.some((part) => part.inner));
  }

  #load(tensor: Tensor, memory: B, index: readonly Index[], width: Width): Value {
    const flat = flattenIndex(index, tensor.shape);
    // Never used: the user selects another value there. WGSL refuses such a constant index, and what
    // would be computed of a literal, such as the root of 0 in a quotient.
    if (flat.max < 0 || flat.min >= tensor.size) {
      const code = unusedValue(tensor.dtype, this.scope(1));
      const wide = width === 1 ? code : `${registerType(tensor.dtype, 4)}(${code})`;
      return { code: wide, width, inner: false };
    }
    const inner = this.changesInLoop(flat);
    let code: string;
    if (width === 1) {
      code = `${this.bind(memory, memoryType(tensor.dtype, 1), false)}[${this.index(flat)}]`;
    } else {
      const base = substituteIndex(flat, LANE, 0);
      const aligned = coefficientOf(flat, LANE) === 1 && base.constant % 4 === 0 &&
        base.terms.every(({ coefficient }) => coefficient % 4 === 0);
      if (!aligned) return this.#byLane(tensor, index);
      const name = this.bind(memory, memoryType(tensor.dtype, 4), false);
      code = `${name}[${this.index(quarter(base))}]`;
    }
    if (tensor.dtype === "bool") code = `(${code} != ${memoryType("u32", width)}(0u))`;
    return this.#name(code, width, inner);
  }

  readonly #innerNames = new Set<string>();
  readonly #named = new Map<string, Value>();

  /** Whether an index changes in the innermost loop: by its variable, or by a row looked up there. */
  changesInLoop(index: Index): boolean {
    if (dependsOn(index, LOOP)) return true;
    for (const name of this.#innerNames) if (dependsOn(index, name)) return true;
    return false;
  }

  /** The variable that is this code: what is the same for a driver has the same name. */
  #name(code: string, width: Width, inner: boolean): Value {
    const key = `${inner} ${code}`;
    let value = this.#named.get(key);
    if (value) return value;
    const name = `v${this.#named.size}`;
    this.#named.set(key, value = { code: name, width, inner });
    (inner ? this.inner : this.outer).push(`let ${name} = ${code};`);
    if (inner) this.#innerNames.add(name);
    return value;
  }

  /** An index held in a variable: the integer operand, clamped to its range. */
  indirect(value: { code: string; inner: boolean }, dtype: DType, extent: number): Index {
    const code = dtype === "i32"
      ? `u32(clamp(${value.code}, 0i, ${extent - 1}i))`
      : `min(${value.code}, ${extent - 1}u)`;
    return variableIndex(this.#name(code, 1, value.inner).code, extent);
  }
}

function quarter(index: Index): Index {
  return {
    terms: index.terms.map(({ atom, coefficient }) => ({ atom, coefficient: coefficient / 4 })),
    constant: index.constant / 4,
    min: index.min / 4,
    max: index.max / 4,
  };
}

/** The emitter that a primitive's rule sees: one primitive application at one width. */
class WidthEmitter<B> implements Emitter {
  /** Whether anything read so far changes with the innermost loop variable. */
  inner = false;
  readonly #expressions: Expressions<B>;
  readonly #tensor: Tensor;
  readonly #width: Width;
  readonly #read: (operand: number, index: readonly Index[], width: Width) => Value;

  constructor(
    expressions: Expressions<B>,
    tensor: Tensor,
    width: Width,
    read: (operand: number, index: readonly Index[], width: Width) => Value,
  ) {
    this.#expressions = expressions;
    this.#tensor = tensor;
    this.#width = width;
    this.#read = read;
  }

  read(operand: number, index: readonly Index[]): string {
    const value = this.#read(operand, index, this.#width);
    this.inner ||= value.inner;
    return value.code;
  }

  indirect(operand: number, index: readonly Index[], extent: number): Index {
    if (this.#width === 4 && index.some((part) => dependsOn(part, LANE))) throw new LaneError();
    const value = this.#read(operand, index, 1);
    this.inner ||= value.inner;
    return this.#expressions.indirect(value, this.#tensor.node.inputs[operand]!.dtype, extent);
  }

  integer(index: Index, dtype: DType): string {
    this.inner ||= this.#expressions.changesInLoop(index);
    const code = this.#width === 1 ? this.#expressions.index(index) : this.#vector(index);
    // Compilers fold products with what they know to be 0, in a loop that they unroll, too; of what is not finite
    // that is wrong.
    const unknown = dtype === "f32" ? ` + ${this.#expressions.zero}` : "";
    return `${registerType(dtype, this.#width)}(${code}${unknown})`;
  }

  inside(index: Index, low: number, high: number): string {
    this.inner ||= this.#expressions.changesInLoop(index);
    if (index.min >= low && index.max < high) return this.literal(1, "bool");
    if (index.max < low || index.min >= high) return this.literal(0, "bool");
    // Below `low` the difference wraps to a large number.
    const shifted = offsetIndex(index, -low);
    const bound = this.#expressions.bound(shifted, high - low);
    if (this.#width === 1) return `(${this.#expressions.index(shifted)} < ${bound})`;
    return `(${this.#vector(shifted)} < vec4<u32>(${bound}))`;
  }

  /** `vec4<u32>` of an index at the four lanes. */
  #vector(index: Index): string {
    const step = coefficientOf(index, LANE);
    if (step === undefined) throw new LaneError();
    const base = this.#expressions.index(substituteIndex(index, LANE, 0));
    if (step === 0) return `vec4<u32>(${base})`;
    const steps = [0, 1, 2, 3].map((lane) => `${(lane * step) >>> 0}u`);
    return `(vec4<u32>(${base}) + vec4<u32>(${steps.join(", ")}))`;
  }

  literal(value: number, dtype: DType): string {
    return this.#expressions.literal(value, { dtype, width: this.#width });
  }

  number(value: number, dtype: DType): string {
    return this.#expressions.number(value, { dtype, width: this.#width });
  }

  type(dtype: DType): string {
    return registerType(dtype, this.#width);
  }

  helper(name: string, source: string): void {
    this.#expressions.helpers.set(name, source);
  }
}
