/**
 * Peak device bytes of an exact meta-gradient against the number of inner steps, W-mid shape, one
 * task: `deno run -A bench/memory.ts`.
 *
 * @module
 */
import { sizeOf } from "../src/ir/aval.ts";
import { loadWorkload } from "./loaded_workload.ts";
import { markdownTable } from "./table.ts";

/** Memory of one number of inner steps. */
export interface StepMemory {
  /** Inner steps. */
  readonly innerSteps: number;
  /** Dispatches of a meta-gradient. */
  readonly dispatches: number;
  /** Most bytes in use at one time. */
  readonly peak: number;
  /** The same without one copy of the parameters for each inner step. */
  readonly rest: number;
  /** `rest` over that of the first number of steps. */
  readonly growth: number;
}

const MIB = 2 ** 20;

/** Measures the peak for each number of inner steps. */
export async function memoryOverSteps(steps: readonly number[]): Promise<StepMemory[]> {
  const rows: StepMemory[] = [];
  for (const innerSteps of steps) {
    const size = { way: 5, shot: 1, queries: 15, filters: 32, tasks: 1, innerSteps };
    const workload = await loadWorkload(size, "exact");
    await workload.run(1);
    const { peak } = workload.backend.memory();
    const { dispatches } = workload.loaded;
    const gradients = workload.program.outputs.slice(0, -1);
    const parameters = 4 * gradients.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const rest = peak - innerSteps * parameters;
    rows.push({ innerSteps, dispatches, peak, rest, growth: rest / (rows[0]?.rest ?? rest) });
    workload.backend.close();
  }
  return rows;
}

/** The rows as a table. */
export function memoryTable(rows: readonly StepMemory[]): string {
  return markdownTable(
    ["inner steps", "dispatches", "peak MiB", "less S x parameters", "over S = 1"],
    rows.map(({ innerSteps, dispatches, peak, rest, growth }) => [
      String(innerSteps),
      String(dispatches),
      (peak / MIB).toFixed(2),
      (rest / MIB).toFixed(2),
      growth.toFixed(3),
    ]),
    0,
  );
}

if (import.meta.main) console.log(memoryTable(await memoryOverSteps([1, 2, 5, 10, 20])));
