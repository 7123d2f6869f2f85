/**
 * The long version of `experiment_config_fuzz_test.ts`: 2,000 fuzzed YAML files and 2,000 command lines in one
 * process, and every fiftieth of those that are refused in a process of its own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  command,
  commandProcess,
  drawFrom,
  fuzzedArgs,
  fuzzedYaml,
  judge,
  tryYaml,
} from "../experiment/config_fuzz.ts";

/**
 * Tries fuzzed files and command lines; the first that breaks a promise is thrown, with its seed.
 *
 * @param options `count` of each kind (default 2000), `seed` of the first (default 1000).
 * @returns What was tried, in one line.
 */
export async function soakConfig(
  { count = 2000, seed: first = 1000 }: { readonly count?: number; readonly seed?: number } = {},
): Promise<string> {
  const folder = await Deno.makeTempDir();
  const tally = { files: 0, lines: 0, processes: 0 };
  try {
    for (let seed = first; seed < first + count; seed++) {
      const bytes = fuzzedYaml(drawFrom(seed));
      const refused = await withSeed(seed, () => tryYaml(bytes, folder)) === 2;
      tally.files += refused ? 1 : 0;
      if (refused && seed % 50 === 0) {
        await compare(["--config", `${folder}/fuzzed.yaml`]);
      }
      const args = fuzzedArgs(drawFrom(seed));
      const outcome = await command(args, `${folder}/runs`);
      await withSeed(seed, () => Promise.resolve(judge(outcome, JSON.stringify(args))));
      tally.lines += outcome.code === 2 ? 1 : 0;
      // The system itself refuses arguments with a NUL.
      if (outcome.code === 2 && seed % 50 === 25 && !args.join("").includes("\0")) {
        await compare(args);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return `${count} files and ${count} command lines, ${tally.files} and ${tally.lines} of them refused, ` +
    `${tally.processes} also as processes: every promise was kept`;

  async function compare(args: readonly string[]): Promise<void> {
    const { code, err } = await command(args, `${folder}/runs`);
    assertEquals(await commandProcess(["--out", `${folder}/runs`, ...args]), { code, err });
    tally.processes++;
  }
}

async function withSeed<T>(seed: number, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    throw new Error(`Seed ${seed}: ${(cause as Error).message}`, { cause });
  }
}

if (import.meta.main) console.log(await soakConfig());
