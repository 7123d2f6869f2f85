/** Tests of programs on the device against the reference, compiled for several adapters. @module */
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { sizeOf } from "../../src/ir/aval.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import type { Fn, Subject } from "../cases/laws.ts";
import { uniform } from "../cases/random.ts";
import { FOURS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

/** The fewest storage buffers that an adapter may have, and as many as there are. */
export const LIMITS: readonly Partial<DeviceTraits>[] = [{}, FOURS, {
  ...FOURS,
  maxStorageBuffers: 8,
}];

/** A function at numbers that are the same every time, above 1/2. */
export function subject(name: string, shapes: readonly (readonly number[])[], fn: Fn): Subject {
  const next = uniform(3);
  const point = shapes.map((shape) =>
    ndArray(
      { shape, dtype: "f32" },
      Array.from({ length: sizeOf(shape) }, () => Math.fround(0.5 + next())),
    )
  );
  return { name, fn, point, varying: shapes.map((_, k) => k) };
}

/** Runs subjects on the device, with all its buffers and with eight, twice each. */
export function agreesTest(name: string, subjects: readonly Subject[], limits = LIMITS): void {
  webgpuTest(name, async (gpu) => {
    for (const traits of limits) {
      const backend = new WebGpuBackend(gpu, { traits });
      for (const one of subjects) {
        const label = `${one.name} (${traits.maxStorageBuffers ?? "all"} buffers)`;
        const got = await runOn(backend, one);
        assertAgrees(label, got, { want: referenceOf(one), tolerance: 1e-5 });
      }
    }
  });
}
