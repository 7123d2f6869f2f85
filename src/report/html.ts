/**
 * The self-contained report of a run: one HTML file without scripts or outside requests.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import {
  type PageRow,
  renderPage,
  type ReportChart,
  type ReportImage,
  type ReportNotice,
} from "./page.ts";
import { formatQuantity } from "./quantity.ts";
import { wilsonInterval } from "./wilson.ts";

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
  /** Number of test images; with it, the accuracy has an interval. */
  readonly testImages?: number;
}

const ARM = is.objectWith({
  name: is.text,
  description: is.optional(is.text),
  steps: is.finite,
  samples: is.finite,
  flops: is.finite,
  seconds: is.finite,
  validationAccuracy: is.optional(is.share),
  testAccuracy: is.optional(is.share),
  testImages: is.optional(is.count),
}, "an arm");

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
  /** What pretext tasks show, and other images; none unless told. */
  readonly images?: readonly ReportImage[];
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
 * link or a style, or an image is no PNG file.
 *
 * @example
 * ```ts
 * import { renderReport } from "@mutasesumele/toolkit/report";
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
  requireOptions("renderReport", report, {
    title: is.text,
    summary: is.listOf(is.text),
    notices: is.optional(
      is.listOf(is.objectWith({ kind: is.oneOf("warning", "info"), text: is.text })),
    ),
    facts: is.object,
    arms: is.listOf(ARM),
    charts: is.listOf(is.objectWith({ title: is.text, caption: is.text, svg: is.text })),
    images: is.optional(
      is.listOf(is.objectWith({ title: is.text, caption: is.text, png: is.bytes })),
    ),
    configuration: is.text,
  });
  const { title, notices = [], summary, facts, arms, charts, configuration } = report;
  const { images = [] } = report;
  return renderPage({
    title,
    notices,
    sections: [
      { kind: "text", label: "Summary", paragraphs: summary },
      { kind: "facts", facts },
      { kind: "heading", text: "Arms" },
      {
        kind: "table",
        label: "Table of arms",
        caption:
          "Cost of each arm and its accuracy at the end, with its 95% interval over test images. " +
          "A dash means: not measured.",
        heads: ["Arm", "Steps", "Samples", "FLOP", "Seconds", "Validation", "Test"],
        rows: arms.map(rowOf),
      },
      ...(charts.length > 0 ? [{ kind: "heading", text: "Learning curves" } as const] : []),
      ...charts.map((chart) => ({ kind: "chart", chart }) as const),
      ...(images.length > 0 ? [{ kind: "heading", text: "Pretext tasks" } as const] : []),
      ...images.map((image) => ({ kind: "image", image }) as const),
      { kind: "heading", text: "Configuration" },
      {
        kind: "fold",
        summary: "Show the complete configuration",
        sections: [{ kind: "code", text: configuration }],
      },
    ],
  });
}

function rowOf(arm: ReportArm): PageRow {
  return {
    head: arm.name,
    ...(arm.description !== undefined && { description: arm.description }),
    cells: [
      arm.steps.toLocaleString("en-US"),
      arm.samples.toLocaleString("en-US"),
      formatQuantity(arm.flops),
      arm.seconds.toFixed(1),
      formatAccuracy(arm.validationAccuracy),
      formatAccuracy(arm.testAccuracy, arm.testImages),
    ],
  };
}

function formatAccuracy(share: number | undefined, images?: number): string {
  if (share === undefined) return "–";
  const text = (value: number) => `${(100 * value).toFixed(2)}%`;
  if (images === undefined) return text(share);
  const { low, high } = wilsonInterval(share, { trials: images });
  return `${text(share)} [${text(low)}, ${text(high)}]`;
}
