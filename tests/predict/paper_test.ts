/**
 * What an engine of paper says is what the adapter does.
 */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { type AdapterClass, type AdapterProfile, builtInProfile } from "../../src/adapter/mod.ts";
import { type KernelWork, leastWork, predictTime } from "../../src/adapter/predict_time.ts";
import { Engine, hostArray } from "../../src/engine/mod.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { DeviceMemoryError } from "../../src/gpu/buffers.ts";
import { openPaper } from "../../src/predict/paper_backend.ts";
import { metaCase } from "../transform/meta_case.ts";
import { webgpuTest } from "../webgpu.ts";
import { madeUpPaper } from "./made_up_adapter.ts";

const NOTHING: KernelWork = {
  ...{ invocations: 6400, workgroups: 100, matrices: 0, products: 0, operations: 0, indices: 0 },
  ...{ loads: 0, scalarLoads: 0, stores: 0, scalarStores: 0, shared: 0, barriers: 0, shuffles: 0 },
};

/** A profile whose workgroups cost nothing by themselves. */
function withoutLaunches(kind: AdapterClass): AdapterProfile {
  return { ...builtInProfile(kind), workgroup: 0 };
}

Deno.test("predictTime() counts workgroups: beside all else on a processor, meanwhile on a GPU", () => {
  const launched = (kind: AdapterClass, work: Partial<KernelWork>) => {
    const profile = { ...withoutLaunches(kind), workgroup: 50 };
    const many = { ...NOTHING, invocations: 64e4, workgroups: 1e4, ...work };
    return predictTime(profile, { work: many, bytes: 0 }) - profile.dispatch;
  };
  assertAlmostEquals(launched("software", {}), 5e5, 1e-6);
  assertAlmostEquals(launched("discrete", {}), 5e5, 1e-6);
  const products = { products: 1e8 };
  const { gflops } = builtInProfile("software");
  assertAlmostEquals(launched("software", products), 5e5 + 1e8 / gflops, 1e-6);
  assertAlmostEquals(launched("discrete", products), 5e5, 1e-6);
});

Deno.test("predictTime() prices what a dispatch does by the profile", () => {
  const cpu = withoutLaunches("software");
  const gpu = withoutLaunches("discrete");
  const time = (work: Partial<KernelWork>, profile = cpu, bytes = 0): number =>
    predictTime(profile, { work: { ...NOTHING, ...work }, bytes }) - profile.dispatch;
  assertEquals(time({}), 0);
  assertAlmostEquals(time({ products: 8e6 }), 8e6 / cpu.gflops);
  assertAlmostEquals(time({ matrices: 8e6 }), 8e6 / cpu.tileGflops);
  assertAlmostEquals(time({ operations: 1e6, indices: 1e6 }), 2e6 * cpu.operation);
  assertAlmostEquals(time({ loads: 1e6, scalarStores: 1e6 }), 1e6 * (cpu.load + cpu.store));
  assertAlmostEquals(time({ barriers: 6400 }), 100 * cpu.barrier);
  // A processor adds up; a GPU computes while it loads.
  const both = { products: 1e8, loads: 1e6 };
  assertAlmostEquals(time(both), time({ products: 1e8 }) + time({ loads: 1e6 }), 1e-6);
  const many = { invocations: 1e6, workgroups: 1e4 };
  assertAlmostEquals(time({ ...both, ...many }, gpu), time({ products: 1e8, ...many }, gpu), 1e-6);
});

Deno.test("predictTime() knows idle cores, idle lanes, and what memory allows", () => {
  const cpu = withoutLaunches("software");
  const time = (work: Partial<KernelWork>, bytes = 0): number =>
    predictTime(cpu, { work: { ...NOTHING, loads: 1e6, ...work }, bytes }) - cpu.dispatch;
  const full = time({});
  // Two cores: a single workgroup takes one, three take as long as four.
  assertAlmostEquals(time({ invocations: 64, workgroups: 1 }), 2 * full);
  assertAlmostEquals(time({ invocations: 192, workgroups: 3 }), 4 / 3 * full);
  // Two of eight lanes.
  assertAlmostEquals(time({ invocations: 2, workgroups: 1 }), 8 * full);
  // What is touched and in no cache comes on top, so that a copy takes what was measured of it; what is bound and not
  // touched costs nothing.
  const slow = { ...cpu, gigabytes: 0.5 };
  const copied = { ...NOTHING, loads: 1e6, stores: 1e6 };
  const copy = (bytes: number) => predictTime(slow, { work: copied, bytes }) - slow.dispatch;
  assertAlmostEquals(copy(8e6), 8e6 / 0.5);
  assertAlmostEquals(copy(1e12), copy(8e6));
  assertAlmostEquals(copy(0), 1e6 * (cpu.load + cpu.store));
  const fast = { ...cpu, gigabytes: 1e3 };
  assertEquals(predictTime(fast, { work: copied, bytes: 8e6 }) - fast.dispatch, copy(0));
  // A GPU that is not filled waits for the few that compute.
  const gpu = withoutLaunches("discrete");
  const work = { ...NOTHING, loads: 1e6, workgroups: 8 };
  const by = (invocations: number): number =>
    predictTime(gpu, { work: { ...work, invocations }, bytes: 0 }) - gpu.dispatch;
  assertAlmostEquals(by(gpu.invocations / 4), 4 * by(gpu.invocations), 1e-6);
  // It is nowhere faster than memory.
  const roofline = predictTime({ ...gpu, gigabytes: 0.5 }, { work: copied, bytes: 8e6 });
  assertAlmostEquals(roofline - gpu.dispatch, 8e6 / 0.5);
});

Deno.test("predictTime() adds what plans take: dispatches, work, and kernels of convolutions", () => {
  const cpu = withoutLaunches("software");
  const plans = { dispatch: 5e4, work: 1.25, convolution: 2, filterGradient: 1.5 };
  const work = { ...NOTHING, loads: 1e6 };
  const least = leastWork(cpu, { work, bytes: 4e6 });
  const time = (kernel?: string): number =>
    predictTime({ ...cpu, plans }, { work, bytes: 4e6, kernel }) - plans.dispatch;
  assertAlmostEquals(time(), 1.25 * least);
  assertAlmostEquals(time("matmul_any"), 1.25 * least);
  assertAlmostEquals(time("conv2d_3x3_lane_tiles"), 2.5 * least);
  assertAlmostEquals(time("conv2d_3x3_lane_filter_gradient"), 1.875 * least);
  assertAlmostEquals(
    predictTime(cpu, { work, bytes: 4e6, kernel: "conv2d_3x3" }),
    cpu.dispatch + least,
  );
});

Deno.test("an engine of paper counts runs and readbacks, and refuses what a device would refuse", async () => {
  const { fn, avals } = metaCase({ tasks: 2, size: 8, filters: 4, innerSteps: 1 });
  const arrays = avals.map(({ shape, dtype }) =>
    hostArray(new Array(shape.reduce((a, b) => a * b, 1)).fill(0), shape, dtype)
  );
  using paper = madeUpPaper();
  const run = paper.engine.jit(fn);
  const { dispatches } = await run.prepare(...avals);
  const once = await paper.during(() => run(...arrays as never[]));
  const twice = await paper.during(async () => [
    await run(...arrays as never[]),
    await run(...arrays as never[]),
  ]);
  assertEquals([once.dispatches, twice.dispatches], [dispatches, 2 * dispatches]);
  const { dispatch, encode, submit, readback } = builtInProfile("software");
  // The host encodes the second run while the device computes the first.
  const host = 1e-9 * (dispatches * encode + submit);
  assert(once.seconds > host + 1e-9 * dispatches * dispatch);
  assertAlmostEquals(twice.seconds, 2 * once.seconds - host, 1e-12);
  const read = await paper.during(() => paper.engine.read(once.result));
  assertAlmostEquals(read.seconds, 1e-9 * readback);
  // Who reads waits for the device, and gives out what comes next only then.
  const waited = await paper.during(async () => {
    await paper.engine.read(await run(...arrays as never[]));
    await paper.engine.read(await run(...arrays as never[]));
  });
  assertAlmostEquals(waited.seconds, 2 * (once.seconds + 1e-9 * readback), 1e-12);
  // A host that is slower than the device is what counts.
  const slow = { ...builtInProfile("software"), encode: 1e6 };
  using busy = madeUpPaper({ profile: slow });
  const again = busy.engine.jit(fn);
  const hosted = await busy.during(async () => {
    for (let k = 0; k < 3; k++) await again(...arrays as never[]);
  });
  const device = once.seconds - host;
  assertAlmostEquals(hosted.seconds, 3e-9 * (dispatches * 1e6 + submit) + device, 1e-9);
  assert(read.result.every(({ data }) => data.every((value) => value === 0)));
  assertEquals(once.splits, {});

  // A small budget: in parts, and then not at all.
  const { peakBytes } = once;
  using scarce = madeUpPaper({ traits: { maxStorageBinding: 6000 } });
  const parts = await scarce.during(() => scarce.engine.jit(fn)(...arrays as never[]));
  assertEquals(Object.values(parts.splits).flat().length > 0, true, JSON.stringify(parts.splits));
  using none = madeUpPaper({ byteBudget: Math.floor(peakBytes / 8) });
  await assertRejects(() => none.engine.jit(fn)(...arrays as never[]), DeviceMemoryError);
});

webgpuTest(
  "an engine of paper holds as many bytes as the adapter, and plans the same",
  async (gpu) => {
    const { fn, avals } = metaCase({ tasks: 2, size: 8, filters: 4, innerSteps: 1 });
    const arrays = avals.map(({ shape, dtype }) =>
      hostArray(new Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape, dtype)
    );
    const profile = builtInProfile("software");
    const engine = new Engine(new WebGpuBackend(gpu, { profile }));
    const run = engine.jit(fn);
    const { dispatches } = await run.prepare(...avals);
    await engine.read(await run(...arrays as never[]));
    using paper = openPaper(gpu, { profile });
    const onPaper = paper.engine.jit(fn);
    assertEquals((await onPaper.prepare(...avals)).dispatches, dispatches);
    const { peakBytes } = await paper.during(async () =>
      await paper.engine.read(await onPaper(...arrays as never[]))
    );
    assertEquals(peakBytes, engine.memory().peak);
  },
);
