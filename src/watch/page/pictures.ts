/// <reference lib="dom" />
/**
 * What pretext tasks show.
 *
 * @module
 */
import type { PictureItem, RunDetail } from "../protocol.ts";
import { html, showList } from "./dom.ts";

/**
 * Shows the pictures of runs, under their names.
 *
 * @param parent The element.
 * @param runs The runs that are shown; those without pictures are passed over.
 */
export function showPictures(parent: HTMLElement, runs: readonly RunDetail[]): void {
  const drawn = runs.filter(({ pictures }) => pictures.length > 0);
  parent.parentElement!.hidden = drawn.length === 0;
  showList(parent, drawn, {
    key: ({ id }) => id,
    make: ({ name }) =>
      html("details", {}, html("summary", {}, `Tasks of ${name}`), html("div", { class: "tasks" })),
    update: (fold, run) => {
      const [only] = drawn;
      if (drawn.length === 1 && only === run && !fold.hasAttribute("data-told")) {
        fold.open = true;
        fold.setAttribute("data-told", "");
      }
      showList(fold.querySelector(".tasks")!, run.pictures, {
        key: ({ arm, phase, task, step }) => JSON.stringify([arm, phase, task, step]),
        make: (picture) => makeFigure(run.id, picture),
        update: () => {},
      });
    },
  });
}

function makeFigure(run: string, { arm, phase, task, step }: PictureItem): HTMLElement {
  const place = new URLSearchParams({ run, arm, phase, task, step: String(step) });
  const told = `${task} in ${arm}, ${phase}, after ${step} steps`;
  return html(
    "figure",
    {},
    html(
      "div",
      { class: "picture", tabindex: 0, role: "region", "aria-label": `Scrolls sideways: ${told}` },
      html("img", {
        ...{
          loading: "lazy",
          alt: `${told}: inputs, targets and predictions`,
          src: `/picture?${place}`,
        },
      }),
    ),
    html("figcaption", {}, told),
  );
}
