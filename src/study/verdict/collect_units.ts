/**
 * Summaries as they are committed: one small file a unit.
 *
 * @module
 */
import { writeFileAtomic } from "../../run/atomic_write.ts";
import { fileError } from "../../run/file_error.ts";
import { asUnitSummary, readUnits } from "../read_units.ts";
import { type StoredUnit, unitKey } from "../stored_unit.ts";

/** Significant digits of numbers that are no whole numbers: more than any figure means. */
const DIGITS = 7;

/**
 * Writes units into a folder as `REGIME.ARM.seed-N.json`, their numbers rounded to seven digits.
 *
 * @param units The units.
 * @param folder The folder; it is made. Units in it that are not among these stay.
 * @returns How many files are new, and how many were there with the same content.
 * @throws {Error} If a file of the folder says something else of a unit than the unit does: what was
 * committed is not replaced.
 */
export async function collectUnits(
  units: readonly StoredUnit[],
  folder: string,
): Promise<{ readonly written: number; readonly unchanged: number }> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (cause) {
    throw fileError("create the folder of summaries", { path: folder, cause });
  }
  const there = new Map(
    (await readUnits([folder])).map(({ path, unit }) => [unitKey(unit), { path, unit }]),
  );
  let written = 0;
  for (const { path, unit } of units) {
    const text = `${JSON.stringify(rounded(unit))}\n`;
    const target = `${folder}/${unit.regime}.${unit.arm}.seed-${unit.seed}.json`;
    const earlier = there.get(unitKey(unit));
    if (earlier === undefined) {
      asUnitSummary(JSON.parse(text), target);
      await writeFileAtomic(target, text);
      written++;
    } else if (
      JSON.stringify(earlier.unit) !== JSON.stringify(asUnitSummary(JSON.parse(text), path))
    ) {
      throw new Error(
        `Cannot collect ${path}: ${earlier.path} says something else of ${
          unitKey(unit)
        }. Remove the ` +
          `one that is wrong.`,
      );
    }
  }
  return { written, unchanged: units.length - written };
}

/** The same with shorter numbers; rounding never turns the order of two of them round. */
function rounded(value: unknown): unknown {
  if (typeof value === "number" && !Number.isInteger(value)) {
    return Number(value.toPrecision(DIGITS));
  }
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}
