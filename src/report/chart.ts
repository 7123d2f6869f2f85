/**
 * Learning curves as SVG by Vega-Lite: the same data give the same bytes in every process.
 *
 * @example A line with a band around it
 * ```ts
 * import { assert } from "@std/assert";
 * import { learningCurveSvg } from "@mutasesumele/toolkit/report/charts";
 *
 * const points = [{ x: 0, y: 0.1, low: 0, high: 0.2 }, { x: 10, y: 0.5, low: 0.4, high: 0.6 }];
 * const svg = await learningCurveSvg({
 *   series: [{ name: "meta", points }],
 *   xLabel: "steps",
 *   yLabel: "accuracy",
 *   description: "Accuracy rises from 0.1 to 0.5.",
 * });
 * assert(svg.startsWith("<svg"));
 * ```
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import { printable } from "../text/printable.ts";
import { COLORS, DASHES } from "./line_styles.ts";

/** One point of a {@linkcode ChartSeries}. */
export interface ChartPoint {
  /** Horizontal position, such as steps or FLOPs. */
  readonly x: number;
  /** Value of the line. */
  readonly y: number;
  /** Lower end of the band; give `high` too. */
  readonly low?: number;
  /** Upper end of the band; give `low` too. */
  readonly high?: number;
}

/** One named line, with a band where its points have one. */
export interface ChartSeries {
  /** Name in the legend. */
  readonly name: string;
  /** Points, in any order. */
  readonly points: readonly ChartPoint[];
}

/** What {@linkcode learningCurveSvg} draws. */
export interface ChartOptions {
  /** The lines; colours go by their order. */
  readonly series: readonly ChartSeries[];
  /** Label of the horizontal axis, with unit. */
  readonly xLabel: string;
  /** Label of the vertical axis, with unit. */
  readonly yLabel: string;
  /** What the picture shows, for people who cannot see it. */
  readonly description: string;
  /** A horizontal line to compare with, such as chance. */
  readonly reference?: { readonly label: string; readonly y: number };
  /** Width of the plot in pixels without axes and legend (default 680). */
  readonly width?: number;
  /** Height of the plot in pixels without axes (default 300). */
  readonly height?: number;
  /** `true` shows the vertical axis as percent. */
  readonly percent?: boolean;
  /** Logarithmic horizontal axis; all `x` must be positive. */
  readonly logX?: boolean;
  /** `true` draws points without lines, for what has no order. */
  readonly pointsOnly?: boolean;
  /** Fill of the page behind the chart, such as `white` (default none, for inline SVG). */
  readonly background?: string;
}

const SERIES = is.objectWith({ name: is.text, points: is.listOf(is.object) }, "a line");

/** A line of more points is drawn without dots. */
const MOST_DOTS = 50;

/**
 * Draws learning curves. Bands must be computed before (Vega-Lite's own are bootstrapped at random). Text
 * and axes take the colour of the page (`currentColor`), so the picture fits light and dark.
 *
 * @param options Series and labels.
 * @returns The SVG element.
 * @throws {RangeError} If there is no point, a coordinate is not finite, or `x` is not positive on a
 * logarithmic axis; the message names the series.
 *
 * @example
 * ```ts
 * import { learningCurveSvg } from "@mutasesumele/toolkit/report/charts";
 * import { assertMatch } from "@std/assert";
 *
 * const svg = await learningCurveSvg({
 *   series: [{ name: "meta", points: [{ x: 0, y: 0.1 }, { x: 100, y: 0.6, low: 0.5, high: 0.7 }] }],
 *   xLabel: "steps",
 *   yLabel: "validation accuracy",
 *   description: "Validation accuracy rises from 10% to 60% in 100 steps.",
 *   percent: true,
 * });
 * assertMatch(svg, /^<svg /);
 * ```
 */
export async function learningCurveSvg(options: ChartOptions): Promise<string> {
  requireOptions("learningCurveSvg", options, {
    series: is.listOf(SERIES),
    xLabel: is.text,
    yLabel: is.text,
    description: is.text,
    reference: is.optional(is.objectWith({ label: is.text, y: is.finite })),
    width: is.optional(is.positive),
    height: is.optional(is.positive),
    percent: is.optional(is.flag),
    logX: is.optional(is.flag),
    pointsOnly: is.optional(is.flag),
    background: is.optional(is.text),
  });
  assertPoints(options);
  const shown = withPrintableTexts(options);
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  // The specification is plain data; its type would pull all of Vega-Lite's types into ours.
  const spec = specification(shown) as unknown as Parameters<typeof vegaLite.compile>[0];
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: "none" });
  try {
    return withDescription(await view.toSVG(), shown.description);
  } finally {
    view.finalize();
  }
}

/** Throws unless there is something to draw and all of it can be drawn. */
function assertPoints(options: ChartOptions): void {
  if (options.series.every((series) => series.points.length === 0)) {
    throw new RangeError("Cannot draw learning curves: found no point, expected at least one.");
  }
  for (const { name, points } of options.series) {
    for (const point of points) {
      const wrong = Object.entries(point).find(([, value]) => !Number.isFinite(value));
      if (wrong) {
        throw new RangeError(
          `Cannot draw series "${name}": found ${wrong[0]} = ${
            wrong[1]
          }, expected a finite number.`,
        );
      }
      if (options.logX && point.x <= 0) {
        throw new RangeError(
          `Cannot draw series "${name}" on a logarithmic axis: found x = ${point.x}, expected x > 0.`,
        );
      }
    }
  }
}

/** Control characters have no place in XML, where not even an entity may name them. */
function withPrintableTexts(options: ChartOptions): ChartOptions {
  const { series, reference } = options;
  return {
    ...options,
    series: series.map((line) => ({ ...line, name: printable(line.name) })),
    xLabel: printable(options.xLabel),
    yLabel: printable(options.yLabel),
    description: printable(options.description),
    ...(reference && { reference: { ...reference, label: printable(reference.label) } }),
  };
}

/** The Vega-Lite specification: reference rule, bands, lines, points. */
function specification(options: ChartOptions): Record<string, unknown> {
  const rows = options.series.flatMap(({ name, points }) =>
    points.toSorted((a, b) => a.x - b.x).map((point) => ({ series: name, ...point }))
  );
  const names = options.series.map((series) => series.name);
  const scale = (range: readonly unknown[], shift = 0) => ({
    domain: names,
    // Where colours begin again, dashes are shifted: no two of 49 lines have both in common.
    range: names.map((_, index) =>
      range[(index + shift * Math.floor(index / range.length)) % range.length]
    ),
  });
  const color = { field: "series", type: "nominal", scale: scale(COLORS), title: null, sort: null };
  const dash = {
    field: "series",
    type: "nominal",
    scale: scale(DASHES, 1),
    title: null,
    sort: null,
  };
  const x = {
    field: "x",
    type: "quantitative",
    title: options.xLabel,
    axis: {
      format: "~s",
      labelExpr: "datum.value === 0 ? '0' : datum.label",
      grid: false,
      tickCount: 6,
    },
    scale: { type: options.logX ? "log" : "linear", nice: false },
  };
  const y = {
    field: "y",
    type: "quantitative",
    title: options.yLabel,
    axis: { format: options.percent ? "~%" : "~g", tickCount: 6 },
    scale: { zero: false, nice: true },
  };
  const bands = rows.filter((row) => row.low !== undefined && row.high !== undefined);
  const layer: Record<string, unknown>[] = [];
  if (options.reference) {
    const { label, y: level } = options.reference;
    layer.push({
      data: { values: [{ y: level }] },
      mark: { type: "rule", strokeDash: [2, 4], color: "currentColor", opacity: 0.55 },
      encoding: { y },
    }, {
      data: { values: [{ y: level, label }] },
      mark: { type: "text", align: "right", dy: -6, color: "currentColor", opacity: 0.75 },
      encoding: { x: { value: "width" }, y, text: { field: "label", type: "nominal" } },
    });
  }
  if (bands.length > 0) {
    layer.push({
      data: { values: bands },
      mark: { type: "area", opacity: 0.18 },
      encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
    });
  }
  if (!options.pointsOnly) {
    layer.push({
      data: { values: rows },
      mark: { type: "line", strokeWidth: 2 },
      encoding: { x, y, color, strokeDash: dash },
    });
  }
  const sparse = options.series.filter((series) =>
    options.pointsOnly || series.points.length <= MOST_DOTS
  );
  if (sparse.length > 0) {
    const dotted = new Set(sparse.map((series) => series.name));
    layer.push({
      data: { values: rows.filter((row) => dotted.has(row.series)) },
      mark: { type: "point", filled: true, size: options.pointsOnly ? 60 : 18, opacity: 1 },
      encoding: { x, y, color },
    });
  }
  return {
    width: options.width ?? 680,
    height: options.height ?? 300,
    background: options.background ?? null,
    layer,
    config: {
      aria: false,
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: {
        labelColor: "currentColor",
        titleColor: "currentColor",
        titleFontWeight: "normal",
        domainColor: "currentColor",
        domainOpacity: 0.4,
        tickColor: "currentColor",
        tickOpacity: 0.4,
        gridColor: "currentColor",
        gridOpacity: 0.12,
        labelFontSize: 11,
        titleFontSize: 12,
      },
      legend: {
        labelColor: "currentColor",
        labelFontSize: 12,
        labelLimit: 0,
        columns: 3,
        orient: "top",
        symbolType: "stroke",
        symbolSize: 500,
        symbolOpacity: 1,
        symbolStrokeWidth: 2,
      },
      text: { fontSize: 11 },
    },
  };
}

/** Gives the picture a role and a text, so that screen readers speak it instead of its parts. */
function withDescription(drawn: string, description: string): string {
  // Parts of a picture have no roles: they would each need a text of their own.
  const svg = drawn.replace(
    /<g [^>]*>/g,
    (tag) => tag.replace(/ (?:role|aria-roledescription)="[^"]*"/g, ""),
  );
  const escaped = description.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
  return svg.replace("<svg ", `<svg role="img" aria-label="${escaped}" `);
}
