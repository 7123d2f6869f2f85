/** A process that adds numbers to a file: `deno run -A tests/machine/add_numbers.ts FILE NAME`. */
import { changeStored, type Subject } from "../../src/machine/stored_file.ts";

/** Numbers by name: a file that every process adds to. */
export function numbers(path: string): Subject<Readonly<Record<string, number>>> {
  return {
    ...{ name: "kernels", key: "any", path, hash: (value) => JSON.stringify(value) },
    check: (value) => value as Record<string, number>,
  };
}

/** What each process adds, one by one. */
export const EACH = 25;

async function add(path: string, who: string): Promise<void> {
  for (let k = 0; k < EACH; k++) {
    await changeStored(numbers(path), (found) => ({
      ...(typeof found === "object" ? found.value : {}),
      [`${who}-${k}`]: k,
    }));
  }
}

if (import.meta.main) await add(Deno.args[0]!, Deno.args[1]!);
