/**
 * Which metric stands where.
 *
 * @module
 */

/** A group of charts. */
export interface Section {
  /** Its heading. */
  readonly title: string;
  /** What to see in it. */
  readonly about: string;
  /** Whether a metric belongs to it. */
  readonly has: (metric: string) => boolean;
}

/** Time of a step, which the page computes itself. */
export const SECONDS = "secondsPerStep";

/** Bytes held, which the page notes while it follows a run. */
export const MEMORY = "memoryHeld";

/** The groups, in the order of the page; a metric belongs to the first that has it. */
export const SECTIONS: readonly Section[] = [
  {
    title: "Training",
    about: "On the batches that are trained on.",
    has: (metric) => metric === "loss" || metric === "accuracy",
  },
  {
    title: "Validation",
    about: "On held-out images; running statistics are collected again before.",
    has: (metric) => /^(validation|nearest|test)/.test(metric),
  },
  {
    title: "Alignment of gradients",
    about:
      "Cosines between gradients of tasks and of the wanted task: 1 is the same way, below 0 " +
      "they are in conflict.",
    has: (metric) => /(Cosine|correctionRatio)$/.test(metric),
  },
  {
    title: "Weights of tasks",
    about: "What the weighting method gives to each task.",
    has: (metric) => /Weight$/.test(metric),
  },
  {
    title: "Speed and memory",
    about: "Seconds a step between evaluations, as of the last checkpoint; bytes that the engine " +
      "holds, while this page looks on.",
    has: (metric) => metric === SECONDS || metric === MEMORY,
  },
  {
    title: "Pretext tasks and the rest",
    about: "What each task says of itself.",
    has: () => true,
  },
];

/** Sections as they are read: what is learnt comes before what it costs. */
export const ORDER: readonly number[] = [0, 1, 5, 2, 3, 4];

/**
 * Finds the section of a metric.
 *
 * @param metric Its name.
 * @returns An index of {@linkcode SECTIONS}.
 */
export function sectionOf(metric: string): number {
  return SECTIONS.findIndex(({ has }) => has(metric));
}

/**
 * Tells whether a metric is a share, to be shown as percent.
 *
 * @param metric Its name.
 */
export function isShare(metric: string): boolean {
  return /accuracy/i.test(metric);
}
