/**
 * The options of meta-gradients that all algorithms share.
 *
 * @module
 */

/** For {@linkcode requireOptions}: what an algorithm has decided already is not among its options. */
export const META_OPTIONS = {
  optimizer: true,
  innerRate: true,
  innerSteps: true,
  adapt: true,
  supportPerStep: true,
  ratesPerStep: true,
  outerWeights: true,
  ownGradients: true,
  alignment: true,
} as const;
