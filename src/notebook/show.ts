/**
 * Values of the toolkit as a notebook shows them.
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import type { HostArray } from "../ir/host_array.ts";
import { print } from "../ir/print.ts";
import { type Program, programFlops } from "../ir/program.ts";
import type { Traced } from "../transform/trace.ts";
import { formatProfile } from "../profile/format_profile.ts";
import type { Profile } from "../profile/profile.ts";
import { type ChartOptions, learningCurveSvg } from "../report/chart.ts";
import { escapeHtml } from "../report/escape_html.ts";
import type { EncodedPicture } from "../report/picture_grid.ts";
import { formatQuantity } from "../report/quantity.ts";
import type { Verdict } from "../study/verdict/verdict.ts";
import { conclusionTable } from "../study/verdict/verdict_rows.ts";
import { stateText } from "../study/verdict/verdict_text.ts";
import { type Displayable, displayable, type MimeBundle } from "./displayable.ts";
import { tableForms } from "./html_table.ts";
import { arrayForms } from "./show_array.ts";
import { pictureForms } from "./show_picture.ts";

/** What {@linkcode show} knows. */
export type Showable =
  | Traced
  | Program
  | HostArray
  | Profile
  | ChartOptions
  | EncodedPicture
  | Verdict;

/**
 * Shows a value in a notebook: programs as text, arrays that were read as tables or pictures, profiles,
 * learning curves, grids of pictures and verdicts.
 *
 * @param value The value.
 * @returns What is shown when it is the last value of a cell of `deno jupyter`.
 * @throws {TypeError} If it is none of these; values on a device are to be read first.
 *
 * @example
 * ```ts
 * import { hostArray, sum, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { DISPLAY, show } from "@mutasesumele/toolkit/notebook";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const table = await show(hostArray([[1, -2], [3, 4]]))[DISPLAY]!();
 * assertStringIncludes(table["text/html"]!, ">-2</td>");
 * const traced = trace((x: Tensor) => sum(x), [hostArray([1, 2])]);
 * const program = await show(traced)[DISPLAY]!();
 * assertStringIncludes(program["text/plain"]!, "sum");
 * ```
 */
export function show(value: Showable): Displayable {
  const forms = formsOf(value as unknown as Readonly<Record<string, unknown>>);
  return displayable(forms);
}

/** What tells the kinds apart is what their types demand. */
function formsOf(value: Readonly<Record<string, unknown>>): () => MimeBundle | Promise<MimeBundle> {
  const has = (...names: string[]): boolean =>
    typeof value === "object" && value !== null && names.every((name) => name in value);
  const is = <T>(): T => value as unknown as T;
  if (has("program", "inputPaths")) return () => programForms(is<Traced>().program);
  if (has("nodes", "inputs", "outputs")) return () => programForms(is<Program>());
  if (has("data", "shape", "dtype")) return () => arrayForms(is<HostArray>());
  if (has("dispatches", "flops", "prepared")) return () => textForms(formatProfile(is<Profile>()));
  if (has("series", "xLabel", "yLabel")) return () => chartForms(is<ChartOptions>());
  if (has("png", "width", "height")) return () => pictureForms(is<EncodedPicture>());
  if (has("plan", "conclusions", "families")) return () => verdictForms(is<Verdict>());
  throw new TypeError(
    `Cannot show ${
      has("shape") ? "a value on a device" : typeof value
    }: expected a program, an array on the host, a profile, a chart, a picture or a verdict. Read values ` +
      `of an engine first: show(await engine.read(value)).`,
  );
}

function programForms(program: Program): MimeBundle {
  const results = program.outputs.map(formatAval).join(", ");

  const head = `${program.nodes.length} nodes, ${
    formatQuantity(programFlops(program))
  } FLOP, results ${results}`;
  return textForms(`${head}\n${print(program)}`);
}

/** Text with columns: a notebook would wrap it. */
function textForms(text: string): MimeBundle {
  return {
    "text/plain": text,
    "text/html": `<pre style="overflow-x: auto; white-space: pre">${escapeHtml(text)}</pre>`,
  };
}

async function chartForms(chart: ChartOptions): Promise<MimeBundle> {
  return { "text/plain": chart.description, "image/svg+xml": await learningCurveSvg(chart) };
}

function verdictForms(verdict: Verdict): MimeBundle {
  const { plan, conclusions } = verdict;
  const caption = `${plan.study}: ${stateText(verdict)}`;
  return tableForms({ caption, ...conclusionTable(conclusions) });
}
