/**
 * What is asked of the schema of a configuration.
 *
 * @module
 */

/** One thing that is wrong with a configuration. */
export interface ConfigIssue {
  /** Kind of issue; `unrecognized_keys` has `keys`. */
  readonly code?: string | undefined;
  /** What is wrong, for people. */
  readonly message: string;
  /** Where it is wrong. */
  readonly path: readonly PropertyKey[];
  /** The keys that no schema knows. */
  readonly keys?: readonly string[];
  /** The values that are possible where another was found. */
  readonly values?: readonly unknown[];
}

/** What validation gives: the configuration with its defaults, or what is wrong. */
export type ConfigResult<Config> =
  | { readonly success: true; readonly data: Config }
  | { readonly success: false; readonly error: { readonly issues: readonly ConfigIssue[] } };

/**
 * Schema of a configuration: any zod 4 object schema is one. Use `z.strictObject`, so that unknown keys are
 * errors, and give every key a default and a description. Transformations have no place in it: a resumed
 * run validates its own result again.
 *
 * @typeParam Config The validated configuration.
 */
export interface ConfigSchema<Config> {
  /** Validates a value, or throws. */
  parse(value: unknown): Config;
  /** Validates a value. */
  safeParse(value: unknown): ConfigResult<Config>;
}
