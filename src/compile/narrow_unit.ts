/**
 * Units that bind more buffers than an adapter allows, taken apart.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import type { MapUnit, ReduceUnit } from "./units.ts";

/**
 * Parts of a unit that read and write fewer buffers, to be run in order: half of the results each,
 * and what follows a reduction apart from it. What one part computes another may read, so all
 * results need memory.
 *
 * @param unit A unit whose kernels do not fit the adapter.
 * @returns The parts; `undefined` if the unit has a single result.
 */
export function narrowUnit(unit: MapUnit | ReduceUnit): (MapUnit | ReduceUnit)[] | undefined {
  if (unit.kind === "map") {
    if (unit.results.length === 1) return undefined;
    return halves(unit.results).map((results) => ({ ...unit, results }));
  }
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
  return halves(unit.reductions).map((reductions) => ({ ...unit, reductions }));
}

/** Every result of a unit. */
export function resultsOf(unit: MapUnit | ReduceUnit): readonly Tensor[] {
  return unit.kind === "map" ? unit.results : [...unit.reductions, ...unit.epilogue];
}

function halves<T>(list: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)];
}
