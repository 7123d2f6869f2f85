#!/usr/bin/env -S deno run -P=experiment
/**
 * What does each pretext task teach a backbone? Self-supervised pretraining on CIFAR-10.
 *
 * Question: how far does pretraining on one pretext task, on all of them, and on a pair that is weighed in
 * every way, help nearest neighbours, a linear probe and fine-tuning with 100 labels a class?
 *
 * Papers: those of the tasks and weightings, which `deno task components` lists; the protocols are nearest
 * neighbours, arXiv 1805.01978, and linear probes, 1603.08511.
 *
 * Arms: `cifar-pretext.yaml`. Command: `deno task sweep cifar-pretext --preset quick --seeds 0-4 [--arms
 * rotation,contrastive]`, then `deno task compare`.
 *
 * @example From a program; from the shell it is `deno run -A jsr:@mutasesumele/toolkit/experiments/cifar-pretext`
 * ```ts
 * import { experiment } from "@mutasesumele/toolkit/experiments/cifar-pretext";
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
  name: "cifar-pretext",
  title: "What does each pretext task teach a backbone?",
  summary:
    "Self-supervised pretraining with each pretext task, with all of them, and with every weighting.",
  question: [
    "How far does pretraining on pretext tasks help nearest neighbours, a linear probe and fine-tuning with " +
    "few labels?",
  ],
  presets: new URL("cifar-pretext.yaml", import.meta.url),
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
