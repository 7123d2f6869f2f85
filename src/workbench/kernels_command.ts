/**
 * `deno task kernels [--check] [FILE.wgsl ...]`: embeds the kernels of `kernels/` as typed modules, one a folder; or
 * checks that this is done and that they compile, and other files with them.
 *
 * @module
 */
import { KERNEL_FOLDER } from "../../kernels/embed.ts";
import { UsageError } from "../experiment/usage_error.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../study/flags.ts";
import { checkKernels, compileKernels, writeKernels } from "./check_kernels.ts";

const HELP = `Usage: deno task kernels [--check] [FILE.wgsl ...]

Without flags, embeds kernels/*.wgsl in kernels/mod.ts, and those of each folder in kernels/ in a mod.ts there.

  --check     change nothing: name every file that differs from its text in the mod.ts beside it, and compile
              all of them with the runtime's compiler (naga in Deno). Exit code 1 if anything is wrong.
  FILE.wgsl   compile these files too, or only these where --check is absent`;

/**
 * Runs the command.
 *
 * @param args As of `Deno.args`.
 * @param options Where lines go; the folder of kernels.
 * @returns Exit code.
 */
export function kernelsCommand(
  args: readonly string[],
  { output = standardOutput, folder = KERNEL_FOLDER }: {
    readonly output?: CommandOutput;
    readonly folder?: URL;
  } = {},
): Promise<number> {
  return reportFaults("deno task kernels", output, async () => {
    const { names, given } = readFlags(args, { value: [], plain: ["check", "help"] });
    if (given.help) {
      output.print(HELP);
      return 0;
    }
    const wrong = names.find((name) => !name.endsWith(".wgsl"));
    if (wrong !== undefined) throw new UsageError(`Found "${wrong}", expected files FILE.wgsl.`);
    if (!given.check && names.length === 0) {
      output.print(
        `${await writeKernels(folder)} kernels are embedded, each in the mod.ts beside it`,
      );
      return 0;
    }
    const own = new Map<string, string>();
    for (const name of names) own.set(name, await Deno.readTextFile(name));
    const all = [
      ...(given.check ? [await checkKernels(folder)] : []),
      ...(own.size > 0 ? [await compileKernels(own)] : []),
    ];
    const faults = all.flatMap((found) => found.faults);
    for (const line of [...faults, ...all.flatMap(({ notes }) => notes)]) output.log(line);
    const compiled = all.reduce((sum, found) => sum + found.compiled, 0);
    output.print(
      faults.length > 0
        ? `${faults.length} kernels or texts are wrong: see above`
        : `${compiled} kernels compile on ${all[0]!.compiler}`,
    );
    return faults.length > 0 ? 1 : 0;
  });
}

if (import.meta.main) Deno.exit(await kernelsCommand(Deno.args));
