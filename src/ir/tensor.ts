/**
 * Tensors of a program: immutable handles on the results of primitive applications.
 *
 * A tensor holds no numbers. It says by which primitive, from which tensors, it is computed; the
 * graph that hangs from it is the program.
 *
 * @module
 */
import { type Aval, type DType, formatAval, type Shape } from "./aval.ts";
import type { Primitive } from "./primitive.ts";

/** One application of a primitive. */
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
    let avals: readonly Aval[];
    try {
      avals = primitive.avals(params, inputs);
      avals.forEach(requireExtents);
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

/** Throws unless every extent is a natural number and the elements can be counted. */
function requireExtents({ shape }: Aval): void {
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

/** An immutable, symbolic tensor: one result of a {@linkcode Node}. */
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
}

/** Applies a primitive and returns all its results. */
export function applyAll<P>(
  primitive: Primitive<P>,
  params: P,
  inputs: readonly Tensor[],
): readonly Tensor[] {
  return new Node(primitive, params, inputs).outputs;
}

/** Applies a primitive that has one result. */
export function apply<P>(primitive: Primitive<P>, params: P, inputs: readonly Tensor[]): Tensor {
  return applyAll(primitive, params, inputs)[0]!;
}
