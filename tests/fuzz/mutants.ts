/**
 * Plants faults in a copy of the repository, one at a time, and shows which of them random programs find:
 * `deno task fuzz:mutants [--programs 150] [--seed 1] [--only TEXT]...`.
 *
 * `--only`, which may be given several times, picks the faults whose file or name has one of these texts.
 * The exit code is 1 if a fault was not found.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { mutations } from "./mutations.ts";
import type { Mutation } from "./mutations/mutation.ts";

const flags = parseArgs(Deno.args, {
  string: ["programs", "seed", "only"],
  collect: ["only"],
  default: { programs: "150", seed: "1" },
});

const only: readonly string[] = (flags.only ?? []).map(String);

const root = new URL("../../", import.meta.url);

/** What the programs need of the repository. */
const COPIED = [
  "deno.json",
  "deno.lock",
  "mod.ts",
  "src",
  "kernels",
  "links",
  "tests/fuzz",
  "tests/device_traits.ts",
];

async function copy(from: URL, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) {
    await Deno.copyFile(from, to);
    return;
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    await copy(new URL(isDirectory ? `${name}/` : name, from), `${to}/${name}`);
  }
}

/** Plants a fault; returns how to take it back. */
async function plant(
  folder: string,
  { name, file, from, to }: Mutation,
): Promise<() => Promise<void>> {
  const path = `${folder}/${file}`;
  const source = await Deno.readTextFile(path);
  const places = source.split(from).length - 1;
  if (places !== 1) {
    throw new Error(
      `Cannot plant '${name}': its text occurs ${places} times in ${file}, expected 1.`,
    );
  }
  await Deno.writeTextFile(path, source.replace(from, () => to));
  return () => Deno.writeTextFile(path, source);
}

interface Found {
  /** Number of programs until the fault was found; `undefined`: it was not. */
  readonly after: number | undefined;
  /** What was seen. */
  readonly seen: string;
  readonly seconds: number;
}

/** Runs the random programs of a copy of the repository; what they print. */
async function fuzz(
  folder: string,
  { programs = String(flags.programs), engine = "webgpu", adapter, special = false }: {
    readonly programs?: string;
    readonly engine?: string | undefined;
    readonly adapter?: string | undefined;
    readonly special?: boolean | undefined;
  },
): Promise<{ readonly text: string; readonly ended: boolean }> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "tests/fuzz/main.ts",
      ...["--programs", programs, "--seed", String(flags.seed)],
      ...["--engine", engine, "--raw", "--stop"],
      ...(adapter === undefined ? [] : ["--adapter", adapter]),
      ...(special ? ["--special"] : []),
    ],
    cwd: folder,
  }).output();
  const ended = new TextDecoder().decode(stdout).includes("s a program");
  return { text: new TextDecoder().decode(stderr), ended };
}

/** A copy in which nothing was planted must run, or every fault would be found. */
async function requireSound(folder: string): Promise<void> {
  const { text, ended } = await fuzz(folder, { programs: "1" });
  if (ended && !/^program \d/m.test(text)) return;
  throw new Error(
    `Cannot hunt for planted faults: a copy without any fails.\n${text}\nExpected all that tests/fuzz ` +
      "imports to be listed in COPIED of tests/fuzz/mutants.ts.",
  );
}

async function hunt(folder: string, mutation: Mutation): Promise<Found> {
  const started = performance.now();
  const { text, ended } = await fuzz(folder, mutation);
  const seconds = (performance.now() - started) / 1000;
  const failure = /^program (\d+) (.*)$/m.exec(text);
  if (failure) return { after: Number(failure[1]) + 1, seen: failure[2]!, seconds };
  if (!ended) {
    return {
      after: 0,
      seen: `crash: ${text.split("\n").find((line) => /rror/.test(line))}`,
      seconds,
    };
  }
  return { after: undefined, seen: "", seconds };
}

const folder = await Deno.makeTempDir({ prefix: "mutants-" });
let missed = 0;
try {
  await Deno.mkdir(`${folder}/tests`);
  for (const name of COPIED) {
    const isFile = (await Deno.stat(new URL(name, root))).isFile;
    await copy(new URL(isFile ? name : `${name}/`, root), `${folder}/${name}`);
  }
  await requireSound(folder);
  const chosen = mutations.filter(({ name, file }) =>
    only.length === 0 || only.some((text) => `${file} ${name}`.includes(text))
  );
  console.log("| fault | file | found after | seen | s |\n|---|---|---|---|---|");
  for (const mutation of chosen) {
    const restore = await plant(folder, mutation);
    const { after, seen, seconds } = await hunt(folder, mutation);
    await restore();
    if (after === undefined) missed++;
    const short = seen.replaceAll("|", "/").slice(0, 110);
    console.log(
      `| ${mutation.name} | ${mutation.file} | ${after ?? "not found"} | ${short} | ${
        seconds.toFixed(0)
      } |`,
    );
  }
  console.log(`${chosen.length - missed} of ${chosen.length} faults found`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(missed > 0 ? 1 : 0);
