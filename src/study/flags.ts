/**
 * Command lines of the study's commands.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { standardError } from "../run/progress.ts";
import { unknownName, UsageError } from "../experiment/usage_error.ts";
import { excerpt, printable, printableLines } from "../text/printable.ts";

/** Flags that were given. */
export interface Flags<Value extends string, Plain extends string> {
  /** Words that are no flags. */
  readonly names: readonly string[];
  /** Texts after flags with a value; every one of those given several times. */
  readonly values: Readonly<Record<Value, readonly string[]>>;
  /** Flags without a value. */
  readonly given: Readonly<Record<Plain, boolean>>;
}

/**
 * Reads arguments.
 *
 * @param args As of `Deno.args`.
 * @param flags Names of flags with a value, of those that may be repeated, and of those without a value.
 * @throws {UsageError} On unknown flags, and values that are missing, repeated or not printable.
 */
export function readFlags<Value extends string, Plain extends string>(
  args: readonly string[],
  flags: {
    readonly value: readonly Value[];
    readonly repeated?: readonly Value[];
    readonly plain: readonly Plain[];
  },
): Flags<Value, Plain> {
  const unknown: string[] = [];
  const valid = [...flags.value, ...flags.plain];
  const parsed: Record<string, unknown> = parseArgs([...args], {
    string: [...flags.value, "_"],
    collect: [...flags.value],
    boolean: [...flags.plain],
    alias: { help: "h" },
    unknown: (argument) => {
      if (!argument.startsWith("-")) return true;
      unknown.push(argument.split("=")[0]!);
      return false;
    },
  });
  if (unknown.length > 0) {
    const names = valid.map((flag) => `--${flag}`);
    throw new UsageError(unknownName("flag", { found: unknown[0]!, valid: names }));
  }
  const values = Object.fromEntries(flags.value.map((flag) => {
    const given = (parsed[flag] as unknown[]).map(String);
    const strange = given.find((text) => text !== printable(text));
    if (given.includes("")) throw new UsageError(`Flag --${flag} needs a value.`);
    if (given.length > 1 && !flags.repeated?.includes(flag)) {
      throw new UsageError(`Flag --${flag} was given ${given.length} times, expected once.`);
    }
    if (strange !== undefined) {
      throw new UsageError(
        `Flag --${flag} got "${excerpt(strange)}", expected text without control characters.`,
      );
    }
    return [flag, given];
  }));
  return {
    names: (parsed["_"] as unknown[]).map(String),
    values: values as unknown as Record<Value, readonly string[]>,
    given: Object.fromEntries(
      flags.plain.map((flag) => [flag, parsed[flag] === true]),
    ) as Record<Plain, boolean>,
  };
}

/** Where a command writes. */
export interface CommandOutput {
  /** A line on standard output. */
  readonly print: (line: string) => void;
  /** A line on standard error. */
  readonly log: (line: string) => void;
}

/** The streams of the process. */
export const standardOutput: CommandOutput = {
  print: (line) => console.log(line),
  log: (line) => standardError().write(`${line}\n`),
};

/**
 * Runs a command and shows its errors: wrong usage as exit code 2, everything else as 1, without a stack.
 *
 * @param program How it is called.
 * @param output Where to write.
 * @param command The command.
 */
export async function reportFaults(
  program: string,
  output: CommandOutput,
  command: () => Promise<number>,
): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (error instanceof UsageError) {
      output.log(`${printableLines(error.message)}\nSee: ${program} --help`);
      return 2;
    }
    output.log(`Error: ${printableLines(error instanceof Error ? error.message : String(error))}`);
    return 1;
  }
}
