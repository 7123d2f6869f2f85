/** Functions that repeat, scatter and gather, scan and resize. @module */
import { sizeOf } from "../../../src/ir/aval.ts";
import type { Builder } from "../builder.ts";
import { axisOf, bounded, type Operation, options, ref } from "./operation.ts";

function repetition(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const size = sizeOf(shape);
  const axis = axisOf(b, shape.length);
  switch (b.draw.pick(["tile", "repeat", "roll"])) {
    case "tile": {
      const counts = shape.map(() => b.draw.integer(1, 3));
      return size * sizeOf(counts) <= b.limits.size ? b.call("tile", [ref(x), counts]) : undefined;
    }
    case "repeat": {
      const count = b.draw.integer(1, 3);
      return size * count <= b.limits.size
        ? b.call("repeat", [ref(x), count, { axis }])
        : undefined;
    }
    default:
      return b.call("roll", [ref(x), b.draw.integer(-5, 5), { axis }]);
  }
}

function scan(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0);
  if (x === undefined) return undefined;
  const axis = axisOf(b, b.aval(x).shape.length);
  // Products of numbers up to 1 stay numbers.
  switch (b.draw.pick(["cumSum", "cumProd", "prod"])) {
    case "cumSum":
      return b.call("cumSum", [ref(x), options(b, { axis, reverse: true, exclusive: true })]);
    case "cumProd": {
      const factors = ref(bounded(b, x, 1));
      return b.call("cumProd", [factors, options(b, { axis, reverse: true, exclusive: true })]);
    }
    default:
      return b.call("prod", [ref(bounded(b, x, 1)), {
        axes: axis,
        ...options(b, { keepAxes: true }),
      }]);
  }
}

function diagonal(b: Builder): number | undefined {
  const offset = b.draw.integer(-2, 2);
  const call = b.draw.pick(["diag", "tril", "triu"]);
  const x = b.float(({ shape }) => call === "diag" ? shape.length === 1 : shape.length >= 2);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  if (call === "diag" && (shape[0]! + Math.abs(offset)) ** 2 > b.limits.size) return undefined;
  return b.call(call, [ref(x), { offset }]);
}

function rows(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && shape[0]! > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const call = b.draw.pick(["segmentSum", "segmentMean", "segmentMax", "addRows", "setRows"]);
  if (call.startsWith("segment")) {
    const segments = ref(b.provide([shape[0]!], "i32", "index"));
    const result = b.call(call, [ref(x), segments, { count: b.draw.integer(1, 4) }]);
    // A segment without rows has no largest one.
    return call === "segmentMax" ? b.call("maximum", [ref(result), -4]) : result;
  }
  const count = b.draw.integer(1, 3);
  const updates = [count, ...shape.slice(1)];
  if (sizeOf(updates) > b.limits.size) return undefined;
  const indices = ref(b.provide([count], "i32", "index"));
  return b.call(call, [ref(x), indices, ref(b.provide(updates))]);
}

function gather(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length > 0 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const index = (): ReturnType<typeof ref> => ref(b.provide([2], "i32", "index"));
  if (2 * sizeOf(shape) > b.limits.size) return undefined;
  if (b.draw.chance(0.5)) {
    return b.call("take", [ref(x), index(), { axis: axisOf(b, shape.length) }]);
  }
  const indices = Array.from({ length: b.draw.integer(1, shape.length) }, index);
  return b.call("takeAt", [ref(x), indices]);
}

function attend(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length >= 2 && shape.length <= 4 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const tokens = shape.at(-2)!;
  if (sizeOf(shape.slice(0, -1)) * tokens > b.limits.size) return undefined;
  const values = ref(b.provide(shape));
  return b.call("attention", [
    ref(bounded(b, x, 4)),
    ref(bounded(b, x, 2)),
    values,
    options(b, { causal: true, scale: 0.5 }),
  ]);
}

function resize(b: Builder): number | undefined {
  const x = b.float(({ shape }) => shape.length === 4 && sizeOf(shape) > 0);
  if (x === undefined) return undefined;
  const { shape } = b.aval(x);
  const [height, width] = [b.draw.integer(1, 5), b.draw.integer(1, 5)];
  if (shape[0]! * height * width * shape[3]! > b.limits.size) return undefined;
  const how = b.draw.pick([{}, { method: "nearest" }, { antialias: true }]);
  return b.call("resizeImages", [ref(x), { height, width, ...how }]);
}

/** Functions that repeat, scatter and gather, scan and resize. */
export const arrangements: readonly Operation[] = [
  { name: "repetition", weight: 1, make: repetition },
  { name: "scan", weight: 1, make: scan },
  { name: "diagonal", weight: 1, make: diagonal },
  { name: "rows", weight: 2, make: rows },
  { name: "gather", weight: 1, make: gather },
  { name: "attention", weight: 1.5, make: attend },
  { name: "resize", weight: 1, make: resize },
];
