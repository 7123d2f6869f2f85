/**
 * Configurations that cannot be run are refused before anything is made.
 *
 * @module
 */
import { DEFAULT_BYTE_BUDGET } from "../engine/mod.ts";
import type { ConfigNeed, Experiment } from "./define_experiment.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Most operations of a compiled program: tracing and compiling so many takes a minute or two and 3 GB on
 * two cores, and grows with their number.
 */
const MOST_OPERATIONS = 500_000;

/**
 * Checks that what an experiment needs at least is there.
 *
 * @param experiment The experiment; without `needs` nothing is checked.
 * @param config Its validated configuration.
 * @param options `memory`: most bytes of device memory, 4 GiB unless told.
 * @throws {UsageError} Names the keys, what would be too large, its size, and the limit.
 */
export function assertNeeds<Config>(
  experiment: Experiment<Config>,
  config: Config,
  { memory = DEFAULT_BYTE_BUDGET }: { readonly memory?: number | undefined } = {},
): void {
  for (const { what, amount, unit, keys } of experiment.needs?.(config) ?? []) {
    const most = unit === "bytes" ? memory : MOST_OPERATIONS;
    if (amount <= most) continue;
    const values = keys.map((key) => `${key}=${JSON.stringify(valueAt(config, key))}`);
    const size = amount < Infinity ? ` takes at least ${formatAmount(amount, unit)}` : "";
    throw new UsageError(
      `Too large for this experiment: ${
        values.join(", ")
      }. Found: ${what}${size}; expected at most ` +
        `${formatAmount(most, unit)}. Choose smaller values` +
        `${unit === "bytes" ? ", or raise --memory where there is more" : ""}.`,
    );
  }
}

function valueAt(config: unknown, key: string): unknown {
  return key.split(".").reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    config,
  );
}

function formatAmount(amount: number, unit: ConfigNeed["unit"]): string {
  if (unit === "operations") return `${Math.round(amount).toLocaleString("en-US")} operations`;
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(amount, 1)) / 10), units.length - 1);
  const digits = { maximumFractionDigits: power === 0 ? 0 : 1 };
  return `${(amount / 1024 ** power).toLocaleString("en-US", digits)} ${units[power]}`;
}
