#!/usr/bin/env -S deno run -A
/**
 * Loads thousands of damaged data files and looks at what becomes of each.
 *
 * A file must be refused with a reason, or mean the same as the whole file. Never may a loader hang,
 * crash, take more memory than the limit, or find another number of images, another size or other
 * classes. Formats without checksums (CIFAR's records, JPEG, parquet as it is usually written) may
 * hold other pixels or labels unnoticed: those are counted; a hash finds them (`SHA256SUMS`).
 *
 * Command: `deno run -A tests/soak/data_mutations.ts --files 1000 --seed 0 [--format NAME]`
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { type Format, FORMATS } from "./data_mutation_formats.ts";
import type { Outcome } from "./data_mutation_worker.ts";

/** Longest time for one file in milliseconds, generous for a busy machine. */
const PATIENCE = 30_000;

/** Most memory that the process may ever have resident, in MiB. */
const MOST_MEMORY = 700;

/** A worker that loads files of one format. */
class Loader {
  readonly #worker = new Worker(new URL("./data_mutation_worker.ts", import.meta.url), {
    type: "module",
  });
  readonly #channel = new MessageChannel();

  constructor(format: Format, seed: number) {
    this.#worker.postMessage({ format: format.name, seed }, [this.#channel.port2]);
  }

  /** Loads the file with this number; `undefined` if that does not end. */
  load(index: number): Promise<Outcome | undefined> {
    const { promise, resolve } = Promise.withResolvers<Outcome | undefined>();
    const timer = setTimeout(() => resolve(undefined), PATIENCE);
    this.#channel.port1.onmessage = ({ data }) => resolve(data);
    this.#channel.port1.postMessage(index);
    return promise.finally(() => clearTimeout(timer));
  }

  end(): void {
    this.#channel.port1.close();
    this.#worker.terminate();
  }
}

/** Counts of a format. */
interface Tally {
  refused: number;
  same: number;
  other: number;
  wrong: string[];
}

/** Reasons without a subject, as JavaScript itself gives them: somebody's check is missing. */
const BARE =
  /^(Cannot read propert|Offset is outside|Invalid (typed )?array|Maximum call|undefined)/;

/** Judges one file against the whole one. */
function judge(outcome: Outcome | undefined, { whole, format, tally }: {
  whole: Outcome;
  format: Format;
  tally: Tally;
}): string | undefined {
  if (outcome === undefined) return "did not end";
  if (outcome.refused !== undefined) {
    tally.refused++;
    const { name, message } = outcome.refused;
    const bare = !message.startsWith("Cannot ") || BARE.test(message) || name === "TypeError";
    return bare ? `refused by accident: ${name}: ${message}` : undefined;
  }
  const { literal, meaning } = outcome;
  if (literal !== undefined && JSON.stringify(literal) !== JSON.stringify(meaning)) {
    return "means something else than it says";
  }
  const expected = whole.refused === undefined ? whole.meaning : undefined;
  if (meaning.shape !== expected?.shape) {
    // A single picture of another size may be a whole one; in a data set all must have one size.
    // Records are counted by the length of the file.
    if (format.name === "JPEG" || literal !== undefined) {
      tally.other++;
      return undefined;
    }
    return `means ${meaning.shape} instead of ${expected?.shape}`;
  }
  if (meaning.content === expected.content) tally.same++;
  else if (format.checked) return "has other content";
  else tally.other++;
  return undefined;
}

/** Tries many files of one format. */
async function run(format: Format, files: number, seed: number): Promise<Tally> {
  const tally: Tally = { refused: 0, same: 0, other: 0, wrong: [] };
  const variants = (await format.files()).length;
  let loader = new Loader(format, seed);
  const wholes: Outcome[] = [];
  for (let variant = 0; variant < variants; variant++) {
    wholes.push((await loader.load(variant === 0 ? -variants : -variant))!);
  }
  for (let index = 0; index < files; index++) {
    const outcome = await loader.load(index);
    if (outcome === undefined) {
      loader.end();
      loader = new Loader(format, seed);
    }
    const fault = judge(outcome, { whole: wholes[index % variants]!, format, tally });
    if (fault !== undefined) tally.wrong.push(`file ${index}: ${fault}`);
  }
  loader.end();
  return tally;
}

/** Most memory this process ever had, in MiB. */
function memory(): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024);
}

const args = parseArgs(Deno.args, {
  string: ["format"],
  default: { files: 1000, seed: 0 },
});
let failed = false;
for (const format of FORMATS.filter(({ name }) => name === (args.format ?? name))) {
  const { refused, same, other, wrong } = await run(format, Number(args.files), Number(args.seed));
  console.log(
    `${format.name}: ${args.files} files, ${refused} refused, ${same} the same, ${other} of other content, ${wrong.length} wrong`,
  );
  for (const line of wrong.slice(0, 20)) console.log(`  ${line}`);
  failed ||= wrong.length > 0;
}
console.log(`Most memory: ${memory()} MiB of ${MOST_MEMORY}, seed ${args.seed}`);
if (failed || memory() > MOST_MEMORY) Deno.exit(1);
