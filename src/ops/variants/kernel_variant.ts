/**
 * Several kernels for one operation: which of them can compute a shape, and which of those does.
 *
 * @module
 */
import type { BufferSlot, CodedKernelCall, DeviceTraits } from "../../ir/lowering.ts";
import { sumParts } from "../kernel_grid.ts";

/** What decides how an operation is computed: whole numbers by name. */
export type KernelShape = Readonly<Record<string, number>>;

/** A kernel on a shape, as one dispatch that may leave partial sums. */
export interface VariantCall
  extends Pick<CodedKernelCall, "kernel" | "code" | "overrides" | "workgroups"> {
  /** Arrays as large as the result that it leaves, of which the result is the sum; 1 for the result itself. */
  readonly parts: number;
}

/** One way to compute an operation. */
export interface KernelVariant<S extends KernelShape = KernelShape> {
  /** What tables call it: the kernel, and how its work is laid out where that is not the usual way. */
  readonly name: string;
  /** Most error of an element that it may have, relative to the largest magnitude of the result. */
  readonly tolerance: number;
  /** Whether it can compute a shape on an adapter. */
  fits(shape: S, traits: DeviceTraits): boolean;
  /** How it computes a shape that fits. */
  plan(shape: S, traits: DeviceTraits): VariantCall;
}

/** An operation of two arrays that several kernels can compute. */
export interface KernelOperation<S extends KernelShape = KernelShape> {
  /** What tables call it. */
  readonly name: string;
  /** Names of the numbers of its shapes, in the order in which tables have them. */
  readonly fields: readonly string[];
  /** All ways to compute it. */
  readonly variants: readonly KernelVariant<S>[];
  /** Name of the variant that is taken where nothing was measured. */
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
  return operation.variants.filter((variant) => variant.fits(shape, traits));
}

/**
 * Chooses how to compute a shape: as the adapter's table of measurements says; where it says nothing, by the rule.
 *
 * @param operation The operation
 * @param shape Its shape
 * @param traits What is known of the adapter
 * @returns The variant
 * @throws {Error} If the table names a variant that cannot compute this shape on this adapter
 */
export function chooseVariant<S extends KernelShape>(
  operation: KernelOperation<S>,
  shape: S,
  traits: DeviceTraits,
): KernelVariant<S> {
  const able = candidates(operation, shape, traits);
  const key = shapeKey(operation, shape);
  const names = able.map(({ name }) => name);
  const wanted = traits.chooseKernel?.(key, names) ?? operation.rule(shape, traits);
  const found = able.find(({ name }) => name === wanted);
  if (found) return found;
  throw new Error(
    `A table of kernels has '${wanted}' for ${key}, expected ${names.join(" or ")}. Measure again.`,
  );
}

/**
 * The dispatches of a variant: its kernel, and the sum of the parts that it leaves.
 *
 * @param call The kernel on its shape
 * @param work Operands, where the result goes, its elements, operations, and what makes room
 * @param traits What is known of the adapter
 * @returns The dispatches in order
 */
export function variantCalls(
  { parts, ...call }: VariantCall,
  { operands, result, size, flops, allocate }: {
    readonly operands: readonly BufferSlot[];
    readonly result: BufferSlot;
    readonly size: number;
    readonly flops: number;
    readonly allocate: (elements: number) => BufferSlot;
  },
  traits: DeviceTraits,
): CodedKernelCall[] {
  if (parts === 1) return [{ ...call, buffers: [...operands, result], flops }];
  const source = allocate(size * parts);
  return [
    { ...call, buffers: [...operands, source], flops },
    sumParts({ source, target: result, size, parts }, traits),
  ];
}

/** A variant whose sum may be split into more or fewer parts than usual. */
export interface SplitVariant<S extends KernelShape> extends Omit<KernelVariant<S>, "plan"> {
  /** How it computes a shape that fits, in about `share` times the usual number of parts. */
  plan(shape: S, traits: DeviceTraits, share: number): VariantCall;
}

/** Times the usual number of parts. Few parts are cheaper to add up, many keep more of the adapter busy. */
const SHARES = [1 / 16, 1 / 4, 4] as const;

/**
 * A variant with as many parts as usual, and those with more and fewer, which can compute what they split otherwise.
 *
 * @param variant The variant
 * @returns All of them, the usual one first
 */
export function inParts<S extends KernelShape>(variant: SplitVariant<S>): KernelVariant<S>[] {
  const usual = (shape: S, traits: DeviceTraits) => variant.plan(shape, traits, 1);
  return [
    { ...variant, plan: usual },
    ...SHARES.map((share): KernelVariant<S> => ({
      ...variant,
      name: `${variant.name}, parts x ${share}`,
      fits: (shape, traits) =>
        variant.fits(shape, traits) &&
        variant.plan(shape, traits, share).parts !== usual(shape, traits).parts,
      plan: (shape, traits) => variant.plan(shape, traits, share),
    })),
  ];
}
