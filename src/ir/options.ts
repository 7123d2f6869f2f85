/**
 * The options of functions, as callers without types may write them.
 *
 * @module
 */
import { describe, isPromise, wayOut } from "./describe.ts";
import { count, type Kind, object } from "./kinds.ts";

/** What other libraries, and hands in a hurry, call options of ours: our names, the likelier first. */
const CALLED: Readonly<Record<string, string>> = {
  axis: "axes",
  axes: "axis",
  dim: "axis axes",
  dims: "axes axis",
  keepdim: "keepAxes",
  keepdims: "keepAxes",
  ddof: "correction",
  unbiased: "correction",
  lr: "rate innerRate",
  learningrate: "rate innerRate",
  innerlr: "innerRate",
  steps: "innerSteps",
  stride: "strides",
  strides: "stride",
  pad: "padding",
  size: "window shape imageSize count",
  kernelsize: "kernel window",
  poolsize: "window",
  eps: "epsilon",
  p: "probability rate",
  prob: "probability",
  std: "deviation",
  stddev: "deviation",
  min: "low",
  max: "high",
  type: "dtype",
  classes: "ways classNames",
  filters: "channels outputs",
  units: "outputs",
  infeatures: "inputs",
  outfeatures: "outputs",
  inchannels: "inputs imageChannels",
  outchannels: "outputs",
  numfeatures: "features",
  train: "training",
  argnums: "argument",
  outaxis: "outAxes",
};

/** What each argument or option must be; `true` for what the function itself looks at. The type makes it complete. */
export type Kinds<O> = { readonly [K in keyof Required<NoInfer<O>>]: true | Kind };

/**
 * Throws unless every option is one that the function has, and is what it must be: an option that is not known
 * would be ignored, and `sum(x, { axis: 0 })` would add up everything.
 *
 * @param name Name of the function, for the error.
 * @param options What was given.
 * @param known The options that there are.
 * @throws {TypeError} Names the first option that is not known, and those that are, or what is of another kind.
 * @throws {RangeError} If a number is none of those that the option may be.
 */
export function requireOptions<O extends object>(
  name: string,
  options: O,
  known: Kinds<O>,
): void {
  if (!object.holds(options)) {
    refuse(name, `found ${describe(options)} in the place of the options`, known);
  }
  for (const option in options) {
    if (Object.hasOwn(known, option)) continue;
    const found = Object.hasOwn(options, "dtype") && Object.hasOwn(options, "shape")
      ? `${describe(options)} in the place of the options`
      : `the option '${option}', which it does not have`;
    refuse(name, `found ${found}`, known, option);
  }
  requireArguments(name, options, known);
}

/**
 * Throws unless arguments are what they must be.
 *
 * @param name Name of the function, for the error.
 * @param given The arguments by name.
 * @param kinds What each must be.
 * @throws {TypeError} Names the first that is something else.
 * @throws {RangeError} If that is a number, but none of those that it may be.
 */
export function requireArguments<O extends object>(
  name: string,
  given: O,
  kinds: Kinds<O>,
): void {
  for (const [key, kind] of Object.entries<true | Kind>(kinds)) {
    const found: unknown = given[key as keyof O];
    if (kind === true || kind.holds(found)) continue;
    const Fault = typeof found === "number" ? RangeError : TypeError;
    throw new Fault(
      `Cannot call ${name}(): found ${describe(found)} for '${key}', expected ${kind.expected}.` +
        (found === undefined ? ` Add '${key}'.` : isPromise(found) ? " Await it first." : ""),
    );
  }
}

/**
 * Throws unless a function is given the arguments that it takes. One that is missing, or a promise, would be an
 * error of something far below; one too many would be ignored, and `add(a, b, c)` would be `a + b`. What
 * others give to any function is passed over: `map()` and `reduce()` a position and the array, a layer
 * `{ training }`.
 *
 * @param name Name of the function, for the error.
 * @param given Its `arguments`.
 * @param least How many it needs.
 * @param most How many it takes.
 * @throws {TypeError} Names the first that is missing, not awaited, or too much.
 */
export function requireCall(
  name: string,
  given: ArrayLike<unknown>,
  least: number = 0,
  most: number = least,
): void {
  const last = given[given.length - 1];
  const passed = given.length === most + 2
    ? Array.isArray(last)
    : given.length === most + 1 && object.holds(last) && "training" in (last as object);
  for (let k = 0; k < given.length || k < least; k++) {
    const found = given[k];
    const surplus = k >= most && !passed;
    if (
      found === undefined
        ? k >= least
        : !surplus && !isPromise(found) && (found !== null || k >= least)
    ) continue;
    const where = surplus
      ? `beyond its ${most} ${
        most === 1 ? "argument" : "arguments"
      }. It would be ignored: leave it out.`
      : `as argument ${k + 1}. ${wayOut(found)}`;
    throw new TypeError(`Cannot call ${name}(): found ${describe(found)} ${where}`);
  }
}

function refuse(name: string, found: string, known: object, option = ""): never {
  const names = Object.keys(known);
  const meant = [
    ...(CALLED[plain(option)] ?? "").split(" "),
    ...names.filter((one) => near(option, one)),
  ]
    .find((one) => names.includes(one));
  const list = names.map((one) => `'${one}'`).join(", ");
  throw new TypeError(
    `Cannot call ${name}(): ${found}; expected an object of ${list}.` +
      (meant === undefined ? "" : ` Did you mean '${meant}'?`),
  );
}

/** A name without what languages write differently. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

/** Whether two names are alike: equal but for their last letter, or for how their words are joined. */
function near(found: string, known: string): boolean {
  const [a, b] = [plain(found), plain(known)];
  return a !== "" && (a === b || `${a}s` === b || a === `${b}s`);
}

/**
 * Throws unless every number is a count: a whole number from 1.
 *
 * @param name Name of the function, for the error.
 * @param counts The numbers by name of the option.
 * @throws {RangeError | TypeError} Names the first that is none.
 */
export function requireCounts(name: string, counts: Readonly<Record<string, number>>): void {
  for (const option in counts) {
    requireArguments(name, { [option]: counts[option] }, { [option]: count });
  }
}

/**
 * Throws unless a choice is one that there is: another would silently be taken for the default.
 *
 * @param name Name of the function, for the error.
 * @param choice The option and what was chosen.
 * @param known What may be chosen.
 * @throws {RangeError} Says what was found and what there is.
 */
export function requireOneOf<T>(
  name: string,
  choice: readonly [option: string, found: T],
  known: readonly NoInfer<T>[],
): void {
  const [option, found] = choice;
  if (known.includes(found)) return;
  throw new RangeError(
    `Cannot call ${name}(): found ${describe(found)} for '${option}', expected ${
      known.map((one) => `'${one}'`).join(" or ")
    }.`,
  );
}
