/**
 * Which numbers a configuration may hold.
 *
 * @module
 */

/** Least positive number that devices do not flush to zero: the normal numbers of float32 begin here. */
const LEAST = 2 ** -126;
/** Integers as YAML 1.2 writes them, octal and hexadecimal ones too. */
const INTEGER = /^[-+]?\d+$|^0o[0-7]+$|^0x[\da-f]+$/i;

/**
 * Says what is wrong with a number: everything is computed in float32, and readers of YAML disagree on
 * some notations.
 *
 * @param value The number as it was read.
 * @param source The number as it is written.
 * @returns A sentence, or `undefined` if nothing is wrong.
 */
export function numberFault(value: number, source: string): string | undefined {
  const found = `found ${source.length > 40 ? `${source.slice(0, 37)}...` : source}`;
  if (!Number.isFinite(value)) return `${found}, expected a finite number.`;
  if (/^[-+]?0\d/.test(source)) {
    return `${found}, expected a number without leading zeros, which some read as octal.`;
  }
  if (!Number.isFinite(Math.fround(value))) {
    return `${found}, beyond float32, which holds numbers up to 3.4e38.`;
  }
  const written = value !== 0 || /[1-9]/.test(source.split(/e/i)[0]!);
  if (written && Math.abs(value) < LEAST) {
    return `${found}, too close to zero for float32: expected 0 or at least 1.2e-38.`;
  }
  if (INTEGER.test(source) && BigInt(Math.abs(value)) !== BigInt(source.replace(/^[-+]/, ""))) {
    return `${found}, an integer that is not held exactly: ${value} is the nearest number.`;
  }
  return undefined;
}
