/**
 * What is computed in parts stands in the record of a run.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { Engine } from "../../src/engine/mod.ts";
import type { EngineWork } from "../../src/engine/engine_watch.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { runExperiment } from "../../src/experiment/run_experiment.ts";
import { splitLines } from "../../src/experiment/split_notes.ts";
import { builtInProfile } from "../../src/adapter/mod.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { RunFolder } from "../../src/run/run_folder.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";
import { metaCase } from "../transform/meta_case.ts";

Deno.test("a run notes which programs were computed in parts, along which axis, in how many", async () => {
  const root = await Deno.makeTempDir();
  const lines: string[] = [];
  const { fn, avals } = metaCase({ tasks: 4, size: 8, filters: 16, innerSteps: 1 });
  const experiment = defineExperiment({
    ...{ name: "parts", title: "Parts", summary: "Runs in parts.", schema: z.strictObject({}) },
    run: async ({ engineOptions: { onWork } }) => {
      const profile = builtInProfile("software");
      for (const maxStorageBinding of [2 ** 27, 16384]) {
        const traits = { maxStorageBinding };
        const backend = new WebGpuBackend(paperGpu(MADE_UP), { profile, traits });
        using engine = new Engine(backend, { onWork: onWork! });
        await engine.jit(function metaStep(...args: Parameters<typeof fn>) {
          return fn(...args);
        }).prepare(...avals);
      }
    },
  });
  const { exitCode, path } = await runExperiment(experiment, {
    ...{ config: {}, seed: 0, engine: "webgpu", data: "synthetic", preset: null, command: ["x"] },
    folder: { root },
    output: {
      print: () => {},
      progress: {
        write: (text) => void lines.push(text),
        ...{ terminal: false, color: false, columns: () => 80, now: () => 0 },
      },
    },
  });
  assertEquals(exitCode, 0, lines.join(""));
  using folder = await RunFolder.open(path);
  const record = await folder.readRecord();
  const found = record.environment["computedInParts"] as Record<string, string[]>;
  assertEquals(Object.keys(found), ["metaStep"]);
  assertStringIncludes(found["metaStep"]![0]!, "over axis 0 of size 4");
  assertStringIncludes(lines.join(""), "program 'metaStep' takes more memory than there is: split");
  assertEquals(splitLines(record).length, 1);
  assertStringIncludes(splitLines(record)[0]!, "'metaStep' was computed in parts: split in ");
  folder.close();
  await Deno.remove(root, { recursive: true });
});

Deno.test("an engine says nothing of parts where everything fits", async () => {
  const told: EngineWork[] = [];
  const { fn, avals } = metaCase({ tasks: 1, size: 8, filters: 4, innerSteps: 1 });
  const backend = new WebGpuBackend(paperGpu(MADE_UP));
  using engine = new Engine(backend, { onWork: (work) => told.push(work) });
  await engine.jit(fn).prepare(...avals);
  assertEquals(told.some(({ kind }) => kind === "split"), false);
  assertEquals(splitLines({ environment: {} }), []);
});
