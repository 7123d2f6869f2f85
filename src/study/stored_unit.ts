/**
 * Units by name and place.
 *
 * @module
 */
import type { UnitSummary } from "./unit_summary.ts";

/** A unit and the file that it was read from. */
export interface StoredUnit {
  /** The file. */
  readonly path: string;
  /** What it holds. */
  readonly unit: UnitSummary;
}

/**
 * Names a unit: `regime/arm/seed-N`, as its folder is named.
 *
 * @param unit Regime, arm and seed.
 */
export function unitKey(unit: Pick<UnitSummary, "regime" | "arm" | "seed">): string {
  return `${unit.regime}/${unit.arm}/seed-${unit.seed}`;
}
