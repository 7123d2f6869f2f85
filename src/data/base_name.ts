/**
 * The last name of a path.
 *
 * @param path A path, with slashes of either kind at its end or not.
 * @param otherwise What is given of a path without a name, such as `/`.
 */
export function baseName(path: string, otherwise: string): string {
  return path.replace(/[\\/]+$/, "").split(/[\\/]/).pop() || otherwise;
}
