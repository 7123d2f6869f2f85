/**
 * The plan of a factorial study: which arm has which level of every factor.
 *
 * @module
 */
import { z } from "zod";
import { readConfigFile } from "../../experiment/config_file.ts";
import { fileLayer, resolveConfig } from "../../experiment/config_layers.ts";
import { UsageError } from "../../experiment/usage_error.ts";

const schema = z.strictObject({
  format: z.literal(1),
  study: z.string().min(1),
  regime: z.string().min(1),
  seeds: z.array(z.int().min(0)).min(1),
  protocols: z.array(z.string()).min(1).describe("Whose test accuracies are compared."),
  arms: z.array(z.string()).min(2).describe("Arms, in the order of the levels."),
  factors: z.record(
    z.string(),
    z.strictObject({
      levels: z.tuple([z.string(), z.string()]).describe("Names of the levels - and +."),
      signs: z.string().regex(/^[-+]+$/, "Expected one - or + for each arm"),
    }),
  ),
  alpha: z.number().gt(0).lt(1),
  level: z.number().gt(0).lt(1),
});

/** A plan. */
export type EffectsPlan = z.output<typeof schema>;

/**
 * Reads a plan.
 *
 * @param path A YAML file.
 * @returns The plan.
 * @throws {UsageError} If it is not valid; if a factor does not have as many arms at either level, or two
 *   factors are confounded: in an orthogonal array every pair of levels stands as often as every other.
 */
export async function readEffectsPlan(path: string): Promise<EffectsPlan> {
  const plan = await resolveConfig<EffectsPlan>(schema, [fileLayer(await readConfigFile(path))]);
  const { factors, arms } = plan;
  const names = Object.keys(factors);
  const faults = names.flatMap((name, k) => {
    const { signs } = factors[name]!;
    if (signs.length !== arms.length) {
      return [`${name}: found ${signs.length} signs, expected ${arms.length}, one for each arm`];
    }
    if (product(signs, "+".repeat(signs.length)) !== 0) {
      return [`${name}: expected as many arms at level - as at level +`];
    }
    return names.slice(0, k)
      .filter((other) => product(signs, factors[other]!.signs) !== 0)
      .map((other) => `${name}: is confounded with ${other}`);
  });
  if (faults.length > 0) {
    throw new UsageError(faults.map((fault) => `${path}: factors.${fault}.`).join("\n"));
  }
  return plan;
}

/** Sum of the products of signs. */
function product(a: string, b: string): number {
  return [...a].reduce((sum, sign, k) => sum + (sign === b[k] ? 1 : -1), 0);
}
