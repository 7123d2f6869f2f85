/**
 * Several kernels for one operation: which of them can compute a shape, and which of those does.
 *
 * @module
 */
import type {
  BufferSlot,
  CodedKernelCall,
  DeviceTraits,
  KernelSet,
  KernelShape,
  KernelVariant,
  VariantCall,
} from "../../ir/lowering.ts";
import { sumParts } from "../kernel_grid.ts";
import { requireKernelSets } from "./kernel_sets.ts";

export type { KernelShape, KernelVariant, VariantCall };

/** An operation of two arrays that several kernels can compute. */
export interface KernelOperation<S extends KernelShape = KernelShape> {
  /** What tables call it. */
  readonly name: string;
  /** Names of the numbers of its shapes, in the order in which tables have them. */
  readonly fields: readonly string[];
  /** All ways to compute it on any adapter; sets of kernels may have more. */
  readonly variants: readonly KernelVariant<S>[];
  /** Name of that which is taken where nothing was measured and no set of kernels has a better one. */
  rule(shape: S, traits: DeviceTraits): string;
  /** Elements of the result. */
  size(shape: S): number;
}

/**
 * What tables call a shape of an operation.
 *
 * @param operation The operation
 * @param shape Its shape
 * @returns One line, which {@linkcode readShape} reads
 */
export function shapeKey<S extends KernelShape>(operation: KernelOperation<S>, shape: S): string {
  return `${operation.name}: ${
    operation.fields.map((field) => `${field} ${shape[field]}`).join(", ")
  }`;
}

/**
 * Reads what {@linkcode shapeKey} has made.
 *
 * @param operation The operation
 * @param key Perhaps one of its shapes
 * @returns The shape; `undefined` if it is none
 */
export function readShape<S extends KernelShape>(
  operation: KernelOperation<S>,
  key: string,
): S | undefined {
  const numbers = key.match(/-?\d+(?=,|$)/g) ?? [];
  const shape = Object.fromEntries(
    operation.fields.map((field, k) => [field, Number(numbers[k] ?? NaN)]),
  ) as S;
  return shapeKey(operation, shape) === key ? shape : undefined;
}

/**
 * All ways to compute an operation.
 *
 * @param operation The operation
 * @param sets Kernels beyond those that every adapter can run
 * @returns Those of the operation, then those of the sets
 */
export function variantsOf<S extends KernelShape>(
  { name, variants }: KernelOperation<S>,
  sets: readonly KernelSet[] = [],
): readonly KernelVariant<S>[] {
  return [...variants, ...sets.flatMap(({ operations }) => operations[name]?.variants ?? [])];
}

/**
 * The variants that can compute a shape.
 *
 * @param operation The operation
 * @param shape Its shape
 * @param traits What is known of the adapter
 * @returns At least that of the rule
 */
export function candidates<S extends KernelShape>(
  operation: KernelOperation<S>,
  shape: S,
  traits: DeviceTraits,
): readonly KernelVariant<S>[] {
  return variantsOf(operation, traits.kernelSets).filter((variant) => variant.fits(shape, traits));
}

/**
 * The variant that is taken where nothing was measured: that of the first set of kernels which has a rule for the
 * shape, or that of the operation's own rule.
 *
 * @param operation The operation
 * @param shape Its shape
 * @param traits What is known of the adapter
 * @returns Its name
 * @throws {Error} If a set of kernels is missing by whose rules the adapter computes
 */
export function ruledVariant<S extends KernelShape>(
  operation: KernelOperation<S>,
  shape: S,
  traits: DeviceTraits,
): string {
  requireKernelSets(traits);
  for (const { operations } of traits.kernelSets ?? []) {
    const name = operations[operation.name]?.rule?.(shape, traits);
    if (name !== undefined) return name;
  }
  return operation.rule(shape, traits);
}

/**
 * Chooses how to compute a shape: as the adapter's table of measurements says; where it says nothing, by the rule.
 *
 * @param operation The operation
 * @param shape Its shape
 * @param traits What is known of the adapter
 * @returns The variant
 * @throws {Error} If the table names a variant that cannot compute this shape on this adapter, or what the rules need
 *   was not loaded
 */
export function chooseVariant<S extends KernelShape>(
  operation: KernelOperation<S>,
  shape: S,
  traits: DeviceTraits,
): KernelVariant<S> {
  const able = candidates(operation, shape, traits);
  const key = shapeKey(operation, shape);
  const names = able.map(({ name }) => name);
  const rule = ruledVariant(operation, shape, traits);
  const measured = traits.chooseKernel?.(key, names);
  const found = able.find(({ name }) => name === (measured ?? rule));
  if (found) return found;
  const expected = `for ${key}, expected ${names.join(" or ")}`;
  throw new Error(
    measured === undefined
      ? `The rule of kernels has '${rule}' ${expected}. This is a fault of the rule: measure which is the fastest.`
      : `A table of kernels has '${measured}' ${expected}. Measure again${
        measured.includes("_half") ? ", or open the engine with halfPrecision" : ""
      }.`,
  );
}

/**
 * The dispatches of a variant: what it needs before it, its kernel, and the sum of the parts that it leaves.
 *
 * @param call The kernel on its shape
 * @param work Operands, where the result goes, its elements, operations, and what makes room
 * @param traits What is known of the adapter
 * @returns The dispatches in order
 */
export function variantCalls(
  { parts, prepare, ...call }: VariantCall,
  { operands: [first, second], result, size, flops, allocate }: {
    readonly operands: readonly [BufferSlot, BufferSlot];
    readonly result: BufferSlot;
    readonly size: number;
    readonly flops: number;
    readonly allocate: (elements: number) => BufferSlot;
  },
  traits: DeviceTraits,
): CodedKernelCall[] {
  const prepared = prepare ? allocate(prepare.elements) : second;
  const source = parts > 1 ? allocate(size * parts) : result;
  return [
    ...(prepare ? [{ ...prepare, buffers: [second, prepared], flops: 0 }] : []),
    { ...call, buffers: [first, prepared, source], flops },
    ...(parts > 1 ? [sumParts({ source, target: result, size, parts }, traits)] : []),
  ];
}
