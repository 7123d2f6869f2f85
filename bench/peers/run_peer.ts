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
  "torch-cuda",
  "torch-cuda-graph",
  "torch-compile",
  "torch-cuda-tf32",
  "jax-jit",
  "jax-jit-loop",
  "jax-jit-tf32",
] as const;

/** An implementation. */
export type Implementation = (typeof IMPLEMENTATIONS)[number];

/** A peer in Python. */
interface PythonPeer {
  readonly script: "torch_peer.py" | "jax_peer.py";
  /** What its Python must have. */
  readonly modules: readonly string[];
  readonly flags: readonly string[];
  /** Whether it stays on the CPU, whatever {@linkcode RunOptions.device} says. */
  readonly onCpu?: true;
}

const TORCH = { script: "torch_peer.py", modules: ["torch", "numpy"] } as const;
const JAX = { script: "jax_peer.py", modules: ["jax", "numpy"] } as const;

const PYTHON_PEERS: Readonly<Partial<Record<Implementation, PythonPeer>>> = {
  "pytorch": { ...TORCH, flags: [], onCpu: true },
  "torch-cuda": { ...TORCH, flags: [] },
  "torch-cuda-graph": { ...TORCH, flags: ["--mode", "graph"] },
  "torch-compile": { ...TORCH, flags: ["--mode", "compile"] },
  "torch-cuda-tf32": { ...TORCH, flags: ["--mode", "graph", "--tf32"] },
  "jax-jit": { ...JAX, flags: [] },
  "jax-jit-loop": { ...JAX, flags: ["--tasks", "loop"] },
  "jax-jit-tf32": { ...JAX, flags: ["--tf32"] },
};

/** Whether an implementation runs in Python, without WebGPU. */
export function isPython(implementation: Implementation): boolean {
  return PYTHON_PEERS[implementation] !== undefined;
}

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
  /** Commands that may start a Python with PyTorch or JAX, in the order in which they are tried. */
  readonly pythons: readonly string[];
  /** Where PyTorch and JAX compute, but for the peer `pytorch`, which is on the CPU; CUDA unless told. */
  readonly device?: "cpu" | "cuda";
}

/** What a peer's process ends with when it says why this machine cannot run it. */
const IMPOSSIBLE = 3;

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
  const python = PYTHON_PEERS[implementation];
  if (python !== undefined) return await runPython(run, python, options);
  const script = new URL("measure.ts", import.meta.url).href;
  return await child(Deno.execPath(), {
    args: ["run", "-A", script, implementation, workload, order, String(options.repeat)],
    limit: options.limit,
  });
}

async function runPython(
  { workload, order }: Run,
  { script, modules, flags, onCpu }: PythonPeer,
  { repeat, limit, pythons, device = "cuda" }: RunOptions,
): Promise<Measurement | NoMeasurement> {
  const python = await findPython(pythons, modules);
  if (python === undefined) {
    return { reason: `not installed: no ${modules.join(" and ")} in ${pythons.join(" or ")}` };
  }
  const folder = await Deno.makeTempDir({ prefix: "peer-inputs-" });
  try {
    await writeInputs(folder, conv4Workload(workload, { order }));
    const file = decodeURIComponent(new URL(script, import.meta.url).pathname);
    const where = ["--device", onCpu ? "cpu" : device];
    return await child(python, {
      args: [file, folder, order, String(repeat), ...where, ...flags],
      limit,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The first command that starts a Python which has the modules. */
async function findPython(
  pythons: readonly string[],
  modules: readonly string[],
): Promise<string | undefined> {
  const find = `import sys
from importlib.util import find_spec
sys.exit(not all(map(find_spec, ${JSON.stringify(modules)})))`;
  for (const python of pythons) {
    try {
      const { success } = await new Deno.Command(python, {
        args: ["-c", find],
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
  const { success, code, stdout, stderr } = await new Deno.Command(command, {
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
    if (code === IMPOSSIBLE) return { reason: lines.at(-1)! };
    const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
    return { reason: `failed: ${said?.trim()}` };
  }
  return JSON.parse(decoder.decode(stdout).trim().split("\n").at(-1)!) as Measurement;
}
