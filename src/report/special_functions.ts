/**
 * Distribution functions that the tests and intervals of a report need, in double precision.
 *
 * @module
 */

/** Terms after which a series has surely converged for the arguments used here. */
const MAX_TERMS = 10_000;

/**
 * Logarithm of the gamma function (Lanczos approximation, g = 7, nine terms: 15 digits).
 *
 * @param x A positive number.
 */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const coefficients = [
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
  ];
  let sum = 0.99999999999980993;
  for (const [i, coefficient] of coefficients.entries()) sum += coefficient / (x + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/**
 * Regularised upper incomplete gamma function `Q(a, x)`: series below `a + 1`, continued fraction
 * (modified Lentz) above (Abramowitz and Stegun 6.5.29, 6.5.31).
 *
 * @param a A positive number.
 * @param x A number of at least 0.
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Infinity) return 0;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < MAX_TERMS && term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - scale * sum;
  }
  let b = x + 1 - a;
  let c = Infinity;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < MAX_TERMS; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const change = c * d;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return scale * fraction;
}

/**
 * Chance that a chi-square variable exceeds `x`.
 *
 * @param x A number of at least 0.
 * @param degreesOfFreedom A positive integer.
 */
export function chiSquareSurvival(x: number, degreesOfFreedom: number): number {
  return upperGamma(degreesOfFreedom / 2, x / 2);
}

/**
 * Distribution function of the standard normal distribution, by `Q(1/2, x^2 / 2)`.
 *
 * @param x Any number.
 */
export function normalCdf(x: number): number {
  const tail = upperGamma(0.5, (x * x) / 2) / 2;
  return x > 0 ? 1 - tail : tail;
}

/**
 * Quantile of the standard normal distribution: bisection in the lower half, then Newton steps on
 * {@linkcode normalCdf}.
 *
 * @param probability A number from 0 to 1; 0 and 1 give minus and plus infinity.
 */
export function normalQuantile(probability: number): number {
  if (probability <= 0) return -Infinity;
  if (probability >= 1) return Infinity;
  if (probability > 0.5) return -normalQuantile(1 - probability);
  let low = -39;
  let high = 0;
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < probability) low = middle;
    else high = middle;
  }
  let x = (low + high) / 2;
  for (let i = 0; i < 3; i++) {
    const density = Math.exp(-(x * x) / 2) / Math.sqrt(2 * Math.PI);
    x -= (normalCdf(x) - probability) / density;
  }
  return x;
}
