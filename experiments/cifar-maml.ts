#!/usr/bin/env -S deno run -P=experiment
/**
 * Meta-learning with self-supervised inner tasks, against supervised pretraining, on CIFAR-10.
 *
 * Question: a backbone is meta-trained (MAML) so that one or a few steps on a self-supervised task
 * make it good at the wanted task. Does it then learn the wanted task as well or better, in fewer
 * steps, than one that was pretrained with supervision, or not at all?
 *
 * Papers: MAML, Finn et al., arXiv 1703.03400; rotation, Gidaris et al., arXiv 1803.07728;
 * contrastive, SimCLR, Chen et al., arXiv 2002.05709; meta-gradient, MixFlow-MG, arXiv 2505.00793.
 *
 * Arms: `cifar-maml.yaml`. All share one backbone and, in each phase, one fresh head, order of data,
 * augmentation and grid of evaluations, drawn anew for the phase.
 *
 * Command: `deno task experiment cifar-maml [--preset smoke|quick|full] [--data DIR|NAME]`, where the
 * data may be others than CIFAR-10, resized to `imageSize`.
 *
 * Expected, seed 0, on the first 1017 images of every file of CIFAR-10 and two CPU cores (llvmpipe):
 * `smoke` 45 seconds the first time, 15 when the driver knows the shaders; `quick` 3 to 7 minutes,
 * test accuracy 35% (supervised, as it is) to 40% (meta-training, linear probe), where chance is 10%.
 * So short a run ranks nothing. `full` is for a GPU: a meta step is 109 GFLOP there.
 *
 * @example From a program; from the shell it is `deno run -A jsr:@mutasesumele/toolkit/experiments/cifar-maml`
 * ```ts
 * import { experiment } from "@mutasesumele/toolkit/experiments/cifar-maml";
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
  name: "cifar-maml",
  title: "Meta-learning with self-supervised inner tasks on CIFAR-10",
  summary:
    "Meta-trains a backbone (inner: rotation, contrastive; outer: classification) and compares " +
    "it with supervised pretraining and with none, by fine-tuning and linear probe.",
  question: [
    "Does a backbone that was meta-trained with self-supervised inner tasks learn to classify as " +
    "well or better, in fewer steps, than one that was pretrained by classification, or not at all?",
  ],
  presets: new URL("cifar-maml.yaml", import.meta.url),
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
