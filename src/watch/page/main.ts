/// <reference lib="dom" />
/**
 * The page: what is chosen, how it is drawn, and who is told of what.
 *
 * @module
 */
import { Chart, type Line, swatch } from "./chart.ts";
import { byId, html, setText, showList } from "./dom.ts";
import { showCards } from "./facts.ts";
import { Follower, paceSeen } from "./follow.ts";
import { chooseLines, type LegendLine, legendLines } from "./lines.ts";
import { isShare, MEMORY, ORDER, SECONDS, sectionOf, SECTIONS } from "./panels.ts";
import { showPictures } from "./pictures.ts";
import { readSettings, type Settings, writeSettings } from "./settings.ts";
import { showMenu } from "./run_menu.ts";
import { byteWords, metricWords, numberWords, percentWords, stepTimeWords } from "./words.ts";

/** Runs in one chart; more cannot be told apart. */
const MOST_RUNS = 24;

/** Running units of a sweep that are shown unless somebody chooses. */
const MOST_RUNNING = 6;

const settings: Settings = readSettings();
const hidden = new Set<string>();
const charts = new Map<string, Chart>();
let highlight: string | undefined;
let filter = "";
let due = false;

const follower = new Follower(plan);

/** Shows everything again, soon. */
function plan(): void {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    show();
  });
}

/** What is shown unless somebody has chosen: what was named, else what runs, else the newest. */
function defaultRuns(): string[] {
  const { runs, chosen } = follower.overview;
  if (chosen.length > 0) return chosen.slice(0, MOST_RUNS);
  const running = runs.filter(({ state }) => state === "running");
  const [newest] = runs;
  if (running.length > 0) return running.slice(0, MOST_RUNNING).map(({ id }) => id);
  return newest === undefined ? [] : [newest.id];
}

function choose(ids: readonly string[]): void {
  settings.runs = ids.slice(-MOST_RUNS);
  writeSettings(settings);
  void follower.ask();
  plan();
}

function toggle(id: string): void {
  const now = [...follower.runs.keys()];
  choose(now.includes(id) ? now.filter((one) => one !== id) : [...now, id]);
}

function show(): void {
  const { overview, lost } = follower;
  const known = new Set(overview.runs.map(({ id }) => id));
  const wanted = (settings.runs ?? defaultRuns()).filter((id) => known.has(id));
  const now = [...follower.runs.keys()];
  if (known.size > 0 && wanted.join("\n") !== now.join("\n")) {
    follower.choose(wanted);
    void follower.ask();
  }
  const message = lost
    ? "The server does not answer: it was ended, or its machine sleeps. The page goes on when it is back."
    : follower.asked
    ? overview.faults.join(" ")
    : byId("message").textContent ?? "";
  setText(byId("message"), message);
  byId("message").hidden = message === "";
  byId("message").className = `notice ${follower.asked ? "warning" : "info"}`;
  byId("follow").hidden = settings.runs === undefined;
  setText(byId("count"), `${overview.runs.length}`);
  showMenu({ studies: byId("studies"), list: byId("runs") }, {
    ...{ overview, filter, toggle, only: choose },
    chosen: new Set(follower.runs.keys()),
  });
  const followed = [...follower.runs];
  const cards = followed.flatMap(([, run]) =>
    run.detail === undefined
      ? []
      : [{ detail: run.detail, pace: paceSeen(run), faults: run.curves.faults }]
  );
  showCards(byId("cards"), cards);
  const [first] = cards;
  document.title = first === undefined
    ? "Runs"
    : `${first.detail.state}: ${first.detail.name}${
      cards.length > 1 ? ` and ${cards.length - 1} more` : ""
    }`;
  showPictures(byId("pictures"), cards.map(({ detail }) => detail));
  showCharts();
}

function showCharts(): void {
  const phases = [
    ...new Set(
      [...follower.runs.values()].flatMap(({ curves }) =>
        [...curves.curves.values()].map(({ phase }) => phase)
      ),
    ),
  ];
  const latest = [...follower.runs.values()].find(({ curves }) => curves.phase !== "")?.curves
    .phase;
  const phase = settings.phase !== undefined && phases.includes(settings.phase)
    ? settings.phase
    : latest ?? "";
  showPhases(phases, phase);
  const legend = legendLines(follower, phase);
  showLegend(legend);
  const lines = chooseLines(follower, { phase, axis: settings.axis, legend, hidden });
  byId("no-axis").hidden = lines.dropped === 0;
  const metrics = [...lines.byMetric.keys()];
  showList(byId("charts"), ORDER.filter((k) => metrics.some((metric) => sectionOf(metric) === k)), {
    key: String,
    make: (k) =>
      html(
        "section",
        {},
        html("h2", {}, SECTIONS[k]!.title),
        html("p", { class: "about" }, SECTIONS[k]!.about),
        html("div", { class: "grid" }),
      ),
    update: (section, k) =>
      showList(section.querySelector(".grid")!, metrics.filter((one) => sectionOf(one) === k), {
        key: (metric) => metric,
        make: (metric) => {
          const chart = new Chart(`chart-${metric}`);
          charts.set(metric, chart);
          return chart.element;
        },
        update: (_, metric) => showChart(metric, lines.byMetric.get(metric)!),
      }),
  });
}

function showChart(metric: string, lines: readonly Line[]): void {
  const words = isShare(metric)
    ? percentWords
    : metric === MEMORY
    ? byteWords
    : metric === SECONDS
    ? stepTimeWords
    : numberWords;
  charts.get(metric)!.show({
    title: metricWords(metric),
    lines,
    xLabel: settings.axis,
    log: settings.log,
    smoothing: settings.smoothing,
    highlight,
    words,
    share: isShare(metric),
  });
}

function showPhases(phases: readonly string[], chosen: string): void {
  byId("phases").hidden = phases.length < 2;
  showList(byId("phase-list"), phases, {
    key: (phase) => phase,
    make: (phase) => {
      const radio = html("input", { type: "radio", name: "phase", value: phase });
      radio.addEventListener("change", () => {
        settings.phase = phase;
        writeSettings(settings);
        plan();
      });
      return html("label", {}, radio, html("span", {}, phase));
    },
    update: (label, phase) => label.querySelector("input")!.checked = phase === chosen,
  });
}

function showLegend(lines: readonly LegendLine[]): void {
  showList(byId("legend"), lines, {
    key: ({ key }) => key,
    make: ({ key }) => {
      const button = html(
        "button",
        { type: "button" },
        html("span", { class: "mark" }),
        html("span"),
      );
      button.addEventListener("click", () => {
        if (!hidden.delete(key)) hidden.add(key);
        plan();
      });
      const light = (on: boolean) => () => {
        highlight = on ? key : undefined;
        plan();
      };
      for (const name of ["pointerenter", "focus"]) button.addEventListener(name, light(true));
      for (const name of ["pointerleave", "blur"]) button.addEventListener(name, light(false));
      return html("li", {}, button);
    },
    update: (item, line) => {
      const button = item.querySelector("button")!;
      button.setAttribute("aria-pressed", String(!hidden.has(line.key)));
      const mark = button.querySelector(".mark")!;
      const look = `${line.color} ${line.dash}`;
      if (mark.getAttribute("data-look") !== look) {
        mark.replaceChildren(swatch(line));
        mark.setAttribute("data-look", look);
      }
      setText(button.lastElementChild!, line.name);
    },
  });
}

/** Joins a control of the page with a setting. */
function control<T extends HTMLInputElement | HTMLSelectElement>(
  id: string,
  { from, to }: { readonly from: (element: T) => void; readonly to: (element: T) => void },
): void {
  const element = byId<T>(id);
  to(element);
  element.addEventListener("input", () => {
    from(element);
    writeSettings(settings);
    plan();
  });
}

control<HTMLInputElement>("log", {
  from: ({ checked }) => settings.log = checked,
  to: (box) => box.checked = settings.log,
});
control<HTMLInputElement>("smoothing", {
  from: (slider) => {
    settings.smoothing = Number(slider.value);
    setText(byId("smoothing-value"), slider.value);
  },
  to: (slider) => {
    slider.value = String(settings.smoothing);
    setText(byId("smoothing-value"), slider.value);
  },
});
control<HTMLSelectElement>("axis", {
  from: ({ value }) => settings.axis = value as Settings["axis"],
  to: (select) => select.value = settings.axis,
});
byId<HTMLInputElement>("filter").addEventListener("input", (event) => {
  filter = (event.target as HTMLInputElement).value;
  plan();
});
byId("follow").addEventListener("click", () => {
  settings.runs = undefined;
  writeSettings(settings);
  plan();
});
// On a phone the list is folded at first; beside the charts there is room for it.
byId<HTMLDetailsElement>("menu").open = innerWidth >= 900;
void follower.ask();
