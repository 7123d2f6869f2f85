/**
 * `--measure-kernels`: measures, before a run, which kernels are the fastest for what it computes.
 *
 * @module
 */
import { openGpu } from "../gpu/device.ts";
import {
  findKernels,
  findProfile,
  measureTable,
  permittedProfileFolder,
  PROFILES_VARIABLE,
  type Stored,
} from "../machine/mod.ts";
import type { KernelTable } from "../adapter/kernel_table.ts";
import type { Experiment } from "./define_experiment.ts";
import type { PredictionContext } from "./prediction.ts";
import { UsageError } from "./usage_error.ts";

/** Milliseconds after which no further shape is measured. */
const BUDGET = 20_000;

/** What {@linkcode measureKernels} needs to know of a run. */
export interface MeasureKernelsOptions extends Omit<PredictionContext, "kernels" | "onShape"> {
  /** Shows what goes on, for a moment. */
  readonly note: (text: string) => void;
  /** Milliseconds after which no further shape is measured; 20,000 unless told. */
  readonly budget?: number;
  /** Folder of profiles; by default where they are kept. */
  readonly folder?: string;
}

/**
 * Measures the kernels for those shapes of a run that the adapter's table does not have, the most work first, and keeps
 * them. The shapes are those that the experiment's prediction plans.
 *
 * @param experiment The experiment.
 * @param config Its configuration.
 * @param options Seed, engine, data, memory, precision; where to tell.
 * @returns The adapter's table.
 * @throws {UsageError} If the experiment predicts nothing, or the table cannot be kept.
 * @throws {NoAdapterError} If there is no adapter.
 */
export async function measureKernels<Config>(
  { name, predict }: Experiment<Config>,
  config: Config,
  { note, budget = BUDGET, ...options }: MeasureKernelsOptions,
): Promise<Stored<KernelTable>> {
  const { folder = await permittedProfileFolder("write"), halfPrecision, log } = options;
  const cannot = (why: string) => new UsageError(`Cannot measure the kernels of ${name}: ${why}`);
  if (!predict) {
    throw cannot(
      "the experiment does not say beforehand what it computes. Leave out --measure-kernels; deno task profile " +
        "FILE.ts --kernels measures those of a function.",
    );
  }
  if (folder === undefined) {
    throw cannot(
      `there is no folder that may be written where they are kept. Let ${PROFILES_VARIABLE} name one.`,
    );
  }
  const gpu = await openGpu();
  try {
    const where = { folder, halfPrecision, log };
    const onMeasure = (adapter: string) => log(`measuring ${adapter}, once: some seconds`);
    // Before the shapes are found: what is compiled depends on it.
    const { profile } = await findProfile(gpu.device, { folder, log, onMeasure });
    note("finding out what the run computes");
    const asked = new Set<string>();
    const found = await predict(config, { ...options, onShape: (shape) => asked.add(shape) });
    if (typeof found === "string") throw cannot(found);
    const known = await findKernels(gpu.device, where);
    const shapes = [...asked].filter((shape) => !Object.hasOwn(known?.value ?? {}, shape));
    if (known && shapes.length === 0) {
      log(`kernels: the table has all ${asked.size} shapes of the run, measured ${known.date}`);
      return known;
    }
    const start = performance.now();
    let begun = 0;
    const tell = () => note(`measuring kernels: shape ${++begun} of ${shapes.length}`);
    tell();
    const { stored, measured, left } = await measureTable(gpu, shapes, {
      ...{ ...where, profile, budget },
      onUnkept: (why) => {
        throw cannot(why);
      },
      onShape: ({ shape, variants }) => {
        for (const { name, right } of variants) {
          if (!right) log(`kernel ${name} computes wrong numbers for ${shape}; it is not taken`);
        }
        if (begun < shapes.length) tell();
      },
    });
    const others = measured.filter(({ winner }) => winner !== undefined).length;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    log(
      `kernels of ${measured.length} shapes measured in ${seconds} s, ${others} with another than the rule's as the ` +
        `fastest; ${left.length} left to the rule; kept in ${stored!.path}`,
    );
    return stored!;
  } finally {
    gpu.close();
  }
}
