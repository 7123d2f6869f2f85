/**
 * The units of a study, and which of them may stand beside each other.
 *
 * @module
 */
import { type StoredUnit, unitKey } from "../stored_unit.ts";
import { formatSeeds } from "../seed_list.ts";
import type { Outcome, UnitSummary } from "../unit_summary.ts";
import type { PairedOutcomes } from "./verdict_cell.ts";
import type { VerdictPlan } from "./verdict_plan.ts";

/** One side of a comparison: an arm and a protocol. */
export interface Side {
  /** The arm. */
  readonly arm: string;
  /** The protocol. */
  readonly protocol: string;
}

/** Reads `arm/protocol`. */
export function sideOf(text: string): Side {
  const [arm = "", protocol = ""] = text.split("/");
  return { arm, protocol };
}

/** Paired outcomes of two sides, and why others are not among them. */
export interface Pairing {
  /** Pairs, by rising seed. */
  readonly pairs: readonly PairedOutcomes[];
  /** Units and protocols that are planned and missing, in words. */
  readonly missing: readonly string[];
  /** Why nothing may be compared, if so. */
  readonly refused?: string;
  /** Whether the seconds of both sides were measured on one kind of machine. */
  readonly sameMachine: boolean;
}

/** Facts whose values must be one over all units of a regime. */
const BINDING = ["data", "halfPrecision"] as const;
/** Facts that decide what a second is worth. */
const MACHINE = ["engine", "adapter", "kernels"] as const;

/** Finds units and holds them to be of one kind. */
export class StudyUnits {
  readonly #units: ReadonlyMap<string, StoredUnit>;
  readonly #plan: VerdictPlan;

  /**
   * @param plan Names the study.
   * @param units All that were found.
   * @throws {RangeError} If a unit is of another study.
   */
  constructor(plan: VerdictPlan, units: readonly StoredUnit[]) {
    const other = units.find(({ unit }) => unit.study !== plan.study);
    if (other) {
      throw new RangeError(
        `Cannot judge by the plan of "${plan.study}": ${other.path} is a unit of ` +
          `"${other.unit.study}". Give that study's plan with --plan.`,
      );
    }
    this.#plan = plan;
    this.#units = new Map(units.map((stored) => [unitKey(stored.unit), stored]));
  }

  /** Tells whether a unit is there. */
  has(unit: Pick<UnitSummary, "regime" | "arm" | "seed">): boolean {
    return this.#units.has(unitKey(unit));
  }

  /** The accuracy of guessing in a regime; `undefined` without a unit. */
  chance(regime: string): number | undefined {
    return [...this.#units.values()].find(({ unit }) => unit.regime === regime)?.unit.chance;
  }

  /** Gives the outcomes of one side, by rising seed; those that are there. */
  outcomes(
    side: Side,
    { regime, seeds }: { readonly regime: string; readonly seeds: readonly number[] },
  ): { readonly seed: number; readonly outcome: Outcome }[] {
    return seeds.flatMap((seed) => {
      const unit = this.#units.get(unitKey({ regime, arm: side.arm, seed }))?.unit;
      const outcome = unit?.outcomes.find(({ protocol }) => protocol === side.protocol);
      return outcome ? [{ seed, outcome }] : [];
    });
  }

  /** Pairs two sides by seed. */
  pair(
    { candidate, control }: { readonly candidate: Side; readonly control: Side },
    { regime, seeds }: { readonly regime: string; readonly seeds: readonly number[] },
  ): Pairing {
    const missing: string[] = [];
    for (const side of [candidate, control]) {
      const absent = seeds.filter((seed) => !this.has({ regime, arm: side.arm, seed }));
      if (absent.length > 0) missing.push(`${side.arm} seeds ${formatSeeds(absent)}`);
      const there = seeds.filter((seed) => !absent.includes(seed));
      const found = this.outcomes(side, { regime, seeds: there }).map(({ seed }) => seed);
      const without = there.filter((seed) => !found.includes(seed));
      if (without.length > 0) {
        missing.push(
          `protocol ${side.protocol} of ${side.arm}, seeds ${formatSeeds(without)} (it has ${
            this.#protocols(side.arm, regime, without[0]!).join(", ")
          })`,
        );
      }
    }
    const controls = new Map(
      this.outcomes(control, { regime, seeds }).map(({ seed, outcome }) => [seed, outcome]),
    );
    const pairs = this.outcomes(candidate, { regime, seeds }).flatMap(({ seed, outcome }) => {
      const other = controls.get(seed);
      return other ? [{ seed, candidate: outcome, control: other }] : [];
    });
    const used = [...new Set([candidate.arm, control.arm])]
      .flatMap((arm) => this.#of({ regime, arm, seeds }));
    const refused = this.mixed({ regime, arm: candidate.arm, seeds }) ??
      this.mixed({ regime, arm: control.arm, seeds }) ?? differingFacts(used);
    const machines = used.map(({ unit }) => MACHINE.map((name) => unit.facts[name]));
    return {
      pairs,
      missing,
      sameMachine: new Set(machines.map((machine) => JSON.stringify(machine))).size <= 1,
      ...(refused === undefined ? {} : { refused }),
    };
  }

  /** Says that the units of an arm are of several configurations, if so. */
  mixed(group: Group): string | undefined {
    const hashes = Map.groupBy(this.#of(group), ({ unit }) => unit.configuration);
    if (hashes.size <= 1) return undefined;
    const parts = [...hashes].map(([hash, units]) =>
      `${hash.slice(0, 12)} of seeds ${formatSeeds(units.map(({ unit }) => unit.seed))}`
    );
    return `units of ${group.arm} in ${group.regime} have different configurations, which are not ` +
      `mixed: ${parts.join("; ")}`;
  }

  /** Says what a reader must know: mixtures, other units, other commits and machines. */
  notices(wanted: readonly Group[]): string[] {
    const used = wanted.flatMap((group) => this.#of(group));
    const keys = new Set(used.map(({ unit }) => unitKey(unit)));
    const unplanned = [...this.#units.keys()].filter((key) => !keys.has(key));
    const notices = wanted.map((group) => this.mixed(group))
      .filter((text) => text !== undefined).map((text) => `${capital(text)}.`);
    for (const regime of this.#plan.regimes) {
      const fault = differingFacts(used.filter(({ unit }) => unit.regime === regime));
      if (fault !== undefined) notices.push(`In regime ${regime}, ${fault}.`);
    }
    for (const fact of ["commit", ...MACHINE]) {
      const absent = fact === "kernels" ? "those of the rules" : "unknown";
      const values = new Set(used.map(({ unit }) => String(unit.facts[fact] ?? absent)));
      if (values.size > 1) {
        notices.push(
          `The units differ in ${fact}: ${[...values].sort().join(", ")}.` +
            (fact === "commit" ? "" : " Seconds of different machines are not compared."),
        );
      }
    }
    if (used.some(({ unit }) => unit.facts["synthetic"] === true)) {
      notices.push("Some units were run on synthetic images: they say nothing about real ones.");
    }
    if (unplanned.length > 0) {
      const shown = unplanned.slice(0, 8).join(", ");
      const more = unplanned.length > 8 ? ` and ${unplanned.length - 8} more` : "";
      notices.push(`Found and not used, since the plan does not name them: ${shown}${more}.`);
    }
    return notices;
  }

  #of({ regime, arm, seeds }: Group): StoredUnit[] {
    return seeds.map((seed) => this.#units.get(unitKey({ regime, arm, seed })))
      .filter((stored) => stored !== undefined);
  }

  #protocols(arm: string, regime: string, seed: number): string[] {
    return this.#units.get(unitKey({ regime, arm, seed }))!.unit.outcomes
      .map(({ protocol }) => protocol);
  }
}

/** Units of one arm in one regime. */
interface Group {
  readonly regime: string;
  readonly arm: string;
  readonly seeds: readonly number[];
}

/** Says which binding fact differs between units, if one does. */
export function differingFacts(units: readonly StoredUnit[]): string | undefined {
  for (const fact of BINDING) {
    const values = Map.groupBy(units, ({ unit }) => JSON.stringify(unit.facts[fact] ?? null));
    if (values.size <= 1) continue;
    const examples = [...values.values()].slice(0, 2).map(([stored]) => stored!.path);
    return `units differ in their ${fact} and are not compared, such as ${examples.join(" and ")}`;
  }
  const chances = Map.groupBy(units, ({ unit }) => unit.chance);
  if (chances.size <= 1) return undefined;
  return `units have different chances of guessing (${
    [...chances.keys()].join(", ")
  }) and are not ` +
    `compared`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
