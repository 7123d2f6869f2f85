/** What plans take, told from times that follow a law. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { builtInProfile } from "../../src/adapter/mod.ts";
import { leastWork } from "../../src/adapter/predict_time.ts";
import { kernelWork } from "../../src/predict/kernel_work.ts";
import { MeasuredPlans, type PlanBench } from "../../src/profile/measure_plans.ts";
import { Measured, type Pass, type Runnable } from "../../src/profile/measured_kernels.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";

/** What convolutions and filter gradients take here, in times of what is counted. */
const TIMES = { convolution: 1.4, filterGradient: 1.2 };

/** Workgroups of the kernels of which something is known already. */
const GROUPS = 160;

/** A dispatch that nothing dispatches: its name tells it from others. */
function dispatchOf(label: string): Pass[number] {
  return { kernel: { label }, workgroups: [GROUPS, 1, 1] } as unknown as Pass[number];
}

Deno.test("MeasuredPlans tells dispatches, work and kernels of convolutions apart", async () => {
  const profile = builtInProfile("software");
  const { dispatch } = profile;
  /** Nanoseconds that each kernel works at best. */
  const works = new Map<string, number>();
  let sized = 0;
  const bench: PlanBench = {
    bytes: 2 ** 25,
    isLong: () => Promise.resolve(++sized % 2 === 0),
    runs: (call: Runnable) => {
      const kind = call.kernel.includes("filter_gradient") ? "filterGradient" : "convolution";
      const label = `${call.kernel} ${works.size}`;
      const counted = leastWork(profile, { work: kernelWork(call), bytes: 0 });
      works.set(label, TIMES[kind] * counted);
      const one = dispatchOf(label);
      const measured = new Measured(call.kernel, [[one], [one, one, one]], 2);
      measured.times[0].push(1e9, dispatch + works.get(label)!);
      measured.times[1].push(3 * (dispatch + works.get(label)!));
      return Promise.resolve(measured);
    },
  };
  const others = [3e5, 5e5].map((work, k) => {
    const [less, more] = [`less ${k}`, `more ${k}`];
    works.set(less, work / 10).set(more, work);
    const one = new Measured("other", [[dispatchOf(less)], [dispatchOf(more)]], 9, { few: 1 / 9 });
    one.times[0].push(dispatch + work / 10);
    one.times[1].push(dispatch + work);
    return one;
  });
  const plans = await MeasuredPlans.prepare(bench, SOFTWARE_TRAITS, others);
  const [stream] = plans.all.filter(({ what }) => what === "plans");
  const counts = stream!.passes.map(({ length }) => length);
  // As many as plans have, with no more work than can be helped, and with much.
  assertEquals(counts, [20, 40]);
  assert(stream!.passes[0].every(({ workgroups }) => workgroups[0] === 16));
  // All kernels by turns: dispatches that take 60 us, work that takes 1.3 times as long.
  stream!.passes.forEach((pass, much) => {
    const time = pass.reduce((sum, { kernel: { label }, workgroups: [groups] }) => {
      // Workgroups are launched beside the work that was measured by itself, and fewer of them do less.
      const launched = /^(less|more)/.test(label) ? groups * profile.workgroup : 0;
      return sum + 6e4 + 1.3 * (works.get(label)! * groups / GROUPS + launched);
    }, 0);
    stream!.times[much as 0 | 1].push(time, 50 * time, 0.9 * time);
  });
  // Without caches that miss, so that bytes make no difference.
  const found = plans.times({ ...profile, gigabytes: 1e3 });
  assertAlmostEquals(found.dispatch, 6e4, 1);
  assertAlmostEquals(found.work, 1.3, 1e-6);
  assertAlmostEquals(found.convolution, TIMES.convolution, 1e-6);
  assertAlmostEquals(found.filterGradient, TIMES.filterGradient, 1e-6);
  // A stream that takes no longer than its dispatches alone is no reason to promise more than the best.
  stream!.times[1].fill(stream!.times[0][0]! * 1.01);
  const quick = plans.times(profile);
  assertEquals(quick.work, 1);
  assert(quick.dispatch >= dispatch);
});
