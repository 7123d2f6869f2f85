/**
 * Pages of texts, tables and pictures: one HTML file without scripts or outside requests.
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

/** One picture. */
export interface ReportChart {
  /** Heading. */
  readonly title: string;
  /** What to see in it. */
  readonly caption: string;
  /** The SVG element: shapes and text; what could act, load or link is refused. */
  readonly svg: string;
}

/** One picture of pixels. */
export interface ReportImage {
  /** Heading. */
  readonly title: string;
  /** What to see in it. */
  readonly caption: string;
  /** The bytes of a PNG file, which go into the page. */
  readonly png: Uint8Array;
}

/** One row of a table. */
export interface PageRow {
  /** What the row is about. */
  readonly head: string;
  /** More of it, in small letters. */
  readonly description?: string;
  /** The other columns. */
  readonly cells: readonly string[];
  /** Outcome that the row stands for; it colours the first cell, which also says it. */
  readonly tone?: "win" | "loss" | "tie" | "undecided";
}

/** One part of a page; all texts are escaped. */
export type PageSection =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "text"; readonly paragraphs: readonly string[]; readonly label?: string }
  | { readonly kind: "facts"; readonly facts: Readonly<Record<string, string | number>> }
  | {
    readonly kind: "table";
    readonly label: string;
    readonly caption: string;
    readonly heads: readonly string[];
    readonly rows: readonly PageRow[];
  }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "chart"; readonly chart: ReportChart }
  | { readonly kind: "image"; readonly image: ReportImage }
  | {
    readonly kind: "fold";
    readonly summary: string;
    readonly sections: readonly PageSection[];
  }
  | { readonly kind: "code"; readonly text: string };

/**
 * Renders a page that needs no network, no script and no other file. All text is escaped; a content
 * security policy in the file holds it to that.
 *
 * @param page Heading, notices and sections.
 * @returns The HTML text; the same content gives the same text.
 * @throws {TypeError} If an SVG holds anything but shapes and text, or an image is no PNG file.
 */
export function renderPage(
  { title, notices = [], sections }: {
    readonly title: string;
    readonly notices?: readonly ReportNotice[];
    readonly sections: readonly PageSection[];
  },
): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${lines(notices.map(renderNotice))}
${lines(sections.map(renderSection))}
</main>
</body>
</html>
`;
}

function renderSection(section: PageSection): string {
  switch (section.kind) {
    case "heading":
      return `<h2>${escapeHtml(section.text)}</h2>`;
    case "text":
      return `<section${
        section.label === undefined ? "" : ` aria-label="${escapeHtml(section.label)}"`
      } class="summary">\n${
        lines(section.paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`))
      }\n</section>`;
    case "facts":
      return `<dl class="facts">\n${
        lines(
          Object.entries(section.facts).map(([name, value]) =>
            `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(String(value))}</dd></div>`
          ),
        )
      }\n</dl>`;
    case "table":
      return renderTable(section);
    case "list":
      return `<ul>\n${lines(section.items.map((item) => `<li>${escapeHtml(item)}</li>`))}\n</ul>`;
    case "chart":
      return renderChart(section.chart);
    case "image":
      return renderImage(section.image);
    case "fold":
      return `<details>\n<summary>${escapeHtml(section.summary)}</summary>\n${
        lines(section.sections.map(renderSection))
      }\n</details>`;
    case "code":
      return `<pre tabindex="0"><code>${escapeHtml(section.text)}</code></pre>`;
  }
}

function renderNotice({ kind, text }: ReportNotice): string {
  const label = kind === "warning" ? "Warning" : "Note";
  return `<p class="notice ${kind}" role="note"><strong>${label}.</strong> ${escapeHtml(text)}</p>`;
}

/** On a narrow screen the style turns rows into cards; the roles keep it a table for those who hear it. */
function renderTable(
  { label, caption, heads, rows }: Extract<PageSection, { kind: "table" }>,
): string {
  const body = rows.map(({ head, description, cells, tone }) => {
    const more = description === undefined
      ? ""
      : `<span class="description">${escapeHtml(description)}</span>`;
    const columns = cells.map((cell, at) => {
      const outcome = tone !== undefined && at === 0 ? ` class="outcome ${tone}"` : "";
      const label = ` data-label="${escapeHtml(heads[at + 1] ?? "")}"`;
      return `<td role="cell"${label}${outcome}>${escapeHtml(cell)}</td>`;
    });
    return `<tr role="row"><th scope="row" role="rowheader">${escapeHtml(head)}${more}</th>${
      columns.join("")
    }</tr>`;
  });
  return `<div class="table" tabindex="0" role="region" aria-label="${escapeHtml(label)}">
<table role="table">
<caption><span>${escapeHtml(caption)}</span></caption>
<thead role="rowgroup"><tr role="row">${
    heads.map((head) => `<th scope="col" role="columnheader">${escapeHtml(head)}</th>`).join("")
  }</tr></thead>
<tbody role="rowgroup">
${lines(body)}
</tbody>
</table>
</div>`;
}

function renderChart({ title, caption, svg }: ReportChart): string {
  const label = `Picture, scrolls sideways: ${title}`;
  return `<figure>
<h3>${escapeHtml(title)}</h3>
<div class="picture" tabindex="0" role="region" aria-label="${escapeHtml(label)}">
${pictureOf({ title, svg })}
</div>
<figcaption>${escapeHtml(caption)}</figcaption>
</figure>`;
}

function renderImage({ title, caption, png }: ReportImage): string {
  const { width, height } = pngExtents(title, png);
  const label = `Picture, scrolls sideways: ${title}`;
  return `<figure>
<h3>${escapeHtml(title)}</h3>
<div class="picture" tabindex="0" role="region" aria-label="${escapeHtml(label)}">
<img alt="${
    escapeHtml(`${title}. ${caption}`)
  }" width="${width}" height="${height}" src="data:image/png;base64,${encodeBase64(png)}">
</div>
<figcaption>${escapeHtml(caption)}</figcaption>
</figure>`;
}

/** Every PNG file begins so: its signature, then the length and name of the chunk of its extents. */
const PNG_START = [137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82];

/** Extents of a PNG file, from its header. */
function pngExtents(title: string, png: Uint8Array): { width: number; height: number } {
  if (png.length < 24 || PNG_START.some((byte, k) => png[k] !== byte)) {
    throw new TypeError(
      `Cannot put image "${title}" into a report: found ${png.length} bytes that are no PNG file. ` +
        `Encode it as PNG.`,
    );
  }
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Letters, digits, plus, slash and equals signs, whatever the bytes are. */
function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let k = 0; k < bytes.length; k += 0x2000) {
    text += String.fromCharCode(...bytes.subarray(k, k + 0x2000));
  }
  return btoa(text);
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

function lines(items: readonly string[]): string {
  return items.join("\n");
}
