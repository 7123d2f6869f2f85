#!/usr/bin/env -S deno run -P=experiment
/**
 * Which pretext tasks and which inner settings matter? An orthogonal array.
 *
 * Question: of four pretext tasks in the inner loop (rotation, contrastive, jigsaw, inpainting), one or two
 * inner steps, two inner rates and the order of the meta-gradient, which change the accuracy of the wanted
 * task? Eight arms, Taguchi's L8, estimate seven main effects; effects of pairs are confounded with them.
 *
 * Papers: rotation, arXiv 1803.07728; SimCLR, 2002.05709; jigsaw, 1603.09246; inpainting, 1604.07379;
 * MAML, 1703.03400. Design: the fractional factorial 2^(7-4).
 *
 * Command: `deno task sweep cifar-taguchi --preset quick --seeds 0-8`, then `deno task effects
 * runs/cifar-taguchi`.
 *
 * @example From a program; from the shell it is `deno run -A jsr:@mutasesumele/toolkit/experiments/cifar-taguchi`
 * ```ts
 * import { experiment } from "@mutasesumele/toolkit/experiments/cifar-taguchi";
 * import { runCommand } from "@mutasesumele/toolkit/experiment";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await runCommand(experiment, { args: ["--dry-run", "--preset", "quick"] }), 0);
 * ```
 *
 * @module
 */
import { type Experiment, runCommand } from "../src/experiment/mod.ts";
import { imageStudy } from "../src/study/images.ts";

/** The experiment. */
export const experiment: Experiment = imageStudy({
  name: "cifar-taguchi",
  title: "Which pretext tasks and inner settings matter? An orthogonal array",
  summary:
    "Meta-training with the rows of Taguchi's L8 over pretext tasks, inner steps, rate and order.",
  question: [
    "Which of four pretext tasks, and which settings of the inner loop, change the accuracy of the wanted " +
    "task?",
  ],
  presets: new URL("cifar-taguchi.yaml", import.meta.url),
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
