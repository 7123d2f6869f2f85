/**
 * Something that cannot be used: it stands where a caller without types looks for numbers.
 *
 * It is an object and no error at once, since others may only look whether there is something: to find out
 * what it is, TensorFlow.js asks whatever it meets for `data`.
 *
 * @param message Says what was attempted and the way out.
 * @returns An object of which every use throws.
 */
export function refusal(message: string): object {
  const refuse = (): never => {
    throw new TypeError(message);
  };
  return new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse });
}
