/** Kernels timed by a clock that is known: how long each takes is its number of workgroups. */
import { assert, assertEquals } from "@std/assert";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Dispatch } from "../../src/gpu/timing.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { KernelBench } from "../../src/profile/kernel_bench.ts";
import { kernelOperations } from "../../src/ops/variants/kernel_sites.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";

/** Dispatches of a pass, of so many workgroups each. */
type Pass = number[];

/**
 * A device of paper whose clock goes on by a nanosecond a workgroup. A GPU that had nothing to do takes four times as
 * long, until it has been at work for 50 ms.
 */
function clocked(software: boolean): { readonly gpu: Gpu; readonly passes: Pass[] } {
  const gpu = paperGpu({
    ...MADE_UP,
    info: { ...MADE_UP.info, software },
    features: new Set(["timestamp-query"]),
  });
  const passes: Pass[] = [];
  let [now, work] = [0, 0];
  let ticks = new BigUint64Array();
  const device = gpu.device as unknown as Record<string, unknown>;
  const { createBuffer } = gpu.device;
  device["createQuerySet"] = ({ count }: { readonly count: number }) => {
    ticks = new BigUint64Array(count);
    // It waited for the host.
    work = 0;
    return { destroy: () => {} };
  };
  device["createBuffer"] = (descriptor: GPUBufferDescriptor) => ({
    ...createBuffer.call(gpu.device, descriptor),
    getMappedRange: () => ticks.buffer,
  });
  device["createCommandEncoder"] = () => ({
    beginComputePass: ({ timestampWrites }: GPUComputePassDescriptor) => {
      const pass: Pass = [];
      passes.push(pass);
      ticks[timestampWrites!.beginningOfPassWriteIndex!] = BigInt(now);
      return {
        setPipeline: () => {},
        setBindGroup: () => {},
        dispatchWorkgroups: (workgroups: number) => {
          pass.push(workgroups);
          const time = workgroups * (software || work >= 50e6 ? 1 : 4);
          now += time;
          work += time;
        },
        end: () => ticks[timestampWrites!.endOfPassWriteIndex!] = BigInt(now),
      };
    },
    resolveQuerySet: () => {},
    copyBufferToBuffer: () => {},
    finish: () => ({}),
  });
  return { gpu, passes };
}

for (const software of [true, false]) {
  const which = software ? "a processor" : "a GPU that waited";
  Deno.test(`KernelBench finds how long each of three kernels takes ${which}`, async () => {
    const { gpu, passes } = clocked(software);
    const bench = new KernelBench(gpu, gpu.traits);
    const { variants: [variant] } = kernelOperations[0]!;
    const of = (...times: readonly number[]) => ({
      variant: variant!,
      dispatches: times.map((time) => ({
        ...{ kernel: { label: "" }, bindGroup: {}, workgroups: [time, 1, 1] },
      } as unknown as Dispatch)),
      buffers: [],
      // A guess, from when the device had been idle.
      time: 4 * times.reduce((a, b) => a + b),
    });
    const found = await bench.time([of(5_000), of(30_000, 12_000), of(3_000_000)], 3);
    assertEquals(found, [[5_000, 5_000, 5_000], [42_000, 42_000, 42_000], [3e6, 3e6, 3e6]]);
    // Short ones are repeated until the clock sees them, in one order and then in the other.
    const timed = passes.slice(-9).map((pass) => [pass.length, pass[0]]);
    const turn = [[20, 5_000], [6, 30_000], [1, 3e6]];
    assertEquals(timed, [...turn, ...turn.toReversed(), ...turn]);
    const before = passes.slice(0, -9).flat().reduce((a, b) => a + b);
    assert(software ? before < 4e6 : before > 50e6, `${before} workgroups before`);
    assertEquals(await bench.time([], 3), []);
    bench.close();
  });
}
