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
import { requireOptions } from "../ir/options.ts";
import { findProfile, profileLines } from "../machine/mod.ts";
import { openEngine } from "../interop/open_engine.ts";
import { printableLines } from "../text/printable.ts";
import { numberChecks } from "./number_check.ts";
import { selfCheck } from "./self_check.ts";

/** Options of {@linkcode doctor}. */
export interface DoctorOptions {
  /** Whether the adapter is measured now, and its profile kept; without it, the kept one is shown. */
  readonly measure?: boolean;
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
 * @param options Whether to measure the adapter.
 * @returns Whether every check passed.
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
  requireOptions("doctor", options, { measure: true });
  const { deno, v8, typescript } = Deno.version;
  print(`Deno ${deno}, V8 ${v8}, TypeScript ${typescript}, ${Deno.build.target}`);
  const hasAdapter = await showAdapter(print, options);
  const engines: EngineChoice[] = hasAdapter ? ["webgpu", "tfjs"] : ["tfjs"];
  let healthy = true;
  for (const name of engines) {
    healthy = await checkEngine(name, print) && healthy;
  }
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
  const engine = await openEngine(name);
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

if (import.meta.main) {
  const surplus = Deno.args.find((arg) => arg !== "--measure");
  if (surplus !== undefined) {
    console.error(
      `Unexpected argument "${printableLines(surplus)}": expected --measure or nothing.`,
    );
    Deno.exit(2);
  }
  const measure = Deno.args.length > 0;
  const healthy = await doctor((line) => console.log(printableLines(line)), { measure });
  Deno.exit(healthy ? 0 : 1);
}
