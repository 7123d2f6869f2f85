/**
 * `deno task new-kernel NAME [--folder DIR]`: a kernel to begin with, its primitive and its test, which passes.
 *
 * @module
 */
import { KERNEL_FOLDER } from "../../kernels/embed.ts";
import { UsageError } from "../experiment/usage_error.ts";
import { requireOtherName } from "../ops/own_names.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../study/flags.ts";
import { writeKernels } from "./check_kernels.ts";
import {
  casesText,
  type KernelNames,
  namesOf,
  opText,
  ownTestText,
  ownText,
  wgslText,
} from "./skeleton.ts";

const PROGRAM = "deno task new-kernel";

const USAGE = `Usage: ${PROGRAM} NAME [--folder DIR]

Writes a kernel with all its rules and a test that passes at once; NAME is snake_case. It computes scale x^2:
replace that.

Within a clone of the library it becomes one of its primitives: kernels/NAME.wgsl, src/ops/NAME.ts, cases for all law
tests in tests/cases/NAME_cases.ts.

  --folder DIR    write NAME.wgsl, NAME.ts and NAME_test.ts there instead, as a kernel of your own
  --library NAME  what these import (default @mutasesumele/toolkit)
  --help          this text`;

/** Longer names would break lines that \`deno fmt\` keeps. */
const LONGEST = 24;

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options Where to write lines, and the folder of the library's kernels.
 * @returns Exit code: 0 written, 1 failed, 2 wrong usage.
 */
export async function newKernelCommand(
  args: readonly string[],
  { output = standardOutput, kernels = KERNEL_FOLDER }: {
    readonly output?: CommandOutput;
    readonly kernels?: URL;
  } = {},
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const flags = readFlags(args, { value: ["folder", "library"], plain: ["help"] });
    if (flags.given.help) {
      output.print(USAGE);
      return 0;
    }
    const [name] = flags.names;
    if (
      name === undefined || flags.names.length > 1 || !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)
    ) {
      throw new UsageError(
        `Found ${flags.names.length === 0 ? "no name" : `"${flags.names.join(" ")}"`}, expected ` +
          `one in snake_case, such as soft_threshold.`,
      );
    }
    if (name.length > LONGEST) {
      throw new UsageError(`Found a name of ${name.length} letters, expected at most ${LONGEST}.`);
    }
    requireOtherName("a primitive", name, `my_${name}`);
    const names = namesOf(name);
    const [folder] = flags.values.folder;
    const library = flags.values.library[0] ?? "@mutasesumele/toolkit";
    const inTree = folder === undefined && kernels.protocol === "file:";
    const written = inTree
      ? await addToLibrary(names, kernels)
      : await writeOwn(names, { folder: folder ?? ".", library });
    for (const path of written) output.print(path);
    output.print(
      inTree
        ? `Test it: deno test -A tests/ops tests/kernels tests/compile/device_test.ts`
        : `Test it: deno test --allow-read ${folder ?? "."}`,
    );
    return 0;
  });
}

/** Writes the three files of a kernel of one's own. */
async function writeOwn(
  names: KernelNames,
  { folder, library }: { readonly folder: string; readonly library: string },
): Promise<string[]> {
  await Deno.mkdir(folder, { recursive: true });
  const path = (ending: string): string => `${folder.replace(/\/$/, "")}/${names.name}${ending}`;
  return await writeNew([
    [path(".wgsl"), wgslText()],
    [path(".ts"), ownText(names, library)],
    [path("_test.ts"), ownTestText(names, library)],
  ]);
}

/** Makes the kernel one of the library's, and names it where its neighbours are named. */
async function addToLibrary(names: KernelNames, kernels: URL): Promise<string[]> {
  const { name, camel } = names;
  const root = new URL("../", kernels);
  const list = new URL("src/ops/mod.ts", root);
  const table = new URL("tests/cases/primitives.ts", root);
  const exported = await withLine(list, /^export \* from .*$/gm, `export * from "./${name}.ts";`);
  const cases = `${camel}Cases`;
  const imported = await withLine(
    table,
    /^import .*$/gm,
    `import { ${cases} } from "./${name}_cases.ts";`,
  );
  const listed = imported.replace("\n];", `\n  ...${cases},\n];`);
  const written = await writeNew([
    [new URL(`${name}.wgsl`, kernels), wgslText()],
    [new URL(`src/ops/${name}.ts`, root), opText(names)],
    [new URL(`tests/cases/${name}_cases.ts`, root), casesText(names)],
  ]);
  await Deno.writeTextFile(list, exported);
  await Deno.writeTextFile(table, listed);
  await writeKernels(kernels);
  return written;
}

/** A file's text with one more line after the last of its kind. */
async function withLine(file: URL, kind: RegExp, line: string): Promise<string> {
  const text = await Deno.readTextFile(file);
  const last = [...text.matchAll(kind)].at(-1);
  if (last === undefined) {
    throw new Error(`Cannot add a kernel: ${file.pathname} has no line like \`${line}\`.`);
  }
  const end = last.index + last[0].length;
  return `${text.slice(0, end)}\n${line}${text.slice(end)}`;
}

/** Writes files none of which is there yet; nothing is written where one is. */
async function writeNew(files: readonly (readonly [string | URL, string])[]): Promise<string[]> {
  for (const [path] of files) {
    const found = await Deno.stat(path).then(() => true, (error) => {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    });
    if (!found) continue;
    throw new Error(`Cannot add a kernel: ${nameOf(path)} is there already. Choose another name.`);
  }
  for (const [path, text] of files) await Deno.writeTextFile(path, text, { createNew: true });
  return files.map(([path]) => nameOf(path));
}

function nameOf(path: string | URL): string {
  return typeof path === "string" ? path : decodeURIComponent(path.pathname);
}

if (import.meta.main) Deno.exit(await newKernelCommand(Deno.args));
