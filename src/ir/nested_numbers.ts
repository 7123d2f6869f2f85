import { describe } from "./describe.ts";

/** A number, or arrays of equal length nested around numbers. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** Numbers in a row, and the shape in which they were nested. */
export interface FlatNumbers {
  /** The numbers, row-major; a typed array stays itself. */
  readonly numbers: ArrayLike<number>;
  /** Extents of the nesting, outermost first. */
  readonly shape: readonly number[];
}

/**
 * Takes nested numbers apart.
 *
 * @param attempt What is being done, for the error: "make a constant".
 * @param values A number, arrays nested around numbers, or a typed array.
 * @returns The numbers and their shape; whether they are numbers is for the element type to say.
 * @throws {TypeError} If arrays beside each other differ in shape, or it is something else.
 */
export function flattenNumbers(
  attempt: string,
  values: NestedNumbers | ArrayLike<number>,
): FlatNumbers {
  if (typeof values === "number") return { numbers: [values], shape: [] };
  if (isNumbers(values)) return { numbers: values, shape: [values.length] };
  if (!Array.isArray(values)) {
    throw new TypeError(
      `Cannot ${attempt}: found ${
        describe(values)
      }, expected numbers, nested arrays of numbers or a ` +
        `typed array.`,
    );
  }
  if (!values.some(isRow)) return { numbers: values as number[], shape: [values.length] };
  const numbers: number[] = [];
  return { numbers, shape: collect(attempt, values as readonly NestedNumbers[], numbers) };
}

function isNumbers(values: unknown): values is ArrayLike<number> {
  return ArrayBuffer.isView(values) && !(values instanceof DataView);
}

function isRow(value: unknown): value is readonly NestedNumbers[] {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function collect(
  attempt: string,
  values: readonly NestedNumbers[],
  into: number[],
): readonly number[] {
  const shapes = Array.from(values, (value): readonly number[] => {
    if (isRow(value)) return collect(attempt, value, into);
    into.push(value);
    return [];
  });
  const [first = []] = shapes;
  if (shapes.some((shape) => shape.join() !== first.join() || shape.length !== first.length)) {
    const found = [...new Set(shapes.map((shape) => `[${shape.join(", ")}]`))].slice(0, 4);
    throw new TypeError(
      `Cannot ${attempt}: found nested arrays of the shapes ${
        found.join(", ")
      }, expected equal ones. ` +
        `Fill up ragged rows.`,
    );
  }
  return [values.length, ...first];
}
