/**
 * Soaks: what takes too long for every commit. Their short versions are among the tests.
 *
 * `deno task soak` runs them all, `deno task soak NAME...` some, `deno task soak --list` none.
 *
 * @module
 */
import { soakConfig } from "./config_fuzz.ts";
import { fullDisk } from "./full_disk.ts";
import { kills } from "./kills.ts";
import { memory } from "./memory.ts";
import { pretextLearning } from "./pretext_learning.ts";

/** A soak. */
interface Soak {
  /** What it shows. */
  readonly title: string;
  /** Minutes on two cores without a GPU. */
  readonly minutes: number;
  /** Runs it, or throws. */
  run(log: (line: string) => void): Promise<void>;
}

const soaks: Readonly<Record<string, Soak>> = {
  kills: {
    title: "100 SIGKILLs over webgpu, tfjs and reference: the same parameters, metrics and record",
    minutes: 45,
    run: (log) => kills(100, log),
  },
  memory: {
    title: "10,000 steps (after as many): constant device memory, below 1 KB a step in all",
    minutes: 25,
    run: (log) => memory(10_000, log),
  },
  config: {
    title: "2,000 fuzzed YAML files and command lines: exit code 2 and the place, or what they say",
    minutes: 3,
    run: async (log) => log(await soakConfig()),
  },
  "full-disk": {
    title: "a file system that is full after 1, 2, 3, ... blocks (Linux, as root)",
    minutes: 2,
    run: (log) => fullDisk(200, log),
  },
  pretext: {
    title: "every pretext task beats its trivial solver on CIFAR-10",
    minutes: 6,
    run: pretextLearning,
  },
  data: {
    title: "1,000 damaged files of every format of data",
    minutes: 20,
    run: dataMutations,
  },
};

/** A program of its own: it watches the memory of its process. */
async function dataMutations(log: (line: string) => void): Promise<void> {
  const program = decodeURIComponent(new URL("data_mutations.ts", import.meta.url).pathname);
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, "--files", "1000"],
    stderr: "inherit",
  }).output();
  log(new TextDecoder().decode(stdout).trimEnd());
  if (code !== 0) throw new Error(`data_mutations.ts ended with ${code}, expected 0.`);
}

/** Runs the soaks named, all unless told; gives the exit code. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--list")) {
    for (const [name, { title, minutes }] of Object.entries(soaks)) {
      console.log(`${name.padEnd(12)}${String(minutes).padStart(3)} min  ${title}`);
    }
    return 0;
  }
  const unknown = args.find((name) => !Object.hasOwn(soaks, name));
  if (unknown !== undefined) {
    console.error(`Unknown soak "${unknown}". Valid: ${Object.keys(soaks).join(", ")}, --list.`);
    return 2;
  }
  let failures = 0;
  for (const name of args.length > 0 ? args : Object.keys(soaks)) {
    const { title, run } = soaks[name]!;
    console.log(`${name}: ${title}`);
    const began = performance.now();
    try {
      await run((line) => console.log(`  ${line}`));
      console.log(`${name}: ok in ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
    } catch (error) {
      failures++;
      console.error(`${name}: FAILED. ${error instanceof Error ? error.stack : error}`);
    }
  }
  return failures === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
