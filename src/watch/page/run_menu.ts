/// <reference lib="dom" />
/**
 * The runs to choose from: a list, and for every study its units as a table of arms and seeds.
 *
 * @module
 */
import type { Overview, RunItem, RunState, StudyItem } from "../protocol.ts";
import { html, setAttributes, setText, showList } from "./dom.ts";
import { dateWords } from "./words.ts";

/** What the menu shows, and whom it tells. */
export interface MenuModel {
  /** Everything there is. */
  readonly overview: Overview;
  /** Ids of the runs that are shown. */
  readonly chosen: ReadonlySet<string>;
  /** Text that names must contain. */
  readonly filter: string;
  /** Shows a run, or no longer. */
  readonly toggle: (id: string) => void;
  /** Shows these runs and no others. */
  readonly only: (ids: readonly string[]) => void;
}

/** Signs of states in a table, beside their colours. */
const SIGNS: Readonly<Record<RunState, string>> = {
  waiting: "\u00b7",
  running: "\u25b6",
  stopped: "\u2016",
  killed: "\u2020",
  failed: "\u2715",
  done: "\u2713",
};

/** States in the order in which a sweep is told. */
const STATES: readonly RunState[] = ["done", "running", "stopped", "killed", "failed", "waiting"];

/** Shows studies and runs. */
export function showMenu(
  { studies, list }: { readonly studies: Element; readonly list: Element },
  model: MenuModel,
): void {
  const { overview, filter } = model;
  const byId = new Map(overview.runs.map((run) => [run.id, run]));
  showList(studies, overview.studies, {
    key: ({ id }) => id,
    make: () => html("section", { class: "study" }, html("h2"), html("p"), html("div")),
    update: (element, study) => showStudy(element, { study, byId, model }),
  });
  const units = new Set(overview.studies.flatMap((study) => study.units.map(({ run }) => run)));
  const wanted = filter.toLowerCase();
  const alone = overview.runs.filter(({ id, name }) =>
    !units.has(id) && name.toLowerCase().includes(wanted)
  );
  showList(list, alone, {
    key: ({ id }) => id,
    make: (run) => makeRow(run, model),
    update: (row, run) => updateRow(row, run, model),
  });
}

function makeRow(run: RunItem, model: MenuModel): HTMLElement {
  const box = html("input", { type: "checkbox" });
  box.addEventListener("change", () => model.toggle(run.id));
  const label = html(
    "label",
    {},
    box,
    html("span", { class: "name" }),
    html("span", { class: "state" }),
    html("small"),
  );
  return html("li", {}, label);
}

function updateRow(row: HTMLElement, run: RunItem, { chosen }: MenuModel): void {
  row.querySelector("input")!.checked = chosen.has(run.id);
  setText(row.querySelector(".name")!, run.name);
  const state = row.querySelector(".state")!;
  setText(state, run.state);
  state.className = `state ${run.state}`;
  const { beat } = run;
  const share = beat && beat.total > 0 ? `${beat.stage}, ${beat.step} of ${beat.total}` : "";
  setText(row.querySelector("small")!, share || dateWords(run.begun, Date.now()));
}

/** What a table of one regime shows. */
interface StudyView {
  readonly study: StudyItem;
  readonly byId: ReadonlyMap<string, RunItem>;
  readonly model: MenuModel;
}

function showStudy(element: HTMLElement, view: StudyView): void {
  const { study, byId } = view;
  setText(element.querySelector("h2")!, study.experiment || study.id);
  const states = study.units.map(({ run }) => byId.get(run)?.state ?? "waiting");
  const counts = STATES.map((state) =>
    [state, states.filter((one) => one === state).length] as const
  );
  setText(
    element.querySelector("p")!,
    `${states.length} units: ${
      counts.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`).join(
        ", ",
      )
    }.`,
  );
  const regimes = [...new Set(study.units.map(({ regime }) => regime))];
  showList(element.querySelector("div")!, regimes, {
    key: (regime) => regime,
    make: (regime) =>
      html(
        "div",
        { class: "matrix", tabindex: 0, role: "region", "aria-label": `Units of ${regime}` },
        html("table", {}, html("caption"), html("thead"), html("tbody")),
      ),
    update: (table, regime) => showTable(table, regime, view),
  });
}

function showTable(place: HTMLElement, regime: string, { study, byId, model }: StudyView): void {
  const units = study.units.filter((unit) => unit.regime === regime);
  const seeds = [...new Set(units.map(({ seed }) => seed))].sort((a, b) => a - b);
  const arms = [...new Set(units.map(({ arm }) => arm))];
  setText(place.querySelector("caption")!, `${regime}: arms and seeds`);
  const heads = ["arm", ...seeds.map(String)];
  const head = place.querySelector("thead")!;
  if (head.textContent !== heads.join("")) {
    head.replaceChildren(
      html("tr", {}, ...heads.map((text) => html("th", { scope: "col" }, text))),
    );
  }
  showList(place.querySelector("tbody")!, arms, {
    key: (arm) => arm,
    make: (arm) => {
      const all = html("button", { type: "button", title: `Show all seeds of ${arm}` }, arm);
      const ids = units.filter((unit) => unit.arm === arm).map(({ run }) => run);
      all.addEventListener("click", () => model.only(ids));
      return html("tr", {}, html("th", { scope: "row" }, all));
    },
    update: (row, arm) => {
      for (const [k, seed] of seeds.entries()) {
        const unit = units.find((one) => one.arm === arm && one.seed === seed);
        const cell = row.cells[k + 1] ?? row.insertCell();
        const run = unit && byId.get(unit.run);
        if (run) showUnit(cell, `${arm}, seed ${seed}`, { run, model });
      }
    },
  });
}

function showUnit(
  cell: HTMLElement,
  name: string,
  { run, model }: { readonly run: RunItem; readonly model: MenuModel },
): void {
  let button = cell.querySelector("button");
  if (button === null) {
    button = html("button", { type: "button" });
    button.addEventListener("click", () => model.toggle(run.id));
    cell.append(button);
  }
  const { beat, state } = run;
  const share = beat && beat.total > 0 ? `${Math.round(100 * beat.step / beat.total)}%` : undefined;
  button.className = `unit ${state}`;
  setText(button, share ?? SIGNS[state]);
  const told = `${name}: ${state}${share === undefined ? "" : `, ${beat!.stage} ${share}`}`;
  setAttributes(button, {
    "aria-label": told,
    title: told,
    "aria-pressed": String(model.chosen.has(run.id)),
  });
}
