/**
 * Tensors of a program: immutable handles on the results of primitive applications.
 *
 * A tensor holds no numbers. It says by which primitive, from which tensors, it is computed; the
 * graph that hangs from it is the program.
 *
 * @module
 */
import { type Aval, type DType, formatAval, noDType, type Shape } from "./aval.ts";
import { describe, noTensor } from "./describe.ts";
import type { Primitive } from "./primitive.ts";
import { refusal } from "./refusal.ts";

/**
 * One application of a primitive.
 *
 * @example
 * ```ts
 * import { constant, mul, Node } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const x = constant([1, 2]);
 * const { node } = mul(x, x);
 * assert(node instanceof Node);
 * assertEquals([node.primitive.name, node.inputs.length], ["mul", 2]);
 * ```
 */
export class Node<P = unknown> {
  /** Unique, increasing in order of creation: operands always have smaller ids. */
  readonly id: number;
  /** The primitive applied. */
  readonly primitive: Primitive<P>;
  /** Its static parameters. */
  readonly params: P;
  /** Its operands. */
  readonly inputs: readonly Tensor[];
  /** Its results. */
  readonly outputs: readonly Tensor[];

  /** Applies `primitive`; prefer {@linkcode apply}. */
  constructor(primitive: Primitive<P>, params: P, inputs: readonly Tensor[]) {
    if (typeof primitive?.avals !== "function" || !Array.isArray(inputs)) {
      throw new TypeError(
        `Cannot apply ${describe(primitive)} to ${
          describe(inputs)
        }: expected a primitive and an array.`,
      );
    }
    let avals: readonly Aval[];
    for (const input of inputs) {
      if (input instanceof Tensor) continue;
      throw new TypeError(`Cannot apply '${primitive.name}': ${noTensor(input)}`);
    }
    try {
      avals = primitive.avals(params, inputs);
      avals.forEach(requireAval);
    } catch (error) {
      const found = inputs.map(formatAval).join(", ");
      throw new TypeError(
        `Cannot apply '${primitive.name}' to (${found}): ${(error as Error).message}`,
        { cause: error },
      );
    }
    this.id = counter.next++;
    this.primitive = primitive;
    this.params = params;
    this.inputs = inputs;
    this.outputs = avals.map((aval, index) => new Tensor(this as unknown as Node, index, aval));
  }
}

/** Throws unless there is such a type, every extent is a natural number and the elements can be counted. */
function requireAval({ shape, dtype }: Aval): void {
  const wrong = noDType(dtype);
  if (wrong !== null) throw new TypeError(`${wrong}.`);
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `found the shape ${shape}, expected an array of extents such as [${
        typeof shape === "number" ? shape : 3
      }].`,
    );
  }
  let size = 1;
  for (const extent of shape) size *= Number.isInteger(extent) && extent >= 0 ? extent : NaN;
  if (!Number.isSafeInteger(size)) {
    throw new TypeError(
      `the result would have shape [${shape.join(", ")}], expected whole extents of 0 or more ` +
        `with at most 2^53 - 1 elements.`,
    );
  }
}

/** Node ids only order nodes of one process; no result depends on their values. */
const counter = { next: 0 };

/**
 * An immutable, symbolic tensor: one result of a {@linkcode Node}.
 *
 * @example
 * ```ts
 * import { constant, mul, Tensor } from "@mutasesumele/toolkit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const product = mul(constant([1, 2]), 3);
 * assert(product instanceof Tensor);
 * assertEquals(`${product}`, "f32[2]");
 * ```
 */
export class Tensor implements Aval {
  /** The application that computes this tensor. */
  readonly node: Node;
  /** Which of the node's results this is. */
  readonly index: number;
  /** Extents of the axes, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;

  /** Made by {@linkcode Node}; not to be called otherwise. */
  constructor(node: Node, index: number, aval: Aval) {
    this.node = node;
    this.index = index;
    this.shape = aval.shape;
    this.dtype = aval.dtype;
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, extent) => product * extent, 1);
  }

  /** Its type and shape as text; a comparison or a sum of tensors by JavaScript is an error. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return formatAval(this);
    throw new TypeError(
      `Cannot use the tensor ${
        formatAval(this)
      } as a number: it stands for numbers that are computed ` +
        `later. Use add(), mul(), greater() and the like, and where() in place of if.`,
    );
  }
}

function unread(tensor: Tensor): string {
  return `Cannot read numbers of the tensor ${
    formatAval(tensor)
  }: it stands for numbers that are computed ` +
    `later. Return it from the traced function and read the result: await engine.read(value).`;
}

// Not in the type: only a caller without types asks a tensor for numbers, or goes through it as through a list.
for (const name of ["data", "length"]) {
  Object.defineProperty(Tensor.prototype, name, {
    get(this: Tensor): object {
      return refusal(unread(this));
    },
  });
}
for (const name of ["toJSON", Symbol.iterator]) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor): never {
      throw new TypeError(
        `${unread(this)} Rows: slice(x, [k]).`,
      );
    },
  });
}

/**
 * Applies a primitive and returns all its results.
 *
 * @param primitive The primitive.
 * @param params Its parameters.
 * @param inputs Its operands.
 * @throws {TypeError} If the primitive does not take such operands.
 *
 * @example
 * ```ts
 * import { applyAll, constant, mul, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { node } = mul(constant([1, 2]), 3);
 * const [product] = applyAll(node.primitive, node.params, [constant([4, 5]), constant([2, 2])]);
 * assertEquals(valuesOf(product!), [8, 10]);
 * ```
 */
export function applyAll<P>(
  primitive: Primitive<P>,
  params: P,
  inputs: readonly Tensor[],
): readonly Tensor[] {
  return new Node(primitive, params, inputs).outputs;
}

/**
 * Applies a primitive that has one result.
 *
 * @param primitive The primitive.
 * @param params Its parameters.
 * @param inputs Its operands.
 * @throws {TypeError} If the primitive does not take such operands.
 *
 * @example
 * ```ts
 * import { apply, constant, mul, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { node } = mul(constant([1, 2]), 3);
 * const product = apply(node.primitive, node.params, [constant([4, 5]), constant([2, 2])]);
 * assertEquals(valuesOf(product), [8, 10]);
 * ```
 */
export function apply<P>(primitive: Primitive<P>, params: P, inputs: readonly Tensor[]): Tensor {
  return applyAll(primitive, params, inputs)[0]!;
}
