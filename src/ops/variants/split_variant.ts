/**
 * Kernels whose sum may be split into more or fewer parts than usual.
 *
 * @module
 */
import type { DeviceTraits, KernelShape, KernelVariant, VariantCall } from "../../ir/lowering.ts";

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
