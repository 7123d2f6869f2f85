/**
 * `deno task doctor`: what this machine has, whether every kernel family computes rightly, and
 * what to install where something is missing.
 *
 * @example From a program; from the shell it is `deno run -A jsr:@mutasesumele/toolkit/doctor`
 * ```ts
 * import { doctor } from "@mutasesumele/toolkit/doctor";
 *
 * await doctor((line) => console.error(line));
 * ```
 *
 * @module
 */
import type { Engine } from "../engine/engine.ts";
import type { EngineChoice } from "../engine/open_engine.ts";
import { NoAdapterError, openGpu } from "../gpu/device.ts";
import * as is from "../ir/kinds.ts";
import { requireArguments, requireOptions } from "../ir/options.ts";
import { findKernels, findProfile, kernelLines, profileLines } from "../machine/mod.ts";
import { openLateEngine } from "../interop/open_late_engine.ts";
import { printableLines } from "../text/printable.ts";
import { numberChecks } from "./number_check.ts";
import { selfCheck } from "./self_check.ts";

/** Options of {@linkcode doctor}. */
export interface DoctorOptions {
  /** Whether the adapter is measured now, and its profile kept; without it, the kept one is shown. */
  readonly measure?: boolean;
  /**
   * Whether TensorFlow.js is checked too where there is a WebGPU adapter, and is fetched (286 MB) if it is not
   * there; where there is none it is always checked.
   */
  readonly tfjs?: boolean;
}

/** Limits worth showing. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxUniformBufferBindingSize",
] as const;

/**
 * Prints the state of the machine and checks the engines.
 *
 * @param print Receives each line.
 * @param options Whether to measure the adapter, and to check TensorFlow.js where it is not needed.
 * @returns Whether every check passed.
 * @throws {TypeError} If `print` is no function, or an option is unknown or none of true and false.
 *
 * @example
 * ```ts
 * import { doctor } from "@mutasesumele/toolkit/doctor";
 * import { assert } from "@std/assert";
 *
 * const lines: string[] = [];
 * const healthy = await doctor((line) => lines.push(line));
 * assert(lines[0]?.startsWith("Deno "));
 * assert(healthy, lines.join("\n"));
 * ```
 */
export async function doctor(
  print: (line: string) => void,
  options: DoctorOptions = {},
): Promise<boolean> {
  requireArguments("doctor", { print }, { print: is.callback });
  const flag = is.optional(is.flag);
  requireOptions("doctor", options, { measure: flag, tfjs: flag });
  const { deno, v8, typescript } = Deno.version;
  print(`Deno ${deno}, V8 ${v8}, TypeScript ${typescript}, ${Deno.build.target}`);
  const hasAdapter = await showAdapter(print, options);
  const withTfjs = options.tfjs === true || !hasAdapter;
  let healthy = !hasAdapter || await checkEngine("webgpu", print);
  if (withTfjs) healthy = await checkEngine("tfjs", print) && healthy;
  else {print(
      "engine tfjs: not checked, as programs take WebGPU here (--tfjs fetches and checks it)",
    );}
  print(healthy ? "everything is in order" : "something is wrong: see above");
  return healthy;
}

async function showAdapter(
  print: (line: string) => void,
  { measure = false }: DoctorOptions,
): Promise<boolean> {
  try {
    const gpu = await openGpu();
    print(
      `WebGPU adapter: ${gpu.info.label}, ${gpu.info.software ? "SOFTWARE (CPU)" : "hardware"}`,
    );
    for (const name of LIMITS) print(`  ${name} ${gpu.limits[name]}`);
    print(`  features ${[...gpu.features].sort().join(", ") || "none"}`);
    try {
      const found = await findProfile(gpu.device, {
        measure: measure ? "again" : "never",
        log: (line) => print(`  ${line}`),
        onMeasure: () => print("  measuring, some seconds"),
      });
      for (const line of profileLines(found)) print(`  ${line}`);
      const kernels = await findKernels(gpu.device, { log: (line) => print(`  ${line}`) });
      for (const line of kernelLines(kernels)) print(`  ${line}`);
    } finally {
      gpu.close();
    }
    return true;
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    print(`WebGPU adapter: none. ${error.message}`);
    print("  Without an adapter, experiments run on TensorFlow.js (wasm), more slowly.");
    return false;
  }
}

async function checkEngine(name: EngineChoice, print: (line: string) => void): Promise<boolean> {
  let engine: Engine;
  try {
    engine = await openLateEngine(name);
  } catch (error) {
    print(
      `engine ${name}: WRONG, it does not open. ${error instanceof Error ? error.message : error}`,
    );
    return false;
  }
  try {
    print(`engine ${name} on ${engine.info.adapter}, against the float64 reference:`);
    let healthy = true;
    for (const { name: family, error, tolerance } of await selfCheck(engine)) {
      const right = error <= tolerance;
      healthy &&= right;
      print(`  ${right ? "ok   " : "WRONG"} ${family}: relative error ${error.toExponential(1)}`);
    }
    return await showNumbers(engine, print) && healthy;
  } finally {
    engine.close();
  }
}

/** Shows what the engine makes of NaN and infinities; whether it keeps what all engines must. */
async function showNumbers(engine: Engine, print: (line: string) => void): Promise<boolean> {
  const checks = await numberChecks(engine);
  const broken = checks.filter(({ kept, promised }) => promised && !kept);
  const lost = checks.filter(({ kept, promised }) => !promised && !kept);
  const names = (some: typeof checks): string => some.map(({ name }) => name).join("; ");
  const count = checks.filter(({ promised }) => promised).length;
  print(
    broken.length === 0
      ? `  ok    numbers that are not finite: ${count} kinds of results`
      : `  WRONG numbers that are not finite: ${names(broken)}`,
  );
  if (lost.length > 0) print(`  note  this engine does not keep: ${names(lost)} (see isNan())`);
  return broken.length === 0;
}

const USAGE = `Usage: deno task doctor [--measure] [--tfjs]

Prints what this machine has, checks every family of kernels against a float64 reference, and says what to install.
Exit code 0: everything that programs use here is right; 1: something is not.

Flags:
  --measure  measure the adapter (about 20 s) and keep its profile, by which runs choose and are predicted
  --tfjs     check TensorFlow.js too, which is fetched if it is not there (286 MB); without WebGPU it always is
  --help     this text`;

if (import.meta.main) {
  if (Deno.args.some((arg) => arg === "--help" || arg === "-h")) {
    console.log(USAGE);
    Deno.exit(0);
  }
  const known = ["--measure", "--tfjs"];
  const surplus = Deno.args.find((arg) => !known.includes(arg));
  if (surplus !== undefined) {
    console.error(
      `Unexpected argument "${
        printableLines(surplus)
      }": expected --measure, --tfjs, --help or nothing.`,
    );
    Deno.exit(2);
  }
  const [measure, tfjs] = known.map((flag) => Deno.args.includes(flag));
  const healthy = await doctor((line) => console.log(printableLines(line)), {
    measure: measure!,
    tfjs: tfjs!,
  });
  Deno.exit(healthy ? 0 : 1);
}
