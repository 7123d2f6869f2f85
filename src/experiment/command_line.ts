/**
 * Reads the command line of an experiment.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import { parseArgs } from "@std/cli/parse-args";
import { type EngineChoice, engineChoices } from "../engine/open_engine.ts";
import { excerpt, printable } from "../text/printable.ts";
import { unknownName, UsageError } from "./usage_error.ts";

/** A command line that was read; nothing in it has been looked up yet. */
export interface CommandLine {
  /** Words that are not flags. */
  readonly names: readonly string[];
  /** `--list` was given. */
  readonly list: boolean;
  /** `--help` was given. */
  readonly help: boolean;
  /** Name after `--preset`. */
  readonly preset: string | undefined;
  /** File after `--config`. */
  readonly config: string | undefined;
  /** Assignments after every `--set`. */
  readonly set: readonly string[];
  /** Number after `--seed`. */
  readonly seed: number;
  /** Folder or name of a data set after `--data`. */
  readonly data: string;
  /** Name after `--engine`. */
  readonly engine: EngineChoice;
  /** Folder of all runs, after `--out`. */
  readonly out: string;
  /** Exact run folder after `--folder`. */
  readonly folder: string | undefined;
  /** Run folder after `--resume`. */
  readonly resume: string | undefined;
  /** Bytes after `--memory`. */
  readonly memory: number | undefined;
  /** Seconds after `--watchdog`, which is for the process that starts the run. */
  readonly watchdog: number | undefined;
  /** `--offline` was given. */
  readonly offline: boolean;
  /** `--half-precision` was given. */
  readonly halfPrecision: boolean;
  /** `--measure-kernels` was given. */
  readonly measureKernels: boolean;
  /** File after `--kernels`. */
  readonly kernels: string | undefined;
  /** `--dry-run` was given. */
  readonly dryRun: boolean;
  /** Whether a dry run says what the run will take; `--no-predict` was not given. */
  readonly predict: boolean;
}

/** Flags that take a value, in the order of the usage text. */
const VALUE_FLAGS = [
  "preset",
  "config",
  "set",
  "seed",
  "data",
  "engine",
  "out",
  "folder",
  "resume",
  "memory",
  "kernels",
  "watchdog",
] as const;
/** Flags that do not. */
const BOOLEAN_FLAGS = [
  "list",
  "help",
  "offline",
  "half-precision",
  "measure-kernels",
  "dry-run",
  "no-predict",
] as const;
/** What a resumed run takes from its folder. */
const FIXED_BY_RESUME = [
  ...["preset", "config", "set", "seed", "data", "engine", "out", "folder"] as const,
];
/** What would mean nothing on other engines. */
const FOR_WEBGPU = ["half-precision", "measure-kernels", "kernels"] as const;

type ValueFlag = (typeof VALUE_FLAGS)[number];

/**
 * Reads the arguments of an experiment.
 *
 * @param args Arguments as of `Deno.args`.
 * @returns Flags with their defaults: seed 0, data `auto`, engine `auto`, out `runs`.
 * @throws {UsageError} On an unknown flag, a missing or repeated value, control characters, a seed that
 * is not a 32-bit natural number, an unknown engine, a memory that is no size, a watchdog that is no number
 * of seconds, or flags that contradict `--resume`.
 *
 * @example
 * ```ts
 * import { parseCommandLine } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const line = parseCommandLine(["cifar-maml", "--seed", "3", "--set", "steps=5"]);
 * assertEquals([line.names, line.seed, line.set], [["cifar-maml"], 3, ["steps=5"]]);
 * assertThrows(() => parseCommandLine(["--sede", "3"]), Error, 'Did you mean "--seed"?');
 * ```
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  requireArguments("parseCommandLine", { args }, { args: is.listOf(is.text) });
  assertPlainFlags(args);
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: [...VALUE_FLAGS, "_"],
    collect: VALUE_FLAGS,
    boolean: BOOLEAN_FLAGS,
    alias: { help: "h" },
    unknown: (argument) => {
      if (!argument.startsWith("-")) return true;
      unknown.push(argument.split("=")[0]!);
      return false;
    },
  });
  if (unknown.length > 0) {
    const before = VALUE_FLAGS.find((flag) => args[args.indexOf(unknown[0]!) - 1] === `--${flag}`);
    if (before === undefined || !/^-[.\d]/.test(unknown[0]!)) throw unknownFlag(unknown[0]!);
    throw new UsageError(
      `Flag --${before} needs a value; one that begins with a dash is given as --${before}=${
        unknown[0]
      }.`,
    );
  }
  const values = new Map<ValueFlag, readonly string[]>();
  for (const flag of VALUE_FLAGS) {
    const given = (parsed[flag] as unknown[]).map(String);
    if (given.includes("")) throw new UsageError(`Flag --${flag} needs a value.`);
    if (given.length > 1 && flag !== "set") {
      throw new UsageError(`Flag --${flag} was given ${given.length} times, expected once.`);
    }
    const strange = given.find((text) => text !== printable(text));
    if (strange !== undefined && flag !== "set") {
      throw new UsageError(
        `Flag --${flag} got "${excerpt(strange)}", expected text without control characters.`,
      );
    }
    values.set(flag, given);
  }
  const first = (flag: ValueFlag) => values.get(flag)?.[0];
  if (first("resume") !== undefined) {
    const other = FIXED_BY_RESUME.find((flag) => first(flag) !== undefined);
    if (other) {
      throw new UsageError(
        `Flag --${other} cannot be given with --resume: a resumed run takes it from its folder.`,
      );
    }
    if (parsed["measure-kernels"] === true) {
      throw new UsageError(
        "Flag --measure-kernels cannot be given with --resume: a resumed run computes by the kernels that it began " +
          "with, which its record has. Leave it out.",
      );
    }
    if (parsed["dry-run"] === true) {
      throw new UsageError(
        "Flag --dry-run cannot be given with --resume: it says what a new run would do. The resumed one's " +
          "configuration stands in config.yaml of its folder.",
      );
    }
  }
  if (parsed["no-predict"] === true && parsed["dry-run"] !== true) {
    throw new UsageError("Flag --no-predict is for --dry-run.");
  }
  if (parsed["measure-kernels"] === true && first("kernels") !== undefined) {
    throw new UsageError(
      "Flag --measure-kernels cannot be given with --kernels: one measures the adapter's table, the other takes a " +
        "table from a file.",
    );
  }
  const engine = parseEngine(first("engine") ?? "auto");
  const forWebGpu = FOR_WEBGPU.find((flag) =>
    flag === "kernels" ? first(flag) !== undefined : parsed[flag] === true
  );
  if (forWebGpu !== undefined && engine !== "webgpu" && engine !== "auto") {
    throw new UsageError(
      `Flag --${forWebGpu} cannot be given with --engine ${engine}: only WebGPU has several kernels to choose from. ` +
        "Leave it out, or ask for webgpu.",
    );
  }
  if (first("out") !== undefined && first("folder") !== undefined) {
    throw new UsageError(
      "Flag --out cannot be given with --folder: one is the folder of all runs, the other of this run.",
    );
  }
  return {
    names: parsed._.map(String),
    list: parsed["list"] === true,
    help: parsed["help"] === true,
    preset: first("preset"),
    config: first("config"),
    set: values.get("set") ?? [],
    seed: parseSeed(first("seed") ?? "0"),
    data: first("data") ?? "auto",
    engine,
    out: first("out") ?? "runs",
    folder: first("folder"),
    resume: first("resume"),
    memory: parseMemory(first("memory")),
    watchdog: parseWatchdog(first("watchdog")),
    offline: parsed["offline"] === true,
    halfPrecision: parsed["half-precision"] === true,
    measureKernels: parsed["measure-kernels"] === true,
    kernels: first("kernels"),
    dryRun: parsed["dry-run"] === true,
    predict: parsed["no-predict"] !== true,
  };
}

const PLAIN_WITH_VALUE = new RegExp(`^(--(?:${BOOLEAN_FLAGS.join("|")})|-h)=`);

/** Refuses what the parser takes for something else: a value of `--help`, and its own name `_`. */
function assertPlainFlags(args: readonly string[]): void {
  const end = args.indexOf("--");
  for (const argument of end < 0 ? args : args.slice(0, end)) {
    const flag = argument.match(PLAIN_WITH_VALUE)?.[1];
    if (flag !== undefined) throw new UsageError(`Flag ${flag} takes no value.`);
    if (/^--?_([=.]|$)/.test(argument)) throw unknownFlag(argument.split("=")[0]!);
  }
}

function unknownFlag(found: string): UsageError {
  const valid = [...VALUE_FLAGS, ...BOOLEAN_FLAGS].map((flag) => `--${flag}`);
  return new UsageError(unknownName("flag", { found, valid }));
}

/** Random keys are made from 32 bits. */
function parseSeed(text: string): number {
  const seed = /^(0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  if (seed < 2 ** 32) return seed;
  throw new UsageError(`Flag --seed got "${excerpt(text)}", expected a natural number below 2^32.`);
}

/** Bytes, or a number with a unit. */
function parseMemory(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const found = text.match(/^(\d{1,12}(?:\.\d{1,3})?) ?(KiB|MiB|GiB|TiB)$|^(\d{1,15})$/);
  const unit = 1024 ** (["KiB", "MiB", "GiB", "TiB"].indexOf(found?.[2] ?? "") + 1);
  const bytes = Math.floor(Number(found?.[1] ?? found?.[3]) * unit);
  if (bytes >= 1) return bytes;
  throw new UsageError(
    `Flag --memory got "${
      excerpt(text)
    }", expected bytes or a number of KiB, MiB, GiB or TiB, such as 4GiB.`,
  );
}

function parseWatchdog(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? text : Number(text);
  throw new UsageError(
    `Flag --watchdog got "${
      excerpt(text)
    }", expected a whole number of seconds, 0 to wait for ever.`,
  );
}

function parseEngine(text: string): EngineChoice {
  const engine = engineChoices.find((choice) => choice === text);
  if (engine !== undefined) return engine;
  throw new UsageError(unknownName("engine", { found: text, valid: engineChoices }));
}
