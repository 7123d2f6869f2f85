/** Loads damaged files, one a message, so that a loader that hangs can be ended. */
import { FORMATS, type Meaning } from "./data_mutation_formats.ts";
import { mutate } from "./mutate.ts";

/** What became of a file. */
export type Outcome =
  | {
    readonly meaning: Meaning;
    /** What the file says by the letter, where that is easily told. */
    readonly literal: Meaning | undefined;
    readonly refused?: undefined;
  }
  | { readonly refused: { readonly name: string; readonly message: string } };

addEventListener("message", (event) => {
  const { data, ports: [port] } = event as MessageEvent<{ format: string; seed: number }>;
  const format = FORMATS.find(({ name }) => name === data.format)!;
  port!.onmessage = async ({ data: index }: MessageEvent<number>) => {
    const folder = await Deno.makeTempDir();
    const whole = await format.files();
    const bytes = whole[Math.abs(index) % whole.length]!;
    const file = index < 0 ? bytes : mutate(bytes, [data.seed, index]);
    let outcome: Outcome;
    try {
      const meaning = await format.load(file, folder);
      outcome = { meaning, literal: format.literal?.(file) };
    } catch (error) {
      const { name, message } = error as Error;
      outcome = { refused: { name, message } };
    }
    await Deno.remove(folder, { recursive: true });
    port!.postMessage(outcome);
  };
}, { once: true });
