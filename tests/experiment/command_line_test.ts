import { assertEquals, assertThrows } from "@std/assert";
import { type CommandLine, parseCommandLine } from "../../src/experiment/command_line.ts";
import { UsageError } from "../../src/experiment/usage_error.ts";

Deno.test("parseCommandLine() reads every flag and fills in defaults", () => {
  const none: CommandLine = {
    names: [],
    list: false,
    help: false,
    preset: undefined,
    config: undefined,
    set: [],
    seed: 0,
    data: "auto",
    engine: "auto",
    out: "runs",
    folder: undefined,
    resume: undefined,
    memory: undefined,
    watchdog: undefined,
    offline: false,
    halfPrecision: false,
    ...{ measureKernels: false, kernels: undefined },
    dryRun: false,
    predict: true,
  };
  assertEquals(parseCommandLine([]), none);
  const args =
    "name --preset=p --config c.yaml --set a=1 --set b.c=x=y --seed 4294967295 --data d " +
    "--engine webgpu --out o --memory 1.5GiB --offline --half-precision --kernels k.json";
  assertEquals(parseCommandLine(args.split(" ")), {
    ...none,
    names: ["name"],
    preset: "p",
    config: "c.yaml",
    set: ["a=1", "b.c=x=y"],
    seed: 4294967295,
    data: "d",
    engine: "webgpu",
    out: "o",
    memory: 1.5 * 2 ** 30,
    offline: true,
    halfPrecision: true,
    ...{ measureKernels: false, kernels: "k.json" },
  });
  for (const [text, bytes] of [["4096", 4096], ["2 KiB", 2048], ["3TiB", 3 * 2 ** 40]] as const) {
    assertEquals(parseCommandLine(["--memory", text]).memory, bytes);
  }
  for (const text of ["4GB", "0", "-1", "GiB", "1e9", "1..5GiB", "NaN", "9".repeat(20)]) {
    assertThrows(
      () => parseCommandLine([`--memory=${text}`]),
      UsageError,
      "expected bytes or a number",
    );
  }
  assertEquals(parseCommandLine(["--watchdog", "0"]).watchdog, 0);
  assertEquals(parseCommandLine(["--resume=r", "--watchdog=3600"]).watchdog, 3600);
  for (const text of ["-1", "1.5", "10s", "never", "9".repeat(20)]) {
    assertThrows(
      () => parseCommandLine([`--watchdog=${text}`]),
      UsageError,
      "expected a whole number of seconds",
    );
  }
  assertEquals(parseCommandLine(["name", "--resume", "r", "-h"]).resume, "r");
  assertEquals(parseCommandLine(["-h"]).help, true);
  const { folder, dryRun } = parseCommandLine(["name", "--folder", "a/b", "--dry-run"]);
  assertEquals([folder, dryRun], ["a/b", true]);
  assertEquals(parseCommandLine(["name", "--measure-kernels"]).measureKernels, true);
  assertEquals(parseCommandLine(["name", "--resume", "r", "--kernels", "k"]).kernels, "k");
});

Deno.test("parseCommandLine() rejects what it does not know", () => {
  const cases: [string, string][] = [
    ["--sede 3", 'Unknown flag "--sede". Did you mean "--seed"? Valid: --preset, --config, --set'],
    ["--no-help", 'Unknown flag "--no-help"'],
    ["-x", 'Unknown flag "-x"'],
    ["--_=1", 'Unknown flag "--_"'],
    ["--_ 1", 'Unknown flag "--_"'],
    ["--__proto__.x=1", 'Unknown flag "--__proto__.x"'],
    ["--help=no", "Flag --help takes no value"],
    ["-h=3", "Flag -h takes no value"],
    ["--seed 007", 'got "007"'],
    ["--out \x1b[31m", 'Flag --out got "\\u001b[31m", expected text without control characters'],
    ["--seed", "Flag --seed needs a value"],
    ["--set --seed", "Flag --set needs a value"],
    ["--preset --list", "Flag --preset needs a value"],
    ["--seed 1 --seed 2", "Flag --seed was given 2 times"],
    ["--seed=-1", 'Flag --seed got "-1", expected a natural number below 2^32'],
    ["--seed -1", "Flag --seed needs a value; one that begins with a dash is given as --seed=-1"],
    ["--seed 1.5", 'got "1.5"'],
    ["--seed 4294967296", 'got "4294967296"'],
    ["--engine cuda", 'Unknown engine "cuda". Valid: webgpu, tfjs, reference, auto.'],
    ["--engine webgup", 'Did you mean "webgpu"?'],
    ["--resume r --seed 1", "Flag --seed cannot be given with --resume"],
    ["--resume r --set a=1", "Flag --set cannot be given with --resume"],
    ["--resume r --folder f", "Flag --folder cannot be given with --resume"],
    ["--resume r --measure-kernels", "Flag --measure-kernels cannot be given with --resume"],
    ["--measure-kernels --kernels k", "Flag --measure-kernels cannot be given with --kernels"],
    [
      "--measure-kernels --engine tfjs",
      "Flag --measure-kernels cannot be given with --engine tfjs",
    ],
    ["--kernels k --engine reference", "Flag --kernels cannot be given with --engine reference"],
    ["--half-precision --engine tfjs", "Flag --half-precision cannot be given with --engine tfjs"],
    ["--measure-kernels=1", "Flag --measure-kernels takes no value"],
    ["--resume r --dry-run", "Flag --dry-run cannot be given with --resume"],
    ["--no-predict", "Flag --no-predict is for --dry-run"],
    ["--folder f --out o", "Flag --out cannot be given with --folder"],
    ["--dry-run=1", "Flag --dry-run takes no value"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseCommandLine(args.split(" ")), UsageError, message);
  }
});
