/**
 * One pass of a reduction: the loop of an invocation, and what a workgroup joins of it.
 *
 * @module
 */
import {
  addIndex,
  divideIndex,
  moduloIndex,
  scaleIndex,
  variableIndex,
} from "../ir/index_expression.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { accumulate, type Accumulators } from "./accumulate.ts";
import { type Expressions, LOOP } from "./expression.ts";
import { type GeneratedKernel, generatedKernel, groupKernel, loopBound } from "./kernel_source.ts";
import type { Layout } from "./reduce_layout.ts";
import { UNROLLED } from "./index_text.ts";
import { JOINED, type Team } from "./team.ts";
import type { ReduceUnit } from "./units.ts";
import { registerType, type Width } from "./wgsl_values.ts";

/** Elements that are summed one after the other. */
const BLOCK = 32;

/** A pass: what it reads, and how it is shared out. */
export interface Pass<B> {
  /** The kernel, with what an iteration `r` of the column of {@linkcode columnName} reads. */
  readonly expressions: Expressions<B>;
  /** For each reduction the values of the elements that one iteration reduces. */
  readonly values: readonly (readonly string[])[];
  readonly layout: Layout;
  readonly traits: DeviceTraits;
  readonly team: Team;
  /** Iterations of all parts together. */
  readonly iterations: number;
  /** Iterations of one part. */
  readonly each: number;
  /** Whether the four lanes are elements of one reduction. */
  readonly inLanes: boolean;
}

/** A column that is reduced, or a part of it. */
export interface ReducedColumn {
  /** Register of each reduction's result. */
  readonly registers: readonly string[];
  /** Variable that holds its number. */
  readonly column: string;
  /** Its place among all parts of all columns. */
  readonly place: string;
}

/** Variable that holds the number of the column that an invocation reads. */
export function columnName({ parts, team }: Pick<Layout, "parts" | "team">): string {
  return parts === 1 && team.peers === 1 ? "q" : "c";
}

/**
 * Generates the kernel of a pass.
 *
 * @param unit The reductions.
 * @param pass What it reads, and how it is shared out.
 * @param end Statements that make something of a reduced column.
 * @returns The kernel.
 */
export function passKernel<B>(
  unit: ReduceUnit,
  pass: Pass<B>,
  end: (reduced: ReducedColumn) => readonly string[],
): GeneratedKernel<B> {
  const { expressions, layout: { columns }, traits, team } = pass;
  const acc = accumulate(unit, pass.values, { ...pass, position: LOOP });
  const range = rangeOf(pass);
  if (team.peers > 1) return teamKernel(unit, pass, { acc, range, end });
  const { parts } = range;
  const q = variableIndex("q", columns * parts);
  const body = [
    ...parts === 1 ? [] : [
      ...expressions.define("c", moduloIndex(q, columns)),
      ...expressions.define("part", divideIndex(q, columns)),
    ],
    ...expressions.outer.splice(0),
    ...loop(acc, expressions.inner.splice(0), range, traits),
  ];
  body.push(...end({ registers: acc.results, column: parts === 1 ? "q" : "c", place: "q" }));
  return generatedKernel(expressions, body, { threads: columns * parts, traits });
}

/** The iterations of an invocation: every `step`-th of a range, at most `count` of them. */
interface Range {
  readonly from: string;
  readonly to: string;
  readonly step: number;
  readonly count: number;
  /** Number of ranges. */
  readonly parts: number;
}

function rangeOf<B>({ expressions, iterations, each, team: { peers, inRuns } }: Pass<B>): Range {
  const count = Math.ceil(each / peers);
  if (inRuns) {
    const run = expressions.size(count);
    const to = `min(peer * ${run} + ${run}, ${expressions.size(iterations)})`;
    return { step: 1, count, parts: 1, from: `peer * ${run}`, to };
  }
  const parts = Math.ceil(iterations / each) || 1;
  const range = { step: peers, count, parts };
  const peer = peers === 1 ? "0u" : "peer";
  if (parts === 1) return { ...range, from: peer, to: loopBound(expressions, iterations) };
  const size = expressions.size(each);
  const to = `min(part * ${size} + ${size}, ${expressions.size(iterations)})`;
  return { ...range, from: `part * ${size} + ${peer}`, to };
}

/**
 * The loop over a range. Long sums go through blocks, each summed by itself, so that rounding errors grow with the
 * number of blocks and not of elements.
 */
function loop(
  acc: Accumulators,
  body: readonly string[],
  { from, to, count, step }: Range,
  { costs: { occupancy } }: DeviceTraits,
): string[] {
  const next = step === 1 ? `${LOOP}++` : `${LOOP} += ${step}u`;
  const over = (first: string, end: string, lines: readonly string[]): string[] =>
    block(`for (var ${LOOP} = ${first}; ${LOOP} < ${end}; ${next}) `, lines);
  // On a CPU sums of any length are one text but for the shortest, which drivers unroll.
  if (count <= (occupancy ? 2 * BLOCK : UNROLLED) || acc.sums.length === 0) {
    return [...acc.before, ...over(from, to, [...body, ...acc.each("s")]), ...acc.after];
  }
  const some = [
    `let end = min(start + ${BLOCK * step}u, ${to});`,
    ...acc.sums.map(({ index, type }) => `var block${index} = ${type}(0.0);`),
    ...over("start", "end", [...body, ...acc.each("block")]),
    ...acc.sums.map(({ index }) => `s${index} += block${index};`),
  ];
  return [
    ...acc.before,
    ...block(`for (var start = ${from}; start < ${to}; start += ${BLOCK * step}u) `, some),
    ...acc.after,
  ];
}

/** A pass whose workgroups share columns: every invocation reduces some of a column, the first ones join it. */
function teamKernel<B>(
  unit: ReduceUnit,
  pass: Pass<B>,
  { acc, range, end }: {
    acc: Accumulators;
    range: Range;
    end: (reduced: ReducedColumn) => readonly string[];
  },
): GeneratedKernel<B> {
  const { expressions, layout, traits, team } = pass;
  const { columns } = layout;
  const { columns: side, peers, along } = team;
  const { parts } = range;
  const groups = Math.ceil(columns / side);
  const count = expressions.size(columns);
  const [mine, peer] = along
    ? [`member / ${peers}u`, `member % ${peers}u`]
    : [`member % ${side}u`, `member / ${side}u`];
  const group = variableIndex("group", groups * parts);
  const head = [
    ...expressions.define("team", moduloIndex(group, groups)),
    ...expressions.define("part", divideIndex(group, groups)),
    `let peer = ${peer};`,
    // Who has no column does as if the last one were its own, up to the last barrier.
    `let c = min(team * ${side}u + ${mine}, ${count} - 1u);`,
  ];
  const place = addIndex(
    scaleIndex(variableIndex("part", parts), columns),
    variableIndex("column", columns),
  );
  const width: Width = layout.lanes === "kept" ? 4 : 1;
  const arrays = acc.partial.map(({ name, dtype }) => ({
    name: `shared_${name}`,
    element: registerType(dtype, width),
  }));
  const store = (at: string, { partial }: Accumulators): string[] =>
    partial.map(({ name }) => `shared_${name}[${at}] = ${name};`);
  const body = [
    ...head,
    ...expressions.outer.splice(0),
    ...block("", [
      ...loop(acc, expressions.inner.splice(0), range, traits),
      ...store(`peer * ${side}u + ${mine}`, acc),
    ]),
  ];
  let left = peers;
  let registers: readonly string[] = [];
  while (left > 1) {
    // Where invocations run one after the other, one takes all: there is less to compile, and less to wait for.
    const together = traits.costs.occupancy ? Math.min(JOINED, left) : left;
    left /= together;
    const first = left * side;
    const slots = (name: string): string[] => [`shared_${name}[member + ${LOOP} * ${first}u]`];
    const how = { expressions, layout, inLanes: false, position: "", found: slots };
    const joined = accumulate(unit, acc.values.map(slots), how);
    const turns = `for (var ${LOOP} = 0u; ${LOOP} < ${
      loopBound(expressions, together)
    }; ${LOOP}++) `;
    const join = [...joined.before, ...block(turns, joined.each("s")), ...joined.after];
    registers = joined.results;
    body.push(
      "workgroupBarrier();",
      ...left > 1
        ? block(`if (member < ${first}u) `, [...join, ...store("member", joined)])
        : [`if (member >= ${side}u) { return; }`, ...join],
    );
  }
  body.push(`let column = team * ${side}u + member;`, `if (column >= ${count}) { return; }`);
  const ending = end({ registers, column: "column", place: expressions.index(place) });
  body.push(...expressions.outer.splice(0), ...ending);
  const invocations = side * peers;
  return groupKernel(expressions, body, { groups: groups * parts, invocations, arrays, traits });
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head}{`, ...lines.map((line) => `  ${line}`), "}"];
}
