/**
 * Runs an implementation in a process of its own, so that memory and compile caches do not mix.
 *
 * @module
 */
import { type Conv4Workload, conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Measurement, Order, WorkloadName } from "./peer.ts";

/** What can be compared: this library in two ways, then its peers. */
export const IMPLEMENTATIONS = [
  "mutasesumele",
  "mutasesumele-recompute",
  "jax-js",
  "jax-js-vmap",
  "tfjs",
  "pytorch",
] as const;

/** An implementation. */
export type Implementation = (typeof IMPLEMENTATIONS)[number];

/** What is to be measured. */
export interface Run {
  /** By whom. */
  readonly implementation: Implementation;
  /** Which workload. */
  readonly workload: WorkloadName;
  /** Which order. */
  readonly order: Order;
}

/** Why there is no measurement. */
export interface NoMeasurement {
  /** One line. */
  readonly reason: string;
}

/** Options of {@linkcode runPeer}. */
export interface RunOptions {
  /** Most samples. */
  readonly repeat: number;
  /** Seconds after which a process is ended. */
  readonly limit: number;
  /** Commands that may start a Python with PyTorch, in the order in which they are tried. */
  readonly pythons: readonly string[];
}

/**
 * Measures one implementation.
 *
 * @param run What to measure.
 * @param options How long.
 * @returns The measurement, or why there is none: a missing or failing peer is no error.
 */
export async function runPeer(
  run: Run,
  options: RunOptions,
): Promise<Measurement | NoMeasurement> {
  const { implementation, workload, order } = run;
  if (implementation === "tfjs" && order === "exact") {
    return { reason: "impossible: no second derivative of convolution and max-pooling" };
  }
  if (implementation === "pytorch") return await runTorch(run, options);
  const script = new URL("measure.ts", import.meta.url).href;
  return await child(Deno.execPath(), {
    args: ["run", "-A", script, implementation, workload, order, String(options.repeat)],
    limit: options.limit,
  });
}

async function runTorch(
  { workload, order }: Run,
  { repeat, limit, pythons }: RunOptions,
): Promise<Measurement | NoMeasurement> {
  const python = await findTorch(pythons);
  if (python === undefined) {
    return { reason: `not installed: no torch and numpy in ${pythons.join(" or ")}` };
  }
  const folder = await Deno.makeTempDir({ prefix: "torch-inputs-" });
  try {
    await writeInputs(folder, conv4Workload(workload, { order }));
    const script = decodeURIComponent(new URL("torch_eager.py", import.meta.url).pathname);
    return await child(python, { args: [script, folder, order, String(repeat)], limit });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function findTorch(pythons: readonly string[]): Promise<string | undefined> {
  for (const python of pythons) {
    try {
      const { success } = await new Deno.Command(python, {
        args: ["-c", "import torch, numpy"],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return python;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

async function writeInputs(
  folder: string,
  { arrays, values, names, size }: Conv4Workload,
): Promise<void> {
  const inputs = arrays.map(({ shape, dtype }) => ({ shape, dtype }));
  const threads = navigator.hardwareConcurrency;
  const manifest = JSON.stringify({ names, size, inputs, threads });
  await Deno.writeTextFile(`${folder}/manifest.json`, manifest);
  for (const [k, { buffer, byteOffset, byteLength }] of values.entries()) {
    await Deno.writeFile(`${folder}/${k}.bin`, new Uint8Array(buffer, byteOffset, byteLength));
  }
}

async function child(
  command: string,
  { args, limit }: { readonly args: string[]; readonly limit: number },
): Promise<Measurement | NoMeasurement> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), 1e3 * limit);
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    // Mesa's Vulkan driver complains where this is not set.
    env: { XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? "/tmp", NO_COLOR: "1" },
    signal: controller.signal,
  }).output();
  clearTimeout(timer);
  if (controller.signal.aborted) return { reason: `took more than ${limit} s` };
  const decoder = new TextDecoder();
  if (!success) {
    const lines = decoder.decode(stderr).trim().split("\n");
    const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
    return { reason: `failed: ${said?.trim()}` };
  }
  return JSON.parse(decoder.decode(stdout).trim().split("\n").at(-1)!) as Measurement;
}
