/** Random programs compiled for a card that is not there, and for adapters that are less: more of them than can be run. */
import { assert, assertEquals } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { trace } from "../../src/transform/trace.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";
import { adapters } from "./adapters.ts";
import { keepLimits } from "./engines.ts";
import { generate } from "./generate.ts";
import { subjectOf } from "./modes.ts";
import { drawSetting } from "./trial.ts";

/** Fewer miss some of the kernels. */
const PROGRAMS = 400;

/** An NVIDIA H200. */
const CARD = paperGpu({
  info: { ...MADE_UP.info, description: "NVIDIA H200", label: "NVIDIA H200", software: false },
  limits: {
    ...MADE_UP.limits,
    maxBufferSize: 4_292_870_144,
    maxStorageBufferBindingSize: 2_147_483_644,
    maxStorageBuffersPerShaderStage: 524_288,
    maxComputeWorkgroupStorageSize: 49_152,
    maxComputeInvocationsPerWorkgroup: 1024,
  } as GPUSupportedLimits,
  features: new Set(["subgroups", "timestamp-query"]),
  subgroups: { lanes: 32, directive: false },
});

Deno.test(`${PROGRAMS} random programs are planned for a card within its limits`, async () => {
  const names = Object.keys(adapters);
  const kernels = new Map<string, number>();
  for (let k = 0; k < PROGRAMS; k++) {
    const recipe = generate(15, k);
    // Every second one for the card as it is.
    const adapter = k % 2 === 0 ? "as it is" : names[(k >> 1) % names.length]!;
    const setting = drawSetting(recipe, [15, k], { engine: "webgpu", adapter, special: false });
    const subject = subjectOf(recipe, setting.mode, setting.axes);
    const { program } = trace(subject.fn as (...args: never[]) => unknown, subject.avals);
    const traits: Partial<DeviceTraits> = adapters[adapter]!;
    const backend = keepLimits(new WebGpuBackend(CARD, { traits }), { ...CARD.traits, ...traits });
    try {
      const { plan: { plan } } = await backend.load(program);
      for (const { kernel: { name = "generated" } } of plan.dispatches) {
        kernels.set(name, (kernels.get(name) ?? 0) + 1);
      }
    } catch (error) {
      const how = `program ${k} of seed 15, ${setting.mode}, for the adapter "${adapter}"`;
      throw new Error(`Cannot compile ${how}`, { cause: error });
    }
  }
  assert(kernels.get("generated")! > 5 * PROGRAMS, JSON.stringify([...kernels]));
  assertEquals(
    ["conv2d_3x3_slices", "conv2d_3x3_tiles", "flip_filters", "matmul_shared"].filter((name) =>
      !kernels.has(name)
    ),
    [],
  );
});
