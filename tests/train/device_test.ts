/** What a stage says when its device fails: place, bytes held, the checkpoint that is kept. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type Concrete, Engine, hostArray } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { MetricsLog, Progress } from "../../src/run/mod.ts";
import { broadcastTo } from "../../src/tensor/mod.ts";
import { add, matmul, mul } from "../../src/tensor/mod.ts";
import { runStage } from "../../src/train/mod.ts";
import { withoutWebgpu } from "../webgpu.ts";

interface State {
  readonly x: Tensor;
}

/** Six steps with a checkpoint every second one; `before` is called before each step. */
async function stage(
  folder: string,
  { budget, before = () => {} }: {
    readonly budget?: number;
    readonly before?: (step: number, gpu: Gpu) => void;
  },
): Promise<number> {
  const gpu = await openGpu();
  const backend = new WebGpuBackend(gpu, budget === undefined ? {} : { byteBudget: budget });
  const engine = new Engine(backend);
  try {
    using metrics = MetricsLog.open(folder);
    const next = engine.jit(({ x }: State) => {
      // A megabyte that nothing else needs.
      const wide = broadcastTo(x, [512, 512]);
      const training = { x: add(x, mul(matmul(wide, wide), 1e-30)) };
      return { training: { x: add(training.x, 1) }, metrics: { loss: add(x, 0) } };
    });
    const { training } = await runStage<Concrete<State>>({
      ...{ arm: "meta", phase: "pretrain", steps: 6 },
      start: () => Promise.resolve(engine.put({ x: hostArray([0], []) })),
      cost: async (at) => ({ samples: 1, flops: (await next.prepare(at)).flops }),
      step: async (at, step) => {
        before(step, gpu);
        const { training } = await next(at);
        return { training: { x: training.x }, metrics: {} };
      },
      evaluate: () => Promise.resolve({}),
    }, {
      ...{ engine, metrics, checkpoints: `${folder}/checkpoints`, progress: new Progress() },
      signal: new AbortController().signal,
      ...{ evaluateEvery: 3, saveEvery: 2 },
    });
    return (await engine.read(training)).x.data[0]!;
  } finally {
    engine.close();
  }
}

const faults: Record<string, readonly [(gpu: Gpu) => void, string]> = {
  "is lost": [({ device }) => device.destroy(), "the device was lost"],
  "runs out of memory": [
    ({ device }) => {
      const error = new GPUOutOfMemoryError("not enough memory left");
      device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
    },
    "not enough memory left",
  ],
};
for (const [what, [fault, message]] of Object.entries(faults)) {
  Deno.test({
    name: `a stage whose device ${what} says where, and goes on from its checkpoint`,
    ignore: withoutWebgpu,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const before = (step: number, gpu: Gpu) => step === 4 && fault(gpu);
        const error = await assertRejects(() => stage(folder, { before }), Error);
        assertMatch(
          error.message,
          /^Training of arm "meta", phase "pretrain" has failed at step [56] \(its checkpoint of step 4 is kept\): Cannot /,
        );
        assertStringIncludes(error.message, message);
        assertMatch(
          error.message,
          /The engine held [\d.]+ (bytes|MiB), [\d.]+ (bytes|MiB) at most\.$/,
        );
        assertEquals((error.cause as Error).name, "GpuError");
        assertEquals(await stage(folder, {}), 6);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test({
  name: "a stage that does not fit into its budget says so before the first step",
  ignore: withoutWebgpu,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const error = await assertRejects(() => stage(folder, { budget: 2 ** 20 }), Error);
      for (
        const part of [
          'arm "meta", phase "pretrain" has failed at step 0 (it has no checkpoint yet): Cannot load',
          "--memory",
          "The engine held 256 bytes",
        ]
      ) assertStringIncludes(error.message, part);
      assertEquals(await stage(folder, {}), 6);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
