/**
 * What a program holds on the device while it runs.
 *
 * @module
 */
import type { Plan } from "../compile/plan.ts";

/** Bytes on the device during a dispatch. */
export interface MemoryInUse {
  /** Of inputs. */
  readonly inputs: number;
  /** Of constants. */
  readonly constants: number;
  /** Of temporaries that were written and will be read. */
  readonly temporaries: number;
  /** Of results that are written. */
  readonly results: number;
}

/**
 * Follows the dispatches of a plan and adds up what is in use during each of them.
 *
 * @param plan The plan.
 * @param writes For each dispatch, whether it writes each of its places.
 * @param constants Bytes of constants.
 * @returns Bytes for each dispatch.
 */
export function memoryOver(
  plan: Pick<Plan, "dispatches" | "slots" | "inputs" | "outputs">,
  writes: readonly (readonly boolean[])[],
  constants: number,
): MemoryInUse[] {
  const inputs = plan.inputs.reduce((sum, bytes) => sum + bytes, 0);
  const temporaries = new Float64Array(plan.dispatches.length);
  // From its writing to its last use, a slot holds one content; then the next is written.
  const lives = new Map<number, { first: number; last: number }>();
  const end = (slot: number): void => {
    const life = lives.get(slot);
    if (!life) return;
    for (let k = life.first; k <= life.last; k++) temporaries[k]! += plan.slots[slot]!;
  };
  const written = new Set<number>();
  let results = 0;
  const used: MemoryInUse[] = [];
  plan.dispatches.forEach(({ places }, k) => {
    places.forEach(({ kind, index }, at) => {
      if (kind === "output" && writes[k]![at] && !written.has(index)) {
        written.add(index);
        results += plan.outputs[index]!;
      }
      if (kind !== "slot") return;
      const life = lives.get(index);
      if (life && !writes[k]![at]) life.last = k;
      else {
        end(index);
        lives.set(index, { first: k, last: k });
      }
    });
    used.push({ inputs, constants, temporaries: 0, results });
  });
  for (const slot of lives.keys()) end(slot);
  return used.map((memory, k) => ({ ...memory, temporaries: temporaries[k]! }));
}
