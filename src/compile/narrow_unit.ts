/**
 * Reductions that bind more buffers than an adapter allows, taken apart.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import type { MapUnit, ReduceUnit } from "./units.ts";

/**
 * Parts of a unit that read and write fewer buffers, to be run in order: half of the reductions each,
 * and what follows them apart. What one part computes another may read, so all results need memory.
 *
 * Pointwise results alone always fit: an element at a time binds each buffer once, and `formUnits` puts no more of them
 * together than an adapter allows. Reductions have memory of their own for the parts of sums.
 *
 * @param unit A unit whose kernels do not fit the adapter.
 * @returns The parts; `undefined` if the unit has a single result.
 */
export function narrowUnit(unit: ReduceUnit): (MapUnit | ReduceUnit)[] | undefined {
  if (unit.epilogue.length > 0) {
    const after = unit.epilogue.map((tensor): MapUnit => ({
      kind: "map",
      size: tensor.size,
      results: [tensor],
      reads: unit.reads,
    }));
    return [{ ...unit, epilogue: [] }, ...after];
  }
  if (unit.reductions.length === 1) return undefined;
  const middle = Math.ceil(unit.reductions.length / 2);
  return [unit.reductions.slice(0, middle), unit.reductions.slice(middle)]
    .map((reductions) => ({ ...unit, reductions }));
}

/** Every result of a unit. */
export function resultsOf(unit: MapUnit | ReduceUnit): readonly Tensor[] {
  return unit.kind === "map" ? unit.results : [...unit.reductions, ...unit.epilogue];
}
