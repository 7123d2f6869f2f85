/** `--measure-kernels`: what a run computes is measured once, kept, and in its record. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { builtInProfile } from "../../src/adapter/mod.ts";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { measureKernels } from "../../src/experiment/measure_kernels.ts";
import type { Prediction } from "../../src/experiment/prediction.ts";
import { findKernels, findProfile } from "../../src/machine/mod.ts";
import { webgpuTest } from "../webgpu.ts";
import { type Config, demo } from "./demo.ts";

const shape = (rows: number) =>
  `matrix product: batch 1, rows ${rows}, inner 8, columns 8, transposeA 0, transposeB 0`;

const nothing = demo(() => Promise.resolve());
const config = nothing.schema.parse({}) as Config;

/** The experiment, with products of so many rows. */
function products(rows: readonly number[], said?: string) {
  return defineExperiment({
    ...nothing,
    predict: (_: Config, { onShape }): Promise<Prediction | string> => {
      rows.forEach((each) => onShape!(shape(each)));
      const none = { phases: [], assumed: [], notCounted: [] };
      return Promise.resolve(said ?? { adapter: "one", profile: "measured", ...none });
    },
  });
}

webgpuTest("measureKernels() measures what the table does not have, and no more", async (gpu) => {
  const folder = await Deno.makeTempDir();
  try {
    const lines: string[] = [];
    const notes: string[] = [];
    const options = {
      ...{ seed: 0, engine: "webgpu", data: "auto", memory: undefined, halfPrecision: false },
      ...{ folder, log: (line: string) => void lines.push(line), note: notes.push.bind(notes) },
    };
    await findProfile(gpu.device, {
      ...options,
      measureWith: () => Promise.resolve({ ...builtInProfile("software"), source: "measured" }),
    });
    const first = await measureKernels(products([8, 16, 8]), config, options);
    // The rule's kernel is kept too: so it is known that nothing is left to measure.
    assertEquals(Object.keys(first.value).sort(), [shape(16), shape(8)]);
    assertEquals(await findKernels(gpu.device, options), first);
    assertMatch(lines.pop()!, /^kernels of 2 shapes measured in .*; 0 left to the rule; kept in /);
    assertEquals(notes.splice(0), [
      "finding out what the run computes",
      ...["measuring kernels: shape 1 of 2", "measuring kernels: shape 2 of 2"],
    ]);
    assertEquals(await measureKernels(products([8, 16]), config, options), first);
    assertMatch(lines.pop()!, /^kernels: the table has all 2 shapes of the run, measured /);
    assertEquals(notes.splice(0).length, 1);
    const more = await measureKernels(products([8, 24]), config, options);
    assertMatch(lines.pop()!, /^kernels of 1 shapes measured/);
    assertEquals({ ...more.value, ...first.value }, more.value);
    assert(shape(24) in more.value);
    // Half precision has a table of its own.
    const half = await measureKernels(products([8]), config, { ...options, halfPrecision: true });
    assertEquals(Object.keys(half.value), [shape(8)]);
    const late = await measureKernels(products([40]), config, { ...options, budget: -1 });
    assertEquals(late.value, more.value);
    assertMatch(lines.pop()!, /^kernels of 0 shapes .*; 1 left to the rule/);
    const cases = [
      [nothing, "does not say beforehand what it computes"],
      [products([], "No plans."), "Cannot measure the kernels of demo: No plans."],
    ] as const;
    for (const [experiment, why] of cases) {
      await assertRejects(() => measureKernels(experiment, config, options), Error, why);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
