/**
 * Values of the toolkit as a notebook shows them.
 *
 * @module
 */
import { formatAval, isShape, sizeOf } from "../ir/aval.ts";
import { describe } from "../ir/describe.ts";
import { type HostArray, isStorage } from "../ir/host_array.ts";
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
import { accuracyTable, conclusionTable } from "../study/verdict/verdict_rows.ts";
import { stateText } from "../study/verdict/verdict_text.ts";
import { type Displayable, displayable, type MimeBundle } from "./displayable.ts";
import { tableForms } from "./html_table.ts";
import { arrayForms } from "./show_array.ts";
import { engineForms, type ShownEngine } from "./show_engine.ts";
import { pictureForms } from "./show_picture.ts";
import { isRow, rowForms, type TableRow, treeForms } from "./show_rows.ts";

/** Arrays that were read, at any depth: such as the parameters of a model. */
export interface ArrayTree {
  /** Arrays, or more such objects, by name. */
  readonly [name: string]: HostArray | ArrayTree | readonly (HostArray | ArrayTree)[];
}

/** What {@linkcode show} knows. */
export type Showable =
  | Traced
  | Program
  | HostArray
  | Profile
  | ChartOptions
  | EncodedPicture
  | Verdict
  | ShownEngine
  | ArrayTree
  | readonly TableRow[];

/**
 * Shows a value in a notebook: programs as text, arrays that were read as tables or pictures, trees of them as
 * summaries, profiles, learning curves, grids of pictures, verdicts, engines, and lists of records as tables.
 *
 * @param value The value.
 * @returns What is shown when it is the last value of a cell of `deno jupyter`.
 * @throws {TypeError} If it is none of these, or an array whose numbers do not fit its shape and type; values on a
 *   device are to be read first.
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
  if (has("data", "shape", "dtype")) {
    requireArray(is<HostArray>());
    return () => arrayForms(is<HostArray>());
  }
  if (has("dispatches", "flops", "prepared")) return () => textForms(formatProfile(is<Profile>()));
  if (has("series", "xLabel", "yLabel")) return () => chartForms(is<ChartOptions>());
  if (has("png", "width", "height")) return () => pictureForms(is<EncodedPicture>());
  if (has("plan", "conclusions", "families")) return () => verdictForms(is<Verdict>());
  if (has("info", "reason", "memory")) return () => engineForms(is<ShownEngine>());
  const rows: unknown = value;
  if (Array.isArray(rows) && rows.length > 0 && rows.every(isRow)) return () => rowForms(rows);
  const arrays = new Map<string, HostArray>();
  if (collect(value, [], arrays) && arrays.size > 0) return () => treeForms(arrays);
  throw new TypeError(
    `Cannot show ${
      has("shape") ? "a value on a device" : describe(value)
    }: expected a program, an array on the host or an object of such arrays, a profile, a chart, a picture, a ` +
      `verdict, an engine or a list of records. Read values of an engine first: ` +
      `show(await engine.read(value)).`,
  );
}

/** Whether a tree holds nothing but arrays on the host, which are added by their paths. */
function collect(
  tree: unknown,
  path: readonly (string | number)[],
  arrays: Map<string, HostArray>,
): boolean {
  if (typeof tree !== "object" || tree === null) return false;
  if ("data" in tree && "shape" in tree && "dtype" in tree) {
    const array = tree as HostArray;
    requireArray(array, path.join("."));
    arrays.set(path.join("."), array);
    return true;
  }
  if (!Array.isArray(tree) && Object.getPrototypeOf(tree) !== Object.prototype) return false;
  return Object.entries(tree).every(([name, part]) => collect(part, [...path, name], arrays));
}

/** Throws unless the numbers of an array fit its shape and type. */
function requireArray({ shape, dtype, data }: HostArray, path = ""): void {
  const fault = !isShape(shape)
    ? `the shape ${Array.isArray(shape) ? `[${shape.join(", ")}]` : describe(shape)}`
    : !["f32", "i32", "u32", "bool"].includes(dtype)
    ? `the type ${describe(dtype)}`
    : !isStorage(data, dtype) || data.length !== sizeOf(shape)
    ? `${
      ArrayBuffer.isView(data) ? `${describe(data)} of ${data.length}` : describe(data)
    } as the data of ${formatAval({ shape, dtype })}`
    : undefined;
  if (fault === undefined) return;
  throw new TypeError(
    `Cannot show an array${
      path === "" ? "" : ` at '${path}'`
    }: found ${fault}, expected an array as ` +
      `engine.read() or hostArray() returns it.`,
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

/** The tests of accuracy, and what is concluded of accuracy and time together. */
function verdictForms(verdict: Verdict): MimeBundle {
  const { plan, conclusions, families } = verdict;
  const caption = `${plan.study}: ${stateText(verdict)}`;
  const cells = families.flatMap((family) => family.cells);
  const tests = tableForms({ caption, ...accuracyTable(cells, { level: plan.level }) });
  if (conclusions.length === 0) return tests;
  const both = tableForms({
    caption: "accuracy and time together",
    ...conclusionTable(conclusions),
  });
  return Object.fromEntries(
    Object.entries(tests).map(([form, text]) => [form, `${text}\n${both[form]}`]),
  );
}
