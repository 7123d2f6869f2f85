/** A kind of step that a random program may take. @module */
import type { Builder } from "../builder.ts";
import { type Argument, Ref } from "../recipe.ts";

/** A kind of step. */
export interface Operation {
  /** Name, for counting. */
  readonly name: string;
  /** How often it is chosen, relative to others. */
  readonly weight: number;
  /** Adds lines to a program; the number of the last, or `undefined` where it does not apply. */
  make(b: Builder): number | undefined;
}

/** A reference to a line. */
export function ref(line: number): Ref {
  return new Ref(line);
}

/** An `f32` line whose values are at least `least`: the given one, or one made of it. */
export function positive(b: Builder, line: number, least = 0.25): number {
  if (b.least(line) >= least && b.draw.chance(0.6)) return line;
  const magnitude = b.call(b.draw.pick(["abs", "square"]), [ref(line)]);
  return b.call("add", [ref(magnitude), Math.max(0.5, least)]);
}

/** An `f32` line whose values are at most `most` in magnitude: the given one, or one made of it. */
export function bounded(b: Builder, line: number, most: number): number {
  const bound = b.bound(line);
  if (bound <= most) return line;
  if (b.draw.chance(0.5)) return b.call(b.draw.pick(["tanh", "sin", "erf"]), [ref(line)]);
  return b.call("mul", [ref(line), 2 ** Math.floor(Math.log2(most / bound))]);
}

/** Options of which each is given with probability one half. */
export function options(
  b: Builder,
  all: Readonly<Record<string, Argument>>,
): Readonly<Record<string, Argument>> {
  return Object.fromEntries(b.draw.some(Object.entries(all)));
}

/** An axis of a shape, sometimes counted from the end. */
export function axisOf(b: Builder, rank: number): number {
  const axis = b.draw.integer(0, rank - 1);
  return b.draw.chance(0.4) ? axis - rank : axis;
}

/** Some axes, in any order, sometimes counted from the end; one of them perhaps as a number. */
export function axesOf(b: Builder, rank: number): number | number[] {
  const axes = b.draw.shuffled(b.draw.some(Array.from({ length: rank }, (_, k) => k), 0.6));
  const counted = axes.map((axis) => b.draw.chance(0.3) ? axis - rank : axis);
  return counted.length === 1 && b.draw.chance(0.5) ? counted[0]! : counted;
}
