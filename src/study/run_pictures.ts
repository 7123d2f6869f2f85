/**
 * The pictures of a run: what its pretext tasks show, as files in its folder.
 *
 * @module
 */
import type { ReportImage } from "../report/mod.ts";
import { type EncodedPicture, pictureGrid } from "../report/picture_grid.ts";
import type { TaskPictures } from "../train/mod.ts";

/** What a picture is of. */
export interface PicturePlace {
  /** The arm, as in metrics and stages. */
  readonly arm: string;
  /** The phase of its pretraining. */
  readonly phase: string;
  /** The pretext task. */
  readonly task: string;
  /** Steps of the phase before it was drawn. */
  readonly step: number;
}

const FOLDER = "pictures";

/**
 * Names the file of a picture, relative to the run folder.
 *
 * @param place What it is of.
 */
export function pictureFile({ arm, phase, task, step }: PicturePlace): string {
  return `${FOLDER}/${arm}/${phase}/${task}/${step}.png`;
}

/**
 * Lays the pictures of a task out: input, target, prediction, and the figures of their batch.
 *
 * @param drawn The pictures.
 * @param options When they were drawn, in words; `cell`: size of a picture, 32 to 64 pixels unless told.
 */
export function taskGrid(
  { task, figures, pictures }: TaskPictures,
  { when, cell }: { readonly when: string; readonly cell?: number },
): EncodedPicture {
  const { input, target, prediction } = pictures;
  // The loss comes first.
  const names = ["loss", ...Object.keys(figures).filter((name) => name !== "loss")];
  const text = names.map((name) => `${name} ${Number(figures[name]!.toPrecision(3))}`);
  return pictureGrid({
    title: `${task}, ${when}: ${text.join(", ")}`,
    rows: { input, target, prediction },
    cell: cell ?? Math.min(64, Math.max(32, input.shape[1]!)),
  });
}

/**
 * Reads the pictures of a run.
 *
 * @param folder The run folder.
 * @returns Pictures for a report, by arm, phase, task and step; none if the run has drawn none.
 */
export async function readRunPictures(folder: string): Promise<ReportImage[]> {
  const images: ReportImage[] = [];
  for (const arm of await namesIn(`${folder}/${FOLDER}`)) {
    for (const phase of await namesIn(`${folder}/${FOLDER}/${arm}`)) {
      for (const task of await namesIn(`${folder}/${FOLDER}/${arm}/${phase}`)) {
        const files = await namesIn(`${folder}/${FOLDER}/${arm}/${phase}/${task}`);
        const steps = files.flatMap((file) => /^(\d+)\.png$/.exec(file)?.[1] ?? []).map(Number);
        for (const step of steps.sort((a, b) => a - b)) {
          const png = await Deno.readFile(`${folder}/${pictureFile({ arm, phase, task, step })}`);
          images.push({
            title: `${task} in ${arm}, ${phase}, after ${step} steps`,
            caption:
              "Images that are held out: what the backbone was shown, what would be right, " +
              "and what the head has made of it.",
            png,
          });
        }
      }
    }
  }
  return images;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
