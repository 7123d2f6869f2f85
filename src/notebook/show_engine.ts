/**
 * Engines: what they run on, and what they hold.
 *
 * @module
 */
import { formatQuantity } from "../report/quantity.ts";
import type { MimeBundle } from "./displayable.ts";
import { tableForms } from "./html_table.ts";

/** What is shown of an engine. */
export interface ShownEngine {
  /** What it runs on. */
  readonly info: {
    readonly name: string;
    readonly adapter: string;
    readonly software: boolean;
    readonly holds: string;
  };
  /** Why it was taken. */
  readonly reason: string;
  /** Bytes that it holds. */
  memory(): { readonly live: number; readonly peak: number };
}

/**
 * Makes the forms of an engine, with the memory it holds when it is shown.
 *
 * @param engine The engine.
 */
export function engineForms(engine: ShownEngine): MimeBundle {
  const { name, adapter, software, holds } = engine.info;
  const { live, peak } = engine.memory();
  return tableForms({
    caption: `engine ${name} on ${adapter}`,
    heads: [],
    rows: [
      ["computes on", software ? "a CPU" : "a GPU"],
      ["holds", holds],
      ["taken because", engine.reason],
      ["bytes of arrays and programs", `${formatQuantity(live)} (at most ${formatQuantity(peak)})`],
    ],
  });
}
