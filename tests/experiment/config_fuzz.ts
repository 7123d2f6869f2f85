/**
 * Broken configurations and command lines made from sound ones, and what must become of them: exit code 2 with
 * the place of the fault, or 0 with the values that were written.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { experiment as cifarMaml } from "../../experiments/cifar-maml.ts";
import { runCommand } from "../../src/experiment/run_command.ts";
import { uniform } from "../cases/random.ts";

/** A generator of natural numbers below a bound. */
export type Draw = (bound: number) => number;

/** The same seed draws the same numbers. */
export function drawFrom(seed: number): Draw {
  const next = uniform(seed);
  return (bound) => Math.floor(next() * bound);
}

/** Values that some reader takes for another, that no device holds, or that break a line. */
export const VALUES: readonly string[] = [
  ..."1e39 -1e39 5e-324 1e-46 1e-400 .nan .NaN .inf -.Inf 1e400 017 0o17 -08 00 0b11 1__0 1_000"
    .split(" "),
  ..."9007199254740991 9007199254740993 -9007199254740991 0xffffffffff 0x7fffffff 1.5 -0 +1 1. .5"
    .split(" "),
  ..."null ~ true yes on 2020-01-01 1:30 !!str !foo !!binary !<x> *a &a * & [ ] { } | > - ? : @x `x"
    .split(" "),
  ...[
    "''",
    '""',
    "'it''s",
    '"\\e[31mred"',
    '"\\u202ex"',
    '"\\0"',
    '"\\ud800"',
    "\x1b[31m",
    "\x9b1m",
  ],
  ...[
    "[]",
    "{}",
    "[[[[1]]]]",
    "{a: {b: 1}}",
    "[1, 2, x]",
    "!!int 3",
    "!!str 3",
    "&a [*a]",
    "\u2028",
  ],
  ...[
    "9".repeat(400),
    "x".repeat(5000),
    `0.${"0".repeat(500)}1`,
    "1 # c",
    "'a' b",
    '"a" "b"',
    "\t1",
  ],
];

/** Lines to put between others. */
const LINES = [
  "__proto__: {polluted: 1}",
  "constructor: {prototype: {polluted: 1}}",
  "toString: 1",
  "hasOwnProperty: 1",
  "'<<': {batchSize: 4}",
  "<<: {batchSize: 4}",
  "<<: 3",
  "<<: *nothing",
  "? [a, b]\n: 1",
  "? {a: 1}",
  ": 1",
  "~: 1",
  "1: 1",
  "---",
  "...",
  "%YAML 1.1",
  "# comment",
  "steps: 4",
  "pretrain: {steps: 4, stpes: 5}",
  "model: {backbone: {encoder: {widths: 3}}}",
  "arms: [meta, meta]",
  "only: {arms: [scratch]}",
  "only: {arms: [scratch, x], regimes: [all]}",
  "arms: {x: {like: meta, order: first}, meta: null}",
  "arms: {x: {like: y}, y: {like: x}}",
  "arms: {x: {like: constructor, pretrain: [{objective: joint, weighting: {famo: {}}}]}}",
  "arms: {x: {pretrain: [{objective: meta, placebo: weight-noise, pretextWeight: 2}]}}",
  "regimes: {poor: {source: {labelsPerClass: 20}}, x: {target: {classes: [a, b]}}}",
  "validation: 1.5",
  "- 1",
  "a: b: c",
  '"a',
  "a: |\n b\n  c",
  "\ta: 1",
  "  batchSize: 8",
];

/** Documents that no editor of a text makes. */
const LARGE: readonly ((draw: Draw) => string)[] = [
  (draw) => "[".repeat(1 + draw(3000)),
  (draw) => `a: ${"{a: ".repeat(1 + draw(3000))}`,
  (draw) => Array.from({ length: 2 + draw(200) }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
  (draw) => Array.from({ length: 300 + draw(2700) }, (_, i) => `unknown${i}: 1`).join("\n"),
  (draw) => `arms: [${"x, ".repeat(draw(3000))}x]`,
  (draw) => {
    const wide = (i: number) => `a${i}: &a${i} [${Array(9).fill(`*a${i - 1}`).join(", ")}]`;
    const chain = Array.from({ length: 2 + draw(20) }, (_, i) => wide(i + 1));
    return ["a0: &a0 [1]", ...chain].join("\n");
  },
  (draw) => {
    const next = (i: number) => `a${i}: &a${i} {<<: *a${i - 1}, k${i}: 1}`;
    return ["a0: &a0 {k: 1}", ...Array.from({ length: 200 + draw(50) }, (_, i) => next(i + 1))]
      .join("\n");
  },
  (draw) => "\n".repeat(draw(20_000)) + "a",
];

const KEYS =
  ("arms model.backbone.encoder.widths model.backbone.encoder.embedding model.backbone.encoder.dropout model " +
    "model.backbone.resnet arms.meta arms.meta.pretrain arms.meta.pretrain.0.order arms.meta.protocols " +
    "arms.scratch.like arms.x.like arms.supervised.clip only.arms only.regimes regimes.all.source.classes " +
    "regimes.x batchSize validation testImages meta.innerSteps meta.tasks.rotation meta.innerRate meta.order " +
    "pretrain.steps pretrain.rate evaluateEvery x model.x a.b.c __proto__.x constructor.prototype.x " +
    "model.__proto__.x arms.__proto__.x model.backbone.encoder.widths.0 .. .x").split(" ");

const presets = await Deno.readTextFile(
  new URL("../../experiments/cifar-maml.yaml", import.meta.url),
);
const bodies = Object.values(presets.split(/^\w+:$/m)).slice(1)
  .map((body) => body.replace(/^ {2}/gm, "").replace(/^#.*$/gm, "").trim());

const pick = <T>(draw: Draw, items: readonly T[]): T => items[draw(items.length)]!;

/**
 * Makes a document that was once a preset.
 *
 * @returns Its bytes, which need not be UTF-8.
 */
export function fuzzedYaml(draw: Draw): Uint8Array {
  let text = draw(12) === 0 ? pick(draw, LARGE)(draw) : pick(draw, bodies);
  for (let edits = 1 + draw(3); edits > 0; edits--) text = edited(text, draw);
  const bytes = new TextEncoder().encode(text);
  if (draw(6) === 0 && bytes.length > 0) bytes[draw(bytes.length)] = draw(256);
  return draw(12) === 0 ? bytes.subarray(0, draw(bytes.length + 1)) : bytes;
}

function edited(text: string, draw: Draw): string {
  const lines = text.split("\n");
  const at = draw(lines.length);
  switch (draw(10)) {
    case 0:
    case 1:
    case 2:
      lines[at] = withOtherValue(lines[at]!, draw);
      break;
    case 3:
      lines.splice(at, 0, pick(draw, LINES));
      break;
    case 4:
      lines.splice(at, 0, pick(draw, lines));
      break;
    case 5:
      lines.splice(at, 1);
      break;
    case 6:
      lines[at] = " ".repeat(draw(4)) + lines[at];
      break;
    case 7: {
      const column = draw(lines[at]!.length + 1);
      lines[at] = lines[at]!.slice(0, column) +
        pick(draw, [..."[]{}:,&*!|>'\"%@`#-?\t\r\0\ufeff"]) +
        lines[at]!.slice(column);
      break;
    }
    case 8:
      lines[at] = lines[at]!.replace(/^(\s*)(\w+):/, (_, space, key) => `${space}${key}s:`);
      break;
    case 9:
      lines[at] = lines[at]!.replace(
        /^(\s*)(\w+):/,
        (_, space) => `${space}${pick(draw, VALUES)}:`,
      );
  }
  return lines.join(draw(20) === 0 ? "\r\n" : "\n");
}

/** Puts another value after one of the colons. */
function withOtherValue(line: string, draw: Draw): string {
  const values = [...line.matchAll(/(?<=: )[\w.]+/g)];
  if (values.length === 0) return line;
  const { index, 0: { length } } = pick(draw, values);
  return line.slice(0, index) + pick(draw, VALUES) + line.slice(index + length);
}

/** Makes a command line; folders and files that it names do not exist. */
export function fuzzedArgs(draw: Draw): string[] {
  const flags = [
    "--preset",
    "--config",
    "--set",
    "--seed",
    "--data",
    "--engine",
    "--list",
    "--help",
  ];
  const others = [
    "-x",
    "--sede",
    "--_",
    "--__proto__",
    "--no-seed",
    "--",
    "-",
    "--set.a",
    "-h",
    "name",
  ];
  return Array.from({ length: 1 + draw(4) }, () => {
    const kind = draw(10);
    const value = pick(draw, VALUES);
    if (kind < 5) return ["--set", `${pick(draw, KEYS)}=${value}`];
    if (kind === 5) return [pick(draw, flags), value];
    if (kind === 6) return [`${pick(draw, flags)}=${value}`];
    if (kind === 7) return [pick(draw, others), ...(draw(2) ? [value] : [])];
    return kind === 8 ? ["--seed", String(draw(1000))] : [pick(draw, flags)];
  }).flat();
}

/** What a command left behind. */
export interface Outcome {
  readonly code: number;
  readonly err: string;
  /** The configuration that the experiment was begun with, if it was. */
  readonly config: unknown;
}

/** Runs the experiment's own command in this process, with nothing to do once the configuration is there. */
export async function command(args: readonly string[], out: string): Promise<Outcome> {
  let config: unknown;
  let err = "";
  const stub = {
    ...cifarMaml,
    run: (context: { config: unknown }) => {
      config = context.config;
      return Promise.resolve();
    },
  };
  const progress = {
    write: (text: string) => void (err += text),
    terminal: false,
    color: false,
    columns: () => 0,
    now: () => 0,
  };
  // After "--" nothing is a flag, and what is given twice is refused: the folder comes first.
  const code = await runCommand(stub, {
    args: ["--out", out, ...args],
    output: { print: (line) => void (err += line), progress },
  });
  return { code, err, config };
}

/** Holds an outcome to the promise. */
export function judge({ code, err, config }: Outcome, what: string): void {
  assert(code === 0 || code === 2, `${what}: exit code ${code}: ${err}`);
  assertEquals(/\n\s+at /.test(err), false, `${what}: a stack: ${err}`);
  assertEquals(/(?![\n\t])\p{Cc}/u.test(err), false, `${what}: control characters: ${err}`);
  assertEquals(({} as { polluted?: unknown }).polluted, undefined, `${what}: polluted`);
  const known =
    /^(--set .|Flag -|Unknown |Unexpected argument "|Cannot read the configuration |Too large for this experiment: \w|.+:\d+:\d+: )/;
  if (code === 2) assertMatch(err, known, `${what}: neither place nor flag: ${err}`);
  assert(err.length < 20_000, `${what}: ${err.length} characters of message`);
  if (config !== undefined) assertSound(config, what);
}

/** Keys of the experiment that take any number; all others count something. */
const REAL = new Set([
  ...["rate", "innerRate", "temperature", "dropout", "validation", "clip", "pretextWeight"],
  ...["ownHeads", "outerHeads", "decay"],
]);

/** Everything in a configuration that was accepted can be computed with. */
function assertSound(value: unknown, what: string, key = ""): void {
  if (typeof value === "number") {
    const held = Math.fround(value);
    assert(Number.isFinite(held) && (value === 0) === (held === 0), `${what}: ${key} = ${value}`);
    const counts = Number.isInteger(value) && Math.abs(value) < 2 ** 31;
    assert(REAL.has(key) || counts, `${what}: ${key} = ${value}`);
  } else if (typeof value === "object" && value !== null) {
    const prototype = Object.getPrototypeOf(value);
    assert(prototype === Object.prototype || prototype === Array.prototype, what);
    for (const [name, item] of Object.entries(value)) assertSound(item, what, name);
  }
}

/** Runs one fuzzed file and judges it. Returns the exit code. */
export async function tryYaml(bytes: Uint8Array, folder: string): Promise<number> {
  const file = `${folder}/fuzzed.yaml`;
  await Deno.writeFile(file, bytes);
  const text = new TextDecoder().decode(bytes);
  const what = JSON.stringify(text.slice(0, 600));
  const outcome = await command(["--config", file], `${folder}/runs`);
  judge(outcome, what);
  if (outcome.code === 2) {
    const messages = outcome.err.trimEnd().split("\n").slice(0, -1);
    assert(messages.length > 0, what);
    const lines = text.split("\n");
    for (const message of messages) {
      if (/^\.\.\. and \d+ more\.$/.test(message)) continue;
      // Several keys together, with their values: no single place.
      if (/^Too large for this experiment: [\w.]+=/.test(message)) continue;
      const found = message.match(/fuzzed\.yaml:(\d+):(\d+): \S/);
      assert(found && message.startsWith(file), `${what}: no place in: ${message}`);
      const [line, column] = [Number(found[1]), Number(found[2])];
      assert(
        line >= 1 && line <= lines.length,
        `${what}: line ${line} of ${lines.length}: ${message}`,
      );
      assert(column >= 1 && column <= lines[line - 1]!.length + 1, `${what}: ${message}`);
    }
    assertMatch(outcome.err, /\nSee: \S+ --help\n$/);
  } else {
    assertEquals(outcome.config, expected(text), what);
  }
  return outcome.code;
}

/** The configuration that a sound file means: the values another reading of the same YAML gives. */
function expected(text: string): unknown {
  const merge = (below: unknown, above: unknown): unknown => {
    const both = [below, above].every((item) =>
      typeof item === "object" && item !== null && !Array.isArray(item)
    );
    if (!both) return above;
    const merged: Record<string, unknown> = { ...(below as object) };
    for (const [key, item] of Object.entries(above as object)) {
      merged[key] = key in merged ? merge(merged[key], item) : item;
    }
    return merged;
  };
  const { common, quick } = parse(presets) as Record<string, unknown>;
  const preset = merge(common, quick);
  return cifarMaml.schema.parse(
    merge(preset, parse(text, { merge: true, stringKeys: true }) ?? {}),
  );
}

/** Runs the same command line as a process of its own. */
export async function commandProcess(args: readonly string[]): Promise<Omit<Outcome, "config">> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "experiments/cifar-maml.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}
