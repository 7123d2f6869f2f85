/**
 * The list of jobs.
 *
 * @module
 */
import { adapterCosts, builtInProfile } from "../../src/adapter/mod.ts";
import type { AdapterCosts } from "../../src/ir/adapter_costs.ts";
import type { Order, WorkloadName } from "../peers/peer.ts";
import type { Implementation } from "../peers/run_peer.ts";
import type { Job, Stage } from "./job.ts";

/** What the list depends on. */
export interface Setting {
  /** Whether the adapter is a CPU: sizes are small then, as in a rehearsal. */
  readonly software: boolean;
  /** Processors. */
  readonly cores: number;
  /** Commands that may start a Python with PyTorch or JAX. */
  readonly pythons: readonly string[];
  /** Where PyTorch and JAX compute. */
  readonly device: "cpu" | "cuda";
  /** Path of a script of this folder. */
  readonly script: (name: string) => string;
}

/** Tests of everything that runs on a device. */
export const DEVICE_TESTS: readonly string[] = [
  "kernels/conv2d",
  "kernels/matmul",
  "kernels/grid",
  "compile/device",
  "compile/many_operands",
  "engine/webgpu",
  "engine/recompute",
  "gpu/runtime",
  "gpu/compile_ahead",
  "meta/conv4",
  "meta/objectives",
  "ops/ulp",
  "ops/special_points",
  "ops/trig_precision",
  "tensor/device",
  "tensor/non_finite",
  "tensor/sort",
  "doctor/number_check",
  "pretext/webgpu",
  "multitask/solvers",
  "interop/share_tf",
  "interop/tf_op_webgpu",
].map((name) => `tests/${name}_test.ts`);

/** Name, workload, order and limit of the peers, the most wanted first. */
const PEERS: readonly [Implementation, WorkloadName, Order, number][] = [
  ["torch-cuda-graph", "mid", "exact", 60],
  ["torch-cuda-graph", "small", "exact", 45],
  ["jax-jit", "mid", "exact", 100],
  ["torch-cuda", "mid", "exact", 60],
  ["jax-jit-loop", "small", "exact", 60],
  ["jax-jit-loop", "mid", "exact", 90],
  ["torch-cuda", "small", "exact", 45],
  ["torch-compile", "mid", "exact", 170],
  ["torch-cuda-tf32", "mid", "exact", 45],
  ["jax-jit-tf32", "mid", "exact", 90],
  ["torch-cuda-graph", "mid", "first", 45],
  ["jax-jit", "small", "exact", 60],
  ["torch-compile", "small", "exact", 120],
  ["jax-jit-loop", "mid", "first", 60],
  ["pytorch", "mid", "exact", 60],
];

/** Peers that compile for long, which is done in advance. */
const WARMED: readonly (typeof PEERS)[number][] = [
  ["torch-compile", "mid", "exact", 170],
  ["jax-jit", "mid", "exact", 120],
  ["jax-jit-loop", "mid", "exact", 120],
];

/** Most bytes of device memory of the steps, where it is not the main memory. */
const BYTE_BUDGET = 32 * 2 ** 30;

/** Sizes of the growth: one is changed at a time. */
const GROWTH = {
  tasks: [1, 2, 4, 8, 16, 32, 64],
  innerSteps: [1, 2, 5, 10, 20],
  filters: [8, 16, 32, 64, 128, 256],
} as const;

const DISCRETE = adapterCosts(builtInProfile("discrete"));

function timesBusy(factor: number): AdapterCosts["busy"] {
  const { mapped, reduced, tiled } = DISCRETE.busy;
  return { mapped: mapped * factor, reduced: reduced * factor, tiled: tiled * factor };
}

function timesLeast(reduced: number, tiled: number): AdapterCosts["leastIterations"] {
  const { leastIterations: least } = DISCRETE;
  return { reduced: least.reduced * reduced, tiled: least.tiled * tiled };
}

/** Traits that choose other kernels than those that the adapter gets: of its lanes none. */
const VARIANTS = [{ traits: { subgroupLanes: 0 } }] as const;

/** Costs of a discrete GPU, changed one at a time, by which W-mid is planned. */
const COSTS: readonly Partial<AdapterCosts>[] = [
  {},
  ...[1 / 2, 4].map((factor) => ({ leastIterations: timesLeast(factor, factor) })),
  ...[1 / 2, 2, 4].map((factor) => ({ leastIterations: timesLeast(factor, 1) })),
  ...[1 / 4, 1 / 2, 2].map((factor) => ({ leastIterations: timesLeast(1, factor) })),
  ...[1 / 2, 2, 4].map((factor) => ({ busy: timesBusy(factor) })),
  ...[1 / 4, 4].map((factor) => ({
    ...{ load: DISCRETE.load * factor, store: DISCRETE.store * factor },
  })),
  { dispatch: DISCRETE.dispatch / 16 },
  { tiledWorkgroup: 128 },
];

const GROWTH_SOFTWARE = { tasks: [1, 2], innerSteps: [1, 2], filters: [8, 16] } as const;

/**
 * Makes the list.
 *
 * @param setting What it depends on.
 * @returns The jobs in the order in which they run.
 */
export function jobsFor(setting: Setting): Job[] {
  const { software, cores, script } = setting;
  const deno = (...args: string[]): string[] => ["deno", "run", "-A", "--cached-only", ...args];
  const onDevice = { needsAdapter: true } as const;
  const peer = (
    stage: Stage,
    [implementation, workload, order, limit]: (typeof PEERS)[number],
  ): Job => ({
    stage,
    name: `${implementation} W-${workload} ${order}`,
    command: deno(
      script("peer_job.ts"),
      implementation,
      workload,
      order,
      `--limit=${limit - 5}`,
      `--python=${setting.pythons.join(",")}`,
      `--device=${setting.device}`,
    ),
    limit,
    needsAdapter: stage === "workloads",
  });
  const step = (stage: Stage, name: string, limit: number, items: readonly unknown[]): Job => ({
    ...onDevice,
    stage,
    name,
    command: deno(script("step_job.ts"), ...items.map((item) => JSON.stringify(item))),
    limit,
  });
  const seconds = software ? 10 : 45;
  const copies = Math.max(1, Math.min(6, Math.floor(cores / 3)));
  const together = "untimed";
  const growth = Object.entries<readonly number[]>(software ? GROWTH_SOFTWARE : GROWTH);
  return [
    {
      stage: "doctor",
      name: "machine",
      command: ["bash", script("machine.sh")],
      limit: 20,
      format: "text",
    },
    {
      stage: "doctor",
      name: "doctor",
      command: ["deno", "task", "doctor"],
      limit: 60,
      format: "text",
    },
    peer("workloads", ["mutasesumele", "mid", "exact", 60]),
    peer("workloads", ["mutasesumele", "small", "exact", 40]),
    peer("workloads", ["mutasesumele", "mid", "first", 45]),
    peer("workloads", ["mutasesumele-recompute", "mid", "exact", 60]),
    peer("workloads", ["mutasesumele", "small", "first", 30]),
    {
      ...onDevice,
      stage: "kernels-check",
      name: "device tests",
      command: [
        ...[
          "env",
          `DENO_JOBS=${Math.max(1, Math.floor(cores / 2))}`,
          "deno",
          "test",
          "-A",
          "--no-check",
          "--cached-only",
          "--parallel",
        ],
        ...DEVICE_TESTS,
      ],
      limit: software ? 400 : 110,
      format: "tests",
      together,
    },
    ...Array.from({ length: copies }, (_, k): Job => ({
      ...onDevice,
      stage: "fuzz",
      name: `fuzz ${k + 1}`,
      command: deno("--no-check", script("fuzz_job.ts"), String(1000 + k), String(seconds)),
      limit: seconds + 30,
      together,
    })),
    ...WARMED.map((row): Job => {
      const job = peer("peers-warm", row);
      return { ...job, name: `${job.name}, cold`, together };
    }),
    ...PEERS.map((row) => peer("peers", row)),
    {
      ...onDevice,
      stage: "kernels",
      name: "kernel table",
      command: deno("bench/kernels_bench.ts"),
      limit: software ? 120 : 60,
      format: "kernels",
    },
    step("full", "full step, activations kept", software ? 120 : 60, [{
      which: "full",
      keep: true,
    }]),
    step("full", "full step, recomputed", software ? 120 : 60, [{ which: "full" }]),
    step("profile", "profile of W-mid", 60, [{ which: "mid", keep: true, top: 100 }]),
    step(
      "variants",
      "W-mid with other kernels",
      90,
      VARIANTS.map((variant) => ({ which: "mid", keep: true, top: 12, ...variant })),
    ),
    step("variants", "W-mid by the rule's and by measured kernels", 120, [
      { which: "mid", keep: true, top: 12 },
      { which: "mid", keep: true, top: 12, measure: software ? 20 : 60 },
    ]),
    ...growth.map(([axis, values]) =>
      step(
        "scaling",
        `scaling ${axis}`,
        software ? 60 : 100,
        values.map((value) => ({
          which: {
            way: 5,
            shot: 1,
            queries: 15,
            filters: 32,
            tasks: 4,
            innerSteps: 5,
            [axis]: value,
          },
          keep: true,
          top: 0,
          ...(software ? {} : { byteBudget: BYTE_BUDGET }),
        })),
      )
    ),
    {
      ...onDevice,
      stage: "predictions",
      name: "doctor --measure",
      command: ["deno", "task", "doctor", "--measure"],
      limit: 60,
      format: "text",
    },
    ...["W-small,W-mid", "smoke", "quick"].map((only): Job => ({
      ...onDevice,
      stage: "predictions",
      name: `predictions of ${only}`,
      command: deno("bench/predictions.ts", "--only", only),
      limit: software ? 200 : 90,
      format: "text",
    })),
    step(
      "costs",
      "W-mid with other costs",
      120,
      COSTS.slice(0, software ? 3 : COSTS.length).map((costs) => ({
        which: software ? "small" : "mid",
        keep: true,
        top: 4,
        costs,
      })),
    ),
  ];
}
