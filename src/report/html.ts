/**
 * The self-contained report of a run: one HTML file without scripts or outside requests.
 *
 * @module
 */
import { escapeHtml } from "./escape_html.ts";
import { reportStyle } from "./style.ts";
import { inertSvg } from "./svg.ts";

/** Something a reader must know before the figures. */
export interface ReportNotice {
  /** `warning` for what weakens the figures, such as synthetic data; `info` for the rest. */
  readonly kind: "warning" | "info";
  /** One or two sentences. */
  readonly text: string;
}

/** One arm of an experiment, as a row of the table. */
export interface ReportArm {
  /** Name of the arm. */
  readonly name: string;
  /** What the arm does, in a few words. */
  readonly description?: string;
  /** Optimizer steps. */
  readonly steps: number;
  /** Examples seen. */
  readonly samples: number;
  /** Floating-point operations, counted from the programs. */
  readonly flops: number;
  /** Wall-clock seconds. */
  readonly seconds: number;
  /** Share of right answers on the validation split at the end, from 0 to 1. */
  readonly validationAccuracy?: number;
  /** Share of right answers on the test split, from 0 to 1. */
  readonly testAccuracy?: number;
}

/** One picture of a report. */
export interface ReportChart {
  /** Heading. */
  readonly title: string;
  /** What to see in it. */
  readonly caption: string;
  /** The SVG element: shapes and text; what could act, load or link is refused. */
  readonly svg: string;
}

/** Content of a report. */
export interface Report {
  /** Heading. */
  readonly title: string;
  /** What was asked and what came out, one paragraph an item. */
  readonly summary: readonly string[];
  /** What to know before the figures. */
  readonly notices?: readonly ReportNotice[];
  /** Short facts, such as engine, adapter, seed and data, by name. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The table. */
  readonly arms: readonly ReportArm[];
  /** The pictures. */
  readonly charts: readonly ReportChart[];
  /** The configuration as text, such as the `config.yaml`. */
  readonly configuration: string;
}

/**
 * Renders a report as one HTML file that needs no network, no script and no other file. All text is
 * escaped; a content security policy in the file holds it to that.
 *
 * @param report Content.
 * @returns The HTML text; the same content gives the same text.
 * @throws {TypeError} If an SVG holds anything but shapes and text, such as a script, an event handler, a
 * link or a style.
 *
 * @example
 * ```ts
 * import { renderReport } from "@mutasesumele/toolkit";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const html = renderReport({
 *   title: "cifar-maml, seed 0",
 *   summary: ["The meta-trained arm reached 60% after 500 steps."],
 *   notices: [{ kind: "warning", text: "Synthetic data: the figures say nothing about CIFAR-10." }],
 *   facts: { engine: "webgpu", seed: 0 },
 *   arms: [{ name: "meta", steps: 500, samples: 32000, flops: 2.1e12, seconds: 61 }],
 *   charts: [],
 *   configuration: "steps: 500\n",
 * });
 * assertStringIncludes(html, "2.1 T");
 * ```
 */
export function renderReport(report: Report): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(report.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<h1>${escapeHtml(report.title)}</h1>
${lines((report.notices ?? []).map(renderNotice))}
<section aria-label="Summary" class="summary">
${lines(report.summary.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`))}
</section>
${renderFacts(report.facts)}
<h2>Arms</h2>
${renderArms(report.arms)}
${report.charts.length > 0 ? "<h2>Learning curves</h2>" : ""}
${lines(report.charts.map(renderChart))}
<h2>Configuration</h2>
<details>
<summary>Show the complete configuration</summary>
<pre tabindex="0"><code>${escapeHtml(report.configuration)}</code></pre>
</details>
</main>
</body>
</html>
`;
}

/**
 * Writes a large number for people, with the prefix of the International System: `2.1 T`.
 *
 * @param value A finite number of at least 0.
 */
export function formatQuantity(value: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
  let scaled = value;
  let index = 0;
  while (Number(scaled.toPrecision(3)) >= 1000 && index < prefixes.length - 1) {
    scaled /= 1000;
    index++;
  }
  const digits = String(Number(scaled.toPrecision(3)));
  return index === 0 ? digits : `${digits} ${prefixes[index]}`;
}

function renderNotice({ kind, text }: ReportNotice): string {
  const label = kind === "warning" ? "Warning" : "Note";
  return `<p class="notice ${kind}" role="note"><strong>${label}.</strong> ${escapeHtml(text)}</p>`;
}

function renderFacts(facts: Report["facts"]): string {
  const items = Object.entries(facts).map(([name, value]) =>
    `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(String(value))}</dd></div>`
  );
  return `<dl class="facts">\n${lines(items)}\n</dl>`;
}

function renderArms(arms: readonly ReportArm[]): string {
  const rows = arms.map((arm) => {
    const description = arm.description === undefined
      ? ""
      : `<span class="description">${escapeHtml(arm.description)}</span>`;
    const cells = [
      arm.steps.toLocaleString("en-US"),
      arm.samples.toLocaleString("en-US"),
      formatQuantity(arm.flops),
      arm.seconds.toFixed(1),
      formatAccuracy(arm.validationAccuracy),
      formatAccuracy(arm.testAccuracy),
    ];
    return `<tr><th scope="row">${escapeHtml(arm.name)}${description}</th>${
      cells.map((cell) => `<td>${cell}</td>`).join("")
    }</tr>`;
  });
  const heads = ["Arm", "Steps", "Samples", "FLOP", "Seconds", "Validation", "Test"];
  return `<div class="table" tabindex="0" role="region" aria-label="Table of arms">
<table>
<caption>Cost of each arm and its accuracy at the end. A dash means: not measured.</caption>
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead>
<tbody>
${lines(rows)}
</tbody>
</table>
</div>`;
}

function renderChart({ title, caption, svg }: ReportChart): string {
  return `<figure>
<h3>${escapeHtml(title)}</h3>
${pictureOf({ title, svg })}
<figcaption>${escapeHtml(caption)}</figcaption>
</figure>`;
}

/** The SVG is the one thing that is not escaped, so it must be a picture and nothing else. */
function pictureOf({ title, svg }: Pick<ReportChart, "title" | "svg">): string {
  try {
    return inertSvg(svg);
  } catch (error) {
    throw new TypeError(
      `Cannot put chart "${title}" into a report: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

function formatAccuracy(share: number | undefined): string {
  return share === undefined ? "–" : `${(100 * share).toFixed(2)}%`;
}

function lines(items: readonly string[]): string {
  return items.join("\n");
}
