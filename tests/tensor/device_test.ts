/** Composites and their gradients on every engine against the float64 reference. @module */
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { assertAgrees, referenceOf, runOn } from "../cases/device.ts";
import { gradientOf, type Subject } from "../cases/laws.ts";
import { FOURS } from "../device_traits.ts";
import { type CompositeCase, subjectFrom } from "./fixtures.ts";
import { DEVICE_COMPOSITES } from "./more_fixtures.ts";
import { webgpuTest } from "../webgpu.ts";

/** The composite and, where it has one, the gradient of a projection of it, as one program. */
function withGradient(entry: CompositeCase): Subject {
  const subject = subjectFrom(entry);
  if (subject.varying.length === 0) return subject;
  return {
    ...subject,
    fn: (...args) => [...subject.fn(...args), ...gradientOf(subject).fn(...args)],
  };
}

webgpuTest("composites and their gradients on WebGPU, twice each", async (gpu) => {
  for (const traits of [{}, FOURS]) {
    const backend = new WebGpuBackend(gpu, { traits });
    for (const entry of DEVICE_COMPOSITES) {
      const subject = withGradient(entry);
      const got = await runOn(backend, subject);
      assertAgrees(entry.name, got, { want: referenceOf(subject), tolerance: 2e-5 });
    }
  }
});

Deno.test("composites and their gradients on TensorFlow.js, twice each", async () => {
  const executor = await openTfjs();
  try {
    for (const entry of DEVICE_COMPOSITES) {
      const subject = withGradient(entry);
      const got = await runOn(executor, subject);
      assertAgrees(entry.name, got, { want: referenceOf(subject), tolerance: 2e-5 });
    }
  } finally {
    executor.close();
  }
});
