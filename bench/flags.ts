/**
 * Flags of the commands of this folder.
 *
 * @module
 */
import { readFlags, reportFaults, standardOutput } from "../src/study/flags.ts";

/** What was given. */
export interface BenchFlags<Value extends string, Plain extends string> {
  /** Values by the flag's name, `undefined` where it was not given. */
  readonly values: Readonly<Record<Value, string | undefined>>;
  /** Flags without a value. */
  readonly given: Readonly<Record<Plain | "help", boolean>>;
}

/**
 * Reads the arguments of a command, before it measures anything: `--help` ends it, and so does a flag that there is
 * not.
 *
 * @param program What is typed to run it.
 * @param usage What it does, and its flags.
 * @param names Names of flags with a value, and of those without.
 */
export async function benchFlags<Value extends string, Plain extends string>(
  program: string,
  usage: string,
  { value, plain }: { readonly value: readonly Value[]; readonly plain: readonly Plain[] },
): Promise<BenchFlags<Value, Plain>> {
  let read: BenchFlags<Value, Plain> | undefined;
  const code = await reportFaults(program, standardOutput, () => {
    const { values, given } = readFlags<Value, Plain | "help">(Deno.args, {
      value,
      plain: [...plain, "help"],
    });
    const single = value.map((name) => [name, values[name][0]]);
    read = { values: Object.fromEntries(single), given };
    return Promise.resolve(0);
  });
  if (read === undefined) Deno.exit(code);
  if (read.given.help) {
    console.log(`Usage: ${program} [flags]\n\n${usage}`);
    Deno.exit(0);
  }
  return read;
}
