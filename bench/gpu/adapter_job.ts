/**
 * What adapter there is: one row, with everything that the compiler knows of it.
 *
 * @module
 */
import { openGpu } from "../../src/gpu/device.ts";
import { printRow } from "./rows.ts";

const start = performance.now();
const gpu = await openGpu();
const { info, traits, features, limits } = gpu;
const numbers: Record<string, number> = {};
for (const name in limits) {
  const value = (limits as unknown as Record<string, unknown>)[name];
  if (typeof value === "number") numbers[name] = value;
}
printRow({
  ...info,
  traits,
  subgroups: gpu.subgroups ?? "none",
  features: [...features].sort(),
  limits: numbers,
  milliseconds: performance.now() - start,
});
gpu.close();
