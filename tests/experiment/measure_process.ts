/** An experiment that computes products, and a process that measures them: `measure_process.ts FOLDER ROWS...`. */
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { measureKernels } from "../../src/experiment/measure_kernels.ts";
import type { Prediction } from "../../src/experiment/prediction.ts";
import { type Config, demo } from "./demo.ts";

/** A product of so many rows, as tables have it. */
export const shape = (rows: number) =>
  `matrix product: batch 1, rows ${rows}, inner 8, columns 8, transposeA 0, transposeB 0`;

/** The experiment, which predicts nothing. */
export const nothing = demo(() => Promise.resolve());
/** Its configuration. */
export const config = nothing.schema.parse({}) as Config;

/** The experiment, with products of so many rows. */
export function products(rows: readonly number[], said?: string) {
  return defineExperiment({
    ...nothing,
    predict: (_: Config, { onShape }): Promise<Prediction | string> => {
      rows.forEach((each) => onShape!(shape(each)));
      const none = { phases: [], assumed: [], notCounted: [] };
      return Promise.resolve(said ?? { adapter: "one", profile: "measured", ...none });
    },
  });
}

/** How it is run. */
export const OPTIONS = {
  ...{ seed: 0, engine: "webgpu", data: "auto", memory: undefined, halfPrecision: false },
} as const;

if (import.meta.main) {
  const [folder, ...rows] = Deno.args;
  await measureKernels(products(rows.map(Number)), config, {
    ...{ ...OPTIONS, folder: folder!, log: console.log, note: console.log },
  });
}
