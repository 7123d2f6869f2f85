/**
 * The files of the page, as they are sent: TypeScript without its types, so that nothing is built.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { reportStyle } from "../report/style.ts";

/** Modules of the page, by their place below `src`, so that imports between them lead where they do here. */
export const PAGE_MODULES: readonly string[] = [
  "report/line_styles.ts",
  "report/quantity.ts",
  "run/duration.ts",
  "watch/page/chart.ts",
  "watch/page/chart_scale.ts",
  "watch/page/curves.ts",
  "watch/page/dom.ts",
  "watch/page/facts.ts",
  "watch/page/follow.ts",
  "watch/page/lines.ts",
  "watch/page/main.ts",
  "watch/page/panels.ts",
  "watch/page/pictures.ts",
  "watch/page/run_menu.ts",
  "watch/page/settings.ts",
  "watch/page/thin.ts",
  "watch/page/words.ts",
];

/** A file of the page. */
export interface PageFile {
  /** What it is, with its encoding. */
  readonly type: string;
  /** Its text. */
  readonly text: string;
}

/**
 * Reads a file of the page.
 *
 * @param path Path in an address.
 * @returns The file, or `undefined` if the page has no such file.
 */
export async function readPageFile(path: string): Promise<PageFile | undefined> {
  if (path === "/") {
    return { type: "text/html; charset=utf-8", text: await source("watch/page/index.html") };
  }
  if (path === "/style.css") {
    const text = reportStyle + await source("watch/page/style.css");
    return { type: "text/css; charset=utf-8", text };
  }
  const module = PAGE_MODULES.find((name) => path === `/${name}`);
  if (module === undefined) return undefined;
  return {
    type: "text/javascript; charset=utf-8",
    text: stripTypeScriptTypes(await source(module)),
  };
}

/** Source text of a file below `src`, wherever this module was loaded from. */
async function source(name: string): Promise<string> {
  const response = await fetch(new URL(`../${name}`, import.meta.url));
  return await response.text();
}
