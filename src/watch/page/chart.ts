/// <reference lib="dom" />
/**
 * A chart of lines that grow: drawn again when it is seen, read by mouse, finger and keyboard.
 *
 * @module
 */
import { makeScale, type Scale } from "./chart_scale.ts";
import { html, setAttributes, setText, svg } from "./dom.ts";
import { nearest, smooth, thin } from "./thin.ts";
import { numberWords, percentWords, tickWords } from "./words.ts";

/** A line of a chart. */
export interface Line {
  /** Tells it apart. */
  readonly key: string;
  /** Name in the readout. */
  readonly name: string;
  /** Its colour. */
  readonly color: string;
  /** Its dashes, as of SVG. */
  readonly dash: string;
  /** Positions, ascending. */
  readonly xs: readonly number[];
  /** Values. */
  readonly ys: readonly number[];
}

/** What a chart shows. */
export interface ChartModel {
  /** Heading. */
  readonly title: string;
  /** The lines. */
  readonly lines: readonly Line[];
  /** What is along the horizontal axis. */
  readonly xLabel: string;
  /** Logarithmic values, where all are positive. */
  readonly log: boolean;
  /** Weight of the moving average. */
  readonly smoothing: number;
  /** Key of the line that stands out. */
  readonly highlight?: string | undefined;
  /** Whether the values are shares, whose ticks are percent. */
  readonly share?: boolean;
  /** Writes a value. */
  readonly words: (value: number) => string;
}

const HEIGHT = 210;
const MARGIN = { top: 10, right: 14, bottom: 24, left: 50 };

/** Lines in one readout. */
const MOST_ROWS = 12;

/** Places of the keyboard along the axis. */
const STRIDES = 100;

interface Drawn {
  readonly model: ChartModel;
  readonly lines: readonly Line[];
  readonly x: Scale;
  readonly y: Scale;
  readonly xs: readonly number[];
  readonly width: number;
}

/** A chart in the page. */
export class Chart {
  /** The element to put into the page. */
  readonly element: HTMLElement;
  readonly #heading = html("h3");
  readonly #picture = svg("svg", { "aria-hidden": "true", height: HEIGHT });
  readonly #cursor = svg("g");
  readonly #readout = html("div", { class: "readout", hidden: true });
  readonly #plot: HTMLElement;
  #model: ChartModel | undefined;
  #drawn: Drawn | undefined;
  #at: number | undefined;
  #seen = false;
  #due = false;

  /**
   * Makes an empty chart.
   *
   * @param id Tells it from other charts of the page.
   */
  constructor(id: string) {
    this.#plot = html(
      "div",
      {
        class: "plot",
        tabindex: 0,
        role: "slider",
        "aria-valuemin": 0,
        "aria-valuemax": 0,
        "aria-valuenow": 0,
      },
      this.#picture,
      this.#readout,
    );
    this.element = html("figure", { class: "chart", id }, this.#heading, this.#plot);
    this.#plot.addEventListener("pointermove", (event) => this.#point(event));
    this.#plot.addEventListener("pointerdown", (event) => this.#point(event));
    this.#plot.addEventListener("pointerleave", () => this.#read(undefined));
    this.#plot.addEventListener("blur", () => this.#read(undefined));
    this.#plot.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#plan()).observe(this.#plot);
    new IntersectionObserver(([entry]) => {
      this.#seen = entry!.isIntersecting;
      if (this.#seen) this.#plan();
    }, { rootMargin: "200px" }).observe(this.element);
  }

  /** Shows something else, soon. */
  show(model: ChartModel): void {
    this.#model = model;
    // A chart that is not seen yet has a name all the same.
    setText(this.#heading, model.title);
    setAttributes(this.#plot, { "aria-label": `${model.title}, along ${model.xLabel}` });
    this.#plan();
  }

  #plan(): void {
    if (this.#due || !this.#seen) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      if (this.#model) this.#draw(this.#model);
    });
  }

  #draw(model: ChartModel): void {
    const width = this.#plot.clientWidth;
    if (width === 0) return;
    const given = model.lines.filter(({ xs }) => xs.length > 0);
    const smoothed = given.map((line) => ({ ...line, ys: smooth(line.ys, model.smoothing) }));
    const ys = bounds(given.map((line) => line.ys));
    const xs = bounds(given.map((line) => line.xs));
    const log = model.log && ys[0] > 0;
    const pad = log ? 0 : 0.04 * (ys[1] - ys[0]);
    const x = makeScale(xs, [MARGIN.left, width - MARGIN.right], {
      ticks: Math.max(2, Math.floor(width / 90)),
    });
    const y = makeScale([ys[0] - pad, ys[1] + pad], [HEIGHT - MARGIN.bottom, MARGIN.top], {
      ...{ ticks: 5, log },
    });
    const columns = Math.max(1, Math.floor(width - MARGIN.left - MARGIN.right));
    const lines = given.flatMap((line, k) => {
      const pale = model.highlight !== undefined && model.highlight !== line.key;
      const noisy = path(line, { x, y, columns }, { opacity: pale ? 0.08 : 0.25, width: 1 });
      const opacity = pale ? 0.18 : 1;
      const even = path(smoothed[k]!, { x, y, columns }, { opacity, width: pale ? 1.5 : 2 });
      return model.smoothing > 0 ? [noisy, even] : [even];
    });
    this.#picture.replaceChildren(...axes({ x, y, width, model }), ...lines, this.#cursor);
    setAttributes(this.#picture, { width, viewBox: `0 0 ${width} ${HEIGHT}` });
    // The keyboard goes along the line with the most points.
    const longest = given.reduce<readonly number[]>(
      (best, line) => line.xs.length > best.length ? line.xs : best,
      [],
    );
    this.#drawn = { model, lines: smoothed, x, y, xs: longest, width };
    setAttributes(this.#plot, {
      "aria-valuemin": xs[0],
      "aria-valuemax": xs[1],
    });
    this.#read(this.#at);
    if (this.#at === undefined) this.#tell(xs[1]);
  }

  #point(event: PointerEvent): void {
    if (!this.#drawn) return;
    this.#read(this.#drawn.x.valueAt(event.clientX - this.#plot.getBoundingClientRect().left));
  }

  #key(event: KeyboardEvent): void {
    if (!this.#drawn || this.#drawn.xs.length === 0) return;
    const { xs } = this.#drawn;
    const last = xs.length - 1;
    const now = this.#at === undefined ? last : nearest(xs, this.#at);
    const stride = Math.max(1, Math.round(xs.length / STRIDES));
    const places: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: now - stride, ArrowDown: now - stride, PageDown: now - 10 * stride },
      ...{ ArrowRight: now + stride, ArrowUp: now + stride, PageUp: now + 10 * stride },
      ...{ Home: 0, End: last },
    };
    if (event.key === "Escape") this.#read(undefined);
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    this.#read(xs[Math.min(last, Math.max(0, place))]);
  }

  /** What the lines say at a position, as text for those who hear it. */
  #tell(at: number): void {
    if (!this.#drawn) return;
    const { model, lines } = this.#drawn;
    const rows = rowsAt(lines, at).map(({ line, y }) => `${line.name} ${model.words(y)}`);
    setAttributes(this.#plot, {
      "aria-valuenow": at,
      "aria-valuetext": `${model.xLabel} ${tickWords(at)}: ${rows.join(", ") || "nothing"}`,
    });
  }

  /** Shows the values at a position. */
  #read(at: number | undefined): void {
    const rows = at === undefined || !this.#drawn ? [] : rowsAt(this.#drawn.lines, at);
    this.#at = rows.length > 0 ? at : undefined;
    this.#readout.hidden = rows.length === 0;
    if (rows.length === 0 || !this.#drawn || at === undefined) {
      this.#cursor.replaceChildren();
      return;
    }
    const { x, y, model, width } = this.#drawn;
    const nearestX =
      rows.reduce((best, row) => Math.abs(row.x - at) < Math.abs(best.x - at) ? row : best).x;
    this.#tell(nearestX);
    const place = x.at(nearestX);
    this.#cursor.replaceChildren(
      svg("line", {
        ...{ class: "cursor", x1: place, x2: place, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom },
      }),
      ...rows.filter((row) => Number.isFinite(y.at(row.y))).map((row) =>
        svg("circle", { cx: x.at(row.x), cy: y.at(row.y), r: 3.5, fill: row.line.color })
      ),
    );
    const shown = rows.toSorted((a, b) => b.y - a.y).slice(0, MOST_ROWS);
    this.#readout.replaceChildren(
      html("b", {}, `${model.xLabel} ${numberWords(nearestX)}`),
      ...shown.map((row) =>
        html(
          "div",
          {},
          swatch(row.line),
          html("span", { class: "name" }, row.line.name),
          html("span", { class: "value" }, model.words(row.y)),
        )
      ),
      ...(rows.length > MOST_ROWS
        ? [html("small", {}, `and ${rows.length - MOST_ROWS} more`)]
        : []),
    );
    const right = place > width / 2;
    this.#readout.style.left = right ? "auto" : `${place + 12}px`;
    this.#readout.style.right = right ? `${width - place + 12}px` : "auto";
  }
}

/**
 * A short piece of a line, for legends.
 *
 * @param line Colour and dashes.
 */
export function swatch({ color, dash }: Pick<Line, "color" | "dash">): SVGSVGElement {
  return svg(
    "svg",
    { class: "swatch", width: 20, height: 8, "aria-hidden": "true" },
    svg("line", {
      ...{
        x1: 0,
        y1: 4,
        x2: 20,
        y2: 4,
        stroke: color,
        "stroke-width": 3,
        "stroke-dasharray": dash,
      },
    }),
  );
}

/** The value of every line at the point that is nearest to a position. */
function rowsAt(
  lines: readonly Line[],
  at: number,
): { readonly line: Line; readonly x: number; readonly y: number }[] {
  return lines.map((line) => {
    const k = nearest(line.xs, at);
    return { line, x: line.xs[k]!, y: line.ys[k]! };
  });
}

/** Lowest and highest number of several lists. */
function bounds(lists: readonly (readonly number[])[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

function path(
  line: Line,
  { x, y, columns }: { readonly x: Scale; readonly y: Scale; readonly columns: number },
  { opacity, width }: { readonly opacity: number; readonly width: number },
): SVGElement {
  const chosen = thin(line.xs, line.ys, columns);
  const places = chosen.map((k) =>
    `${x.at(line.xs[k]!).toFixed(1)} ${y.at(line.ys[k]!).toFixed(1)}`
  );
  if (places.length === 1) {
    const [cx, cy] = places[0]!.split(" ");
    return svg("circle", { cx: cx!, cy: cy!, r: 3, fill: line.color, opacity });
  }
  return svg("path", {
    ...{ d: `M${places.join("L")}`, fill: "none", stroke: line.color, opacity },
    // A line that goes up and down in every column is a band: thin, it lets others through.
    ...{
      "stroke-width": places.length > 2 * columns ? 0.6 * width : width,
      "stroke-dasharray": line.dash,
      "stroke-linejoin": "round",
    },
  });
}

function axes(
  { x, y, width, model }: {
    readonly x: Scale;
    readonly y: Scale;
    readonly width: number;
    readonly model: ChartModel;
  },
): SVGElement[] {
  const { xLabel: label, share = false } = model;
  const yWords = share ? percentWords : tickWords;
  const bottom = HEIGHT - MARGIN.bottom;
  const end = width - MARGIN.right;
  // The label stands where the last ticks would.
  const room = end - 7 * label.length - 16;
  return [
    ...y.ticks.flatMap((tick) => [
      svg("line", { class: "grid", x1: MARGIN.left, x2: end, y1: y.at(tick), y2: y.at(tick) }),
      svg("text", { x: MARGIN.left - 7, y: y.at(tick) + 4, "text-anchor": "end" }, yWords(tick)),
    ]),
    svg("line", { class: "axis", x1: MARGIN.left, x2: end, y1: bottom, y2: bottom }),
    ...x.ticks.filter((tick) => x.at(tick) < room).map((tick) =>
      svg("text", { x: x.at(tick), y: bottom + 17, "text-anchor": "middle" }, tickWords(tick))
    ),
    svg("text", { x: end, y: bottom + 17, "text-anchor": "end" }, label),
  ];
}
