/**
 * Large numbers in words.
 *
 * @module
 */

/**
 * Writes a large number for people, with the prefix of the International System: `2.1 T`.
 *
 * @param value A finite number of at least 0.
 */
export function formatQuantity(value: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
  let scaled = value;
  let index = 0;
  while (Number(scaled.toPrecision(3)) >= 1000 && index < prefixes.length - 1) {
    scaled /= 1000;
    index++;
  }
  const digits = String(Number(scaled.toPrecision(3)));
  return index === 0 ? digits : `${digits} ${prefixes[index]}`;
}
