/**
 * How the invocations of a workgroup share the columns of a reduction. Adapters that hide the latency of memory behind
 * other invocations want many of them, each with few iterations that wait for one another; processors want to spare
 * the dispatch that would join parts.
 *
 * @module
 */
import type { DeviceTraits } from "../ir/lowering.ts";
import { UNROLLED } from "./index_text.ts";
import { WORKGROUP } from "./kernel_source.ts";

/** Most iterations of one invocation. */
export const MOST_ITERATIONS = 32_768;

/** Most invocations of a workgroup: what every adapter has registers for. */
const MOST_INVOCATIONS = 256;

/** Partial results that one invocation joins at a time. */
export const JOINED = 4;

/** Iterations that take as long as one level of joins: a barrier, and loads of workgroup memory. */
const LEVEL = 0.25;

/** A workgroup that reduces columns. */
export interface Team {
  /** Columns of a workgroup. */
  readonly columns: number;
  /** Invocations that share a column; 1 where none do. */
  readonly peers: number;
  /** Whether neighbouring invocations share a column; else they have neighbouring columns. */
  readonly along: boolean;
  /** Whether an invocation has iterations that follow each other; else those that share a column take turns. */
  readonly inRuns: boolean;
}

/** A workgroup whose invocations share nothing. */
export const NO_TEAM: Team = { columns: WORKGROUP, peers: 1, along: false, inRuns: false };

/** What is shared. */
export interface TeamWork {
  /** Number of columns. */
  readonly columns: number;
  /** Loop iterations of a column. */
  readonly iterations: number;
  /** Bytes of one element of an iteration: a number, or a vector of four. */
  readonly bytes: number;
  /** Whether neighbours in memory belong to one column. */
  readonly along: boolean;
  /** Bytes of one result, or of four side by side. */
  readonly result: number;
  /** Partial results that an invocation leaves for the others. */
  readonly left: number;
}

/** Parts of a reduction in workgroups of their own, and what their invocations share. */
export interface Arrangement {
  /** The workgroups of the pass over the operands. */
  readonly team: Team;
  /** Number of parts. */
  readonly parts: number;
  /** The workgroups of the pass that joins them. */
  readonly join: Team;
  /** How long it takes, in iterations of one invocation. */
  readonly cost: number;
}

/**
 * The fastest of all ways to share: many invocations have few iterations each, but more of them than keep the adapter
 * busy wait for each other; a second pass, which joins parts, costs a dispatch.
 *
 * @param work What is shared.
 * @param traits The adapter.
 * @param mostParts 1 where the parts cannot be joined.
 * @returns The way; its cost is infinite where an invocation would have too many iterations.
 */
export function arrange(work: TeamWork, traits: DeviceTraits, mostParts = Infinity): Arrangement {
  const { columns, iterations, along, bytes, result, left } = work;
  const { busy, leastIterations, leastRun } = traits.costs;
  const line = 4 * leastRun;
  const most = Math.min(
    MOST_INVOCATIONS,
    traits.maxWorkgroupInvocations,
    traits.maxWorkgroupStorage / (left * result),
  );
  const room = powerOfTwo(Math.floor, Math.max(1, most));
  let best: Arrangement = { team: NO_TEAM, parts: 1, join: NO_TEAM, cost: Infinity };
  for (let peers = 1; peers <= room; peers *= 2) {
    const side = peers === 1 ? WORKGROUP : Math.min(room / peers, powerOfTwo(Math.ceil, columns));
    const read = bytes * (along ? peers : side);
    const wasted = Math.max(1, Math.min(line, along ? bytes * iterations : line) / read);
    const invocations = peers === 1 ? columns : peers * side * Math.ceil(columns / side);
    const levels = Math.ceil(Math.log2(peers) / Math.log2(JOINED));
    for (let parts = 1; parts <= mostParts; parts *= 2) {
      const steps = Math.ceil(iterations / parts / peers);
      const join = parts === 1
        ? { team: NO_TEAM, cost: -leastIterations.reduced }
        : arrange({ ...work, iterations: parts, bytes: result, along: false }, traits, 1);
      const waits = Math.max(1, wasted * parts * invocations / busy.reduced);
      const unrolled = peers * parts === 1 && steps <= UNROLLED;
      const cost = (unrolled ? 1 : steps) * waits + LEVEL * levels + leastIterations.reduced +
        join.cost;
      if (steps > MOST_ITERATIONS) continue;
      if (cost < best.cost) {
        best = {
          team: { columns: side, peers, along, inRuns: false },
          parts,
          join: join.team,
          cost,
        };
      }
      if (steps === 1 || 2 * parts * invocations > busy.reduced) break;
    }
  }
  return best;
}

/**
 * The workgroups of a processor, which join what would be parts: if what that takes longer, where its invocations are
 * fewer than could run, costs less than the dispatch of a second pass. Each invocation reads a run of rows, or of the
 * part of them that lies side by side in memory.
 *
 * @param work What is shared.
 * @param split The parts that it would have, and the columns that lie side by side.
 * @param traits The adapter.
 * @returns The workgroups; {@linkcode NO_TEAM} where they join nothing.
 */
export function joinedParts(
  { columns, iterations, result, left }: TeamWork,
  { parts, row }: { readonly parts: number; readonly row: number },
  { costs: { busy, dispatch, load, leastRun }, maxWorkgroupStorage }: DeviceTraits,
): Team {
  if (!(parts > 1) || left * WORKGROUP * result > maxWorkgroupStorage) return NO_TEAM;
  const least = powerOfTwo(Math.ceil, Math.min(row, Math.ceil(4 * leastRun / result)));
  const most = powerOfTwo(Math.floor, Math.min(columns, WORKGROUP / parts));
  const side = Math.max(1, least, most);
  const peers = WORKGROUP / side;
  const each = Math.ceil(iterations / peers);
  // An iteration of few invocations takes as long as one of as many as the adapter runs.
  const longer = Math.max(0, each - Math.ceil(iterations / parts)) * busy.reduced * 4 * load;
  if (peers < 2 || each > MOST_ITERATIONS || longer >= dispatch) return NO_TEAM;
  return { columns: side, peers, along: false, inRuns: true };
}

function powerOfTwo(round: (exponent: number) => number, near: number): number {
  return 2 ** round(Math.log2(near));
}
