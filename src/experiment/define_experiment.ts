/**
 * What an experiment is: a name, a schema of its configuration, and what to do.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { kebabCase } from "../text/kebab_case.ts";
import type { ConfigSchema } from "./config_schema.ts";
import type { ExperimentContext } from "./experiment_context.ts";
import type { Prediction, PredictionContext } from "./prediction.ts";

const url = /* @__PURE__ */ is.kind("a URL", (found) => found instanceof URL);

/** What an experiment must have, for callers without types. */
const MEMBERS = {
  name: is.text,
  title: is.text,
  summary: is.text,
  schema: /* @__PURE__ */ is.objectWith({ parse: is.callback, safeParse: is.callback }, "a schema"),
  presets: /* @__PURE__ */ is.optional(url),
  needs: /* @__PURE__ */ is.optional(is.callback),
  predict: /* @__PURE__ */ is.optional(is.callback),
  run: is.callback,
} as const;

/** An experiment, as those take it that run it. */
export const experimentKind: is.Kind = /* @__PURE__ */ is.objectWith(
  MEMBERS,
  "an experiment, such as defineExperiment() returns,",
);

/** A lower bound of what a configuration needs. */
export interface ConfigNeed {
  /** Keys of the configuration that decide it, such as `model.widths`. */
  readonly keys: readonly string[];
  /** What needs it, in words that go before a size. */
  readonly what: string;
  /** How much, at least; infinite if it cannot be counted. */
  readonly amount: number;
  /** Device memory, or length of a compiled program. */
  readonly unit: "bytes" | "operations";
}

/**
 * An experiment as its file exports it.
 *
 * @typeParam Config The validated configuration.
 */
export interface Experiment<Config = unknown> {
  /** Name on the command line, kebab-case, equal to the name of the file. */
  readonly name: string;
  /** Heading of its report. */
  readonly title: string;
  /** One or two sentences for `--list`. */
  readonly summary: string;
  /** Configuration: a `z.strictObject` whose keys all have defaults and descriptions. */
  readonly schema: ConfigSchema<Config>;
  /** YAML file of named presets: `new URL("<name>.yaml", import.meta.url)`. */
  readonly presets?: URL;
  /**
   * Says what a configuration needs at least: what is too large is refused before there is a run folder.
   *
   * @param config The validated configuration.
   */
  needs?(config: Config): Iterable<ConfigNeed>;
  /**
   * Says how long a run will take and how much memory, for `--dry-run`, within seconds.
   *
   * @param config The validated configuration.
   * @param context Seed, engine, data, memory.
   * @returns The prediction; a sentence that says why there is none.
   */
  predict?(config: Config, context: PredictionContext): Promise<Prediction | string>;
  /**
   * Does the work.
   *
   * @param context Configuration, seed, run folder, progress and signal.
   * @throws {Error} Anything that ends the run; it is shown and kept in the run folder.
   */
  run(context: ExperimentContext<Config>): Promise<void>;
}

/**
 * Checks the definition of an experiment and gives `run` the type of its configuration.
 *
 * @param experiment The definition.
 * @returns The same object.
 * @throws {TypeError} If the name is not kebab-case, or the schema has a key without default.
 *
 * @example
 * ```ts
 * import { defineExperiment } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const experiment = defineExperiment({
 *   name: "count",
 *   title: "Counting",
 *   summary: "Counts to a number.",
 *   schema: z.strictObject({ to: z.int().default(3).describe("Last number.") }),
 *   async run({ config, folder }) {
 *     await folder.writeSummary({ last: config.to });
 *   },
 * });
 * assertEquals(experiment.name, "count");
 * ```
 */
export function defineExperiment<Config>(experiment: Experiment<Config>): Experiment<Config> {
  requireOptions("defineExperiment", experiment, MEMBERS);
  if (!kebabCase.test(experiment.name)) {
    throw new TypeError(
      `Cannot define experiment "${experiment.name}": expected a kebab-case name, such as "cifar-maml".`,
    );
  }
  const empty = experiment.schema.safeParse({});
  if (!empty.success) {
    const keys = empty.error.issues.map((issue) => `${issue.path.join(".")} (${issue.message})`);
    throw new TypeError(
      `Cannot define experiment "${experiment.name}": an empty configuration is not valid: ` +
        `${keys.join(", ")}. Give every key a default.`,
    );
  }
  return experiment;
}
