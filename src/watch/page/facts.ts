/// <reference lib="dom" />
/**
 * Cards of the runs that are shown: state, how far, what it costs.
 *
 * @module
 */
import { formatQuantity } from "../../report/quantity.ts";
import { formatSeconds } from "../../run/duration.ts";
import type { RunDetail, RunState, StageCost } from "../protocol.ts";
import { html, setText, showList } from "./dom.ts";
import { byteWords, dateWords, stepTimeWords } from "./words.ts";

/** A run as its card shows it. */
export interface Card {
  /** The run. */
  readonly detail: RunDetail;
  /** Seconds a step, as seen while the page looked on. */
  readonly pace: number | undefined;
  /** Lines of its log that could not be read. */
  readonly faults: number;
}

/** A state as a coloured word. */
export function stateBadge(state: RunState): HTMLElement {
  return html("span", { class: `state ${state}` }, state);
}

/** What all stages have cost, that which runs counted up to its last known step. */
export function totalCost(detail: RunDetail): Omit<StageCost, "stage" | "clock"> {
  const total = { steps: 0, samples: 0, flops: 0, seconds: 0 };
  for (const { stage, steps, samples, flops, seconds } of detail.costs) {
    const { beat } = detail;
    const now = beat !== undefined && beat.stage.replaceAll(" ", "-") === stage ? beat.step : steps;
    const grown = steps > 0 ? Math.max(1, now / steps) : 1;
    total.steps += steps * grown;
    total.samples += samples * grown;
    total.flops += flops * grown;
    total.seconds += seconds * grown;
  }
  return total;
}

/** Seconds a step of the stage that runs: as seen, else as of its last checkpoint. */
function paceOf({ detail, pace }: Card): number | undefined {
  if (pace !== undefined) return pace;
  const stage = detail.beat?.stage.replaceAll(" ", "-");
  const cost = detail.costs.find((one) => one.stage === stage) ??
    (detail.beat ? undefined : detail.costs.at(-1));
  return cost && cost.steps > 0 ? cost.seconds / cost.steps : undefined;
}

/**
 * Shows the cards.
 *
 * @param parent Their element.
 * @param cards What to show.
 */
export function showCards(parent: Element, cards: readonly Card[]): void {
  showList(parent, cards, {
    key: ({ detail }) => detail.id,
    make: () => html("article", { class: "card" }, ...parts()),
    update: (element, card) => update(element, card),
  });
}

/** What is not known. */
const NONE = "\u2013";

const FACTS = ["a step", "memory", "steps", "images", "FLOPs", "training", "begun"] as const;

function parts(): HTMLElement[] {
  return [
    html("header", {}, html("h2"), html("span", { class: "badge" })),
    html("div", { class: "now" }, html("span", { class: "stage" }), html("progress")),
    html("p", { class: "error" }),
    html(
      "dl",
      {},
      ...FACTS.map((name) =>
        html("div", { "data-fact": name }, html("dt", {}, name), html("dd", {}, NONE))
      ),
    ),
    html("p", { class: "more" }),
    html("details", {}, html("summary", {}, "More of this run"), html("dl", { class: "long" })),
  ];
}

function update(element: HTMLElement, card: Card): void {
  const { detail } = card;
  const find = <T extends HTMLElement>(selector: string): T => element.querySelector<T>(selector)!;
  setText(find("h2"), detail.name);
  if (find(".badge").textContent !== detail.state) {
    find(".badge").replaceChildren(stateBadge(detail.state));
  }
  showProgress(find(".now"), card);
  const faults = card.faults > 0 ? [`${card.faults} lines of metrics.jsonl cannot be read.`] : [];
  setText(find(".error"), [detail.error, ...faults].filter((text) => text !== "").join(" "));
  const cost = totalCost(detail);
  const none = detail.costs.length === 0;
  const memory = detail.beat?.memory;
  const pace = paceOf(card);
  const facts: Readonly<Record<typeof FACTS[number], string>> = {
    "a step": pace === undefined ? NONE : stepTimeWords(pace),
    memory: memory ? `${byteWords(memory.live)}, peak ${byteWords(memory.peak)}` : NONE,
    steps: none ? NONE : Math.round(cost.steps).toLocaleString("en-US"),
    images: none ? NONE : formatQuantity(Math.round(cost.samples)),
    FLOPs: none ? NONE : formatQuantity(cost.flops),
    training: none ? NONE : formatSeconds(cost.seconds),
    begun: dateWords(detail.begun, Date.now()) || NONE,
  };
  for (const name of FACTS) setText(find(`[data-fact="${name}"] dd`), facts[name]);
  setText(find(".more"), detail.notices.join(" "));
  showList(find(".long"), Object.entries(detail.facts), {
    key: ([name]) => name,
    make: ([name]) => html("div", {}, html("dt", {}, name), html("dd")),
    update: (row, [, value]) => setText(row.querySelector("dd")!, value),
  });
  const more = find("details");
  const link = more.querySelector("a");
  if (detail.report && !link) {
    const href = `/report?run=${encodeURIComponent(detail.id)}`;
    more.append(html("p", {}, html("a", { href, target: "_blank" }, "Open its report")));
  }
}

function showProgress(place: HTMLElement, card: Card): void {
  const { beat } = card.detail;
  place.hidden = beat === undefined || beat.total === 0;
  if (beat === undefined) return;
  const pace = paceOf(card);
  const left = pace === undefined ? "" : `, ${formatSeconds(pace * (beat.total - beat.step))} left`;
  const waits = beat.waits && beat.age > 10_000
    ? `, waits for its device for ${formatSeconds(beat.age / 1000)}`
    : "";
  setText(
    place.querySelector(".stage")!,
    `${beat.stage}: step ${beat.step} of ${beat.total}${left}${waits}`,
  );
  const bar = place.querySelector("progress")!;
  bar.max = Math.max(1, beat.total);
  bar.value = beat.step;
  bar.setAttribute("aria-label", `${card.detail.name}, ${beat.stage}`);
}
