import { assert, assertEquals } from "@std/assert";
import { checkProfile } from "../../src/adapter/adapter_profile.ts";
import { Engine } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { timeDispatches } from "../../src/gpu/timing.ts";
import type { Aval } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { TimePredictor } from "../../src/predict/predict_plan.ts";
import { conv2d, maxPool2d, mean, relu, square } from "../../src/tensor/mod.ts";
import { grad } from "../../src/transform/mod.ts";
import { measureAdapter } from "../../src/profile/measure_adapter.ts";
import { webgpuTest } from "../webgpu.ts";

webgpuTest("measureAdapter() tells what is slow from what is fast", async (gpu) => {
  const profile = await measureAdapter(gpu, { budget: 1000 });
  assertEquals(checkProfile(profile), profile);
  assertEquals([profile.source, profile.subgroupLanes], ["measured", gpu.traits.subgroupLanes]);
  if (!gpu.info.software) return;
  assertEquals(profile.class, "software");
  // True of every processor, busy or not, by a factor of two and more.
  const { operation, load, store, barrier, dispatch, submit, readback, gflops, invocations } =
    profile;
  assert(load > 2 * operation && store > 2 * operation, `${load}, ${store}: ${operation}`);
  assert(barrier > 64 * operation && dispatch > 1000 * operation, `${barrier}, ${dispatch}`);
  assert(dispatch < readback && submit < readback, `${dispatch}, ${submit}: ${readback}`);
  assert(gflops > 0.5 / operation, `${gflops}: ${operation}`);
  assertEquals(invocations, 64 * navigator.hardwareConcurrency);
  const { tileGflops } = profile;
  assert(tileGflops < 1.5 * gflops && tileGflops > gflops / 10, `${tileGflops}: ${gflops}`);

  const { plans } = profile;
  assert(
    plans !== undefined && plans.work >= 1 && plans.dispatch >= dispatch,
    `${plans?.dispatch}`,
  );
  for (const times of [plans.convolution, plans.filterGradient]) {
    assert(times > 0.3 && times < 5, `${times}`);
  }

  // What that profile predicts at best is what happens at best, although others compute here, too.
  const backend = new WebGpuBackend(gpu, { profile });
  const engine = new Engine(backend);
  const gradients = grad((w: Tensor[], x: Tensor) => {
    const features = maxPool2d(relu(conv2d(x, w[0]!, { padding: 1 })));
    return mean(square(conv2d(features, w[1]!, { padding: 1 })));
  });
  const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });
  const { program } = await engine.jit((w: Tensor[], x: Tensor) => gradients(w, x)).prepare(
    [f32(3, 3, 16, 16), f32(3, 3, 16, 32)],
    f32(8, 16, 16, 16),
  );
  const { plan: loaded } = await backend.load(program);
  const inputs = loaded.plan.inputs.map((bytes) => backend.resources.buffers.acquire(bytes));
  const outputs = loaded.plan.outputs.map((bytes) => backend.resources.buffers.acquire(bytes));
  const dispatches = loaded.bound(inputs, outputs);
  const least = await timeDispatches(gpu, dispatches);
  for (let run = 0; run < 15; run++) {
    (await timeDispatches(gpu, dispatches)).forEach((time, k) =>
      least[k] = Math.min(least[k]!, time)
    );
  }
  const measured = least.reduce((a, b) => a + b, 0);
  const predictor = new TimePredictor({ ...profile, plans: { ...plans, dispatch, work: 1 } });
  const predicted = loaded.plan.dispatches.reduce((sum, each) => sum + predictor.dispatch(each), 0);
  assert(predicted > measured / 2.5 && predicted < 2.5 * measured, `${predicted}, ${measured} ns`);
});
