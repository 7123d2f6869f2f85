/**
 * What arguments and options must be, for callers without types: rows of the tables that
 * {@linkcode requireArguments} and {@linkcode requireOptions} check.
 *
 * @module
 */

/** What an argument must be. */
export interface Kind {
  /** In words, after "expected". */
  readonly expected: string;
  /** Whether something is that. */
  readonly holds: (found: unknown) => boolean;
}

/** Makes a kind. */
export function kind(expected: string, holds: (found: unknown) => boolean): Kind {
  return { expected, holds };
}

const isObject = (found: unknown): found is object =>
  typeof found === "object" && found !== null && !Array.isArray(found) &&
  !ArrayBuffer.isView(found) && typeof (found as { then?: unknown }).then !== "function";

/** Whether something is an array or a typed array. */
const isList = (found: unknown): found is ArrayLike<unknown> =>
  Array.isArray(found) || ArrayBuffer.isView(found) && "length" in found;

/** A whole number from 1. */
export const count: Kind = /* @__PURE__ */ kind(
  "a whole number from 1",
  (found) => Number.isSafeInteger(found) && (found as number) >= 1,
);
/** A whole number from 0. */
export const natural: Kind = /* @__PURE__ */ kind(
  "a whole number from 0",
  (found) => Number.isSafeInteger(found) && (found as number) >= 0,
);
/** A whole number. */
export const integer: Kind = /* @__PURE__ */ kind("a whole number", Number.isSafeInteger);
/** A number that is not NaN and not infinite. */
export const finite: Kind = /* @__PURE__ */ kind("a finite number", Number.isFinite);
/** Any number, where the function itself says which. */
export const number: Kind = /* @__PURE__ */ kind("a number", (found) => typeof found === "number");
/** A number from 0 to 1. */
export const share: Kind = /* @__PURE__ */ kind(
  "a number from 0 to 1",
  (found) => typeof found === "number" && found >= 0 && found <= 1,
);
/** A number above 0. */
export const positive: Kind = /* @__PURE__ */ kind(
  "a number above 0",
  (found) => typeof found === "number" && found > 0,
);
/** A text. */
export const text: Kind = /* @__PURE__ */ kind("a text", (found) => typeof found === "string");
/** A text that is not empty, such as a path. */
export const name: Kind = /* @__PURE__ */ kind(
  "a text that is not empty",
  (found) => typeof found === "string" && found !== "",
);
/** `true` or `false`. */
export const flag: Kind = /* @__PURE__ */ kind(
  "true or false",
  (found) => typeof found === "boolean",
);
/** A function. */
export const callback: Kind = /* @__PURE__ */ kind(
  "a function",
  (found) => typeof found === "function",
);
/** An object; no array, no promise. */
export const object: Kind = /* @__PURE__ */ kind("an object", isObject);
/** An array or typed array of anything. */
export const list: Kind = /* @__PURE__ */ kind("an array", isList);
/** Bytes of a file. */
export const bytes: Kind = /* @__PURE__ */ kind(
  "a Uint8Array",
  (found) => found instanceof Uint8Array,
);
/** An array of numbers, of which the function itself says more. */
export const numbers: Kind = /* @__PURE__ */ listOf(number);
/** Positions of examples: an `Int32Array`. */
export const indices: Kind = /* @__PURE__ */ kind(
  "an Int32Array",
  (found) => found instanceof Int32Array,
);

/** Nothing, or something of a kind. */
export function optional({ expected, holds }: Kind): Kind {
  return kind(`${expected}, or nothing`, (found) => found === undefined || holds(found));
}

/** A finite number, or nothing where there is a default. */
export const optionalNumber: Kind = /* @__PURE__ */ optional(finite);

/** A function, or nothing. */
export const optionalCallback: Kind = /* @__PURE__ */ optional(callback);

/** An object, or nothing. */
export const optionalObject: Kind = /* @__PURE__ */ optional(object);

/** An array of which everything is of a kind. */
export function listOf({ expected, holds }: Kind): Kind {
  return kind(
    `an array, each of it ${expected}`,
    (found) => isList(found) && Array.prototype.every.call(found, holds),
  );
}

/** One of some values. */
export function oneOf(...known: readonly (string | number)[]): Kind {
  return kind(
    known.map((one) => typeof one === "string" ? `'${one}'` : one).join(" or "),
    (found) => known.includes(found as string),
  );
}

/** An object with members of some kinds. */
export function objectWith(
  members: Readonly<Record<string, Kind>>,
  what: string = "an object",
): Kind {
  const parts = Object.entries(members);
  return kind(
    `${what} with ${parts.map(([key, { expected }]) => `'${key}' (${expected})`).join(", ")}`,
    (found) =>
      isObject(found) &&
      parts.every(([key, { holds }]) => holds((found as Record<string, unknown>)[key])),
  );
}

/** An object used as a dictionary, of which every value is of a kind. */
export function recordOf({ expected, holds }: Kind): Kind {
  return kind(
    `an object, each of its values ${expected}`,
    (found) => isObject(found) && Object.values(found).every(holds),
  );
}

/** A tensor of a traced function. */
export const tensor: Kind = /* @__PURE__ */ kind(
  "a tensor",
  (found) => isObject(found) && "node" in found && "shape" in found,
);

/** An optimizer such as `sgd()`. */
export const optimizer: Kind = /* @__PURE__ */ objectWith(
  { init: callback, update: callback },
  "an optimizer, such as sgd(),",
);

/** A weighting of tasks such as `equalWeighting()`. */
export const weighting: Kind = /* @__PURE__ */ objectWith(
  { init: callback, weigh: callback, transform: /* @__PURE__ */ optional(callback) },
  "a weighting, such as equalWeighting(),",
);

/** A problem of one inner and one outer loss. */
export const problem: Kind = /* @__PURE__ */ objectWith({ inner: callback, outer: callback });

/** A problem of one inner and several outer losses. */
export const objectives: Kind = /* @__PURE__ */ objectWith({
  inner: callback,
  outers: /* @__PURE__ */ recordOf(callback),
});

/** Losses by name. */
export const losses: Kind = /* @__PURE__ */ recordOf(callback);

/** What `profile()` measured. */
export const profile: Kind = /* @__PURE__ */ objectWith(
  { dispatches: list },
  "a profile, as profile() returns it once awaited,",
);

/** An engine that `openEngine()` returned. */
export const engine: Kind = /* @__PURE__ */ kind(
  "an engine, as openEngine() returns it once awaited",
  (found) => isObject(found) && ["jit", "put", "read"].every((method) => method in found),
);
