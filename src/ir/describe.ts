import { type Aval, formatAval } from "./aval.ts";

/**
 * Says in words what something is that stands where it does not belong, for errors.
 *
 * @param found Anything.
 * @returns Such as `an array of 3`, `the text 'cat'`, `a promise`, `a host array f32[2]`.
 */
export function describe(found: unknown): string {
  if (typeof found === "string") return `the text '${found}'`;
  if (typeof found === "function") return found.name ? `the function ${found.name}` : "a function";
  if (found === null || typeof found !== "object") return String(found);
  if (Array.isArray(found)) return `an array of ${found.length}`;
  if (isPromise(found)) return "a promise (not awaited)";
  if (ArrayBuffer.isView(found)) return `a ${found.constructor.name}`;
  if (isArrayLike(found)) {
    if ("node" in found) return `a tensor ${formatAval(found)}`;
    if ("handle" in found) return `a value ${formatAval(found)} of an engine`;
    return `a host array ${formatAval(found)}`;
  }
  const { constructor } = found;
  if (constructor !== undefined && constructor !== Object) return `a ${constructor.name}`;
  const names = Object.keys(found);
  return names.length === 0 ? "an empty object" : `an object of ${names.join(", ")}`;
}

/** Whether something is a promise, or can be awaited like one. */
export function isPromise(found: unknown): boolean {
  return typeof (found as { then?: unknown } | null)?.then === "function";
}

function isArrayLike(found: object): found is Aval {
  const { shape, dtype } = found as { shape?: unknown; dtype?: unknown };
  return Array.isArray(shape) && typeof dtype === "string";
}

/** What to say of something that stands where a tensor belongs. */
export function noTensor(found: unknown): string {
  return `found ${describe(found)}, expected a tensor. ${wayOut(found)}`;
}

export function wayOut(found: unknown): string {
  if (found === undefined || found === null) return "Is an argument missing, or a name misspelt?";
  if (isPromise(found)) return "Await it first, outside of the traced function.";
  if (typeof found === "number" || Array.isArray(found) || ArrayBuffer.isView(found)) {
    return "Make it one with constant(), and mind the order of the arguments.";
  }
  if (typeof found === "object" && found !== null && "dtype" in found) {
    return "Numbers enter a program as arguments: give it to the function that jit() returned, and use " +
      "the tensor that the traced function receives. What never changes may be a constant().";
  }
  return "Mind the order of the arguments.";
}
