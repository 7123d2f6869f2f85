/**
 * Runs random programs on the engines and compares them with the reference:
 * `deno task fuzz [--programs 200] [--seed 1] [--first 0] [--engine webgpu|tfjs] [--mode grad]
 * [--adapter "8 buffers"] [--special] [--raw] [--stop]`.
 *
 * A program is a function of the seed and its number: `--seed S --first N --programs 1` runs one again.
 * `--special` gives inputs that are not finite; `--raw` prints failing programs as they are, not made
 * smaller; `--stop` ends with the first one. The exit code is 1 if any program was wrong or refused,
 * 2 for a command line that is not understood.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { adapters } from "./adapters.ts";
import { campaign } from "./campaign.ts";
import { engineNames } from "./engines.ts";
import { modes } from "./modes.ts";
import { failureText, groupFailures, tableText } from "./report.ts";

/** Failures of one kind that are printed. */
const MOST_PRINTED = 2;

const FLAGS = `--programs N, --seed N, --first N, --engine ${engineNames.join("|")}, --mode "${
  modes.join("|")
}", --adapter "${Object.keys(adapters).join("|")}", --special, --raw, --stop`;

function usage(problem: string): never {
  console.error(`Cannot fuzz: ${problem}. Expected ${FLAGS}.`);
  Deno.exit(2);
}

if (Deno.args.includes("--help")) {
  console.log(
    `Usage: deno task fuzz with any of ${FLAGS}. The head of tests/fuzz/main.ts says more.`,
  );
  Deno.exit(0);
}

const flags = parseArgs(Deno.args, {
  string: ["programs", "seed", "first", "engine", "mode", "adapter"],
  boolean: ["special", "raw", "stop"],
  default: { programs: "200", seed: "1", first: "0" },
  unknown: (argument) => usage(`found ${argument}`),
});

function whole(name: string): number {
  const value = Number(flags[name]);
  if (!Number.isSafeInteger(value) || value < 0) usage(`found --${name} ${flags[name]}`);
  return value;
}

const engines = engineNames.filter((name) => flags.engine === undefined || flags.engine === name);
if (engines.length === 0) usage(`found --engine ${flags.engine}`);
const mode = modes.find((name) => name === flags.mode);
if (flags.mode !== undefined && mode === undefined) usage(`found --mode ${flags.mode}`);
const { adapter } = flags;
if (adapter !== undefined && !Object.hasOwn(adapters, adapter)) usage(`found --adapter ${adapter}`);
const [seed, first, programs] = [whole("seed"), whole("first"), whole("programs")];

console.log(`fuzz: seed ${seed}, programs ${first} to ${first + programs - 1}`);
const started = performance.now();
let said = started;
let told = 0;
const result = await campaign({
  seed,
  first,
  programs,
  engines,
  mode,
  adapter,
  special: flags.special === true,
  stop: flags.stop === true,
  minimise: flags.raw !== true,
  onProgram: (done, failures) => {
    for (const { setting, verdict } of failures.slice(told)) {
      console.error(
        `program ${
          setting.key[1]
        } ${setting.engine} ${setting.mode}: ${verdict.kind}, ${verdict.message}`,
      );
    }
    told = failures.length;
    if (performance.now() - said < 30_000) return;
    said = performance.now();
    console.error(`${done} of ${programs} programs, ${failures.length} failures`);
  },
});
for (const group of groupFailures(result.failures)) {
  const messages = [...new Set(group.map(({ verdict }) => verdict.message))];
  console.log(`\n== ${group.length} x ${group[0]!.verdict.kind}: ${messages[0]}`);
  console.log(
    `   programs ${group.map(({ setting }) => setting.key[1]).slice(0, 20).join(", ")}`,
  );
  for (const failure of group.slice(0, MOST_PRINTED)) console.log(failureText(failure));
}
console.log(`\n${tableText(result)}`);
const seconds = (performance.now() - started) / 1000;
console.log(`${seconds.toFixed(0)} s, ${(seconds / programs).toFixed(2)} s a program`);
Deno.exit(result.failures.length > 0 ? 1 : 0);
