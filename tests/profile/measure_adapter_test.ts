import { assert, assertEquals } from "@std/assert";
import { checkProfile } from "../../src/adapter/adapter_profile.ts";
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
});
