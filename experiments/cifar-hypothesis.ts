#!/usr/bin/env -S deno run -P=experiment
/**
 * Is meta-training with self-supervised inner tasks worth it? All arms, controls and placebos.
 *
 * Question: MAML with several self-supervised inner tasks and the wanted task outside is claimed to
 * reach equal or better results in fewer steps than supervised pretraining followed by fine-tuning or a
 * linear probe, on labelled data alone. To first order in the inner rate `alpha` the outer gradient is
 * that of `L - alpha <grad L, grad L_ssl>`: is it more than joint training, or than noise?
 *
 * Papers: MAML, arXiv 1703.03400; first order and what it leaves out, 1803.02999; meta-training for
 * self-supervised adaptation at test time, MT3, 2103.16201; rotation, 1803.07728; SimCLR, 2002.05709.
 *
 * Arms, in `cifar-hypothesis.yaml`: scratch; supervised pretraining, and for as many operations as
 * meta-training takes; each pretext task alone and all together; the joint sum of losses, also weighed by FAMO
 * and Nash-MTL; meta-training of exact and of first order, with more inner steps, and supervised inside;
 * placebos (alpha 0, shuffled targets, random directions, noise, the explicit bonus, uphill); an
 * untrained backbone as the floor.
 *
 * Command: `deno task tune cifar-hypothesis --preset quick`, then `deno task sweep cifar-hypothesis
 * --preset quick --config runs/cifar-hypothesis-tune/tuned.yaml --regimes labels-100 --seeds 0-7 --arms ...` with
 * the arms of `cifar-hypothesis.verdict.yaml`, then `deno task verdict runs/cifar-hypothesis`. One unit: `deno task experiment cifar-hypothesis --set
 * only.arms=[meta] --set only.regimes=[labels-100]`.
 *
 * @example From a program; from the shell it is `deno run -A jsr:@mutasesumele/toolkit/experiments/cifar-hypothesis`
 * ```ts
 * import { experiment } from "@mutasesumele/toolkit/experiments/cifar-hypothesis";
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
  name: "cifar-hypothesis",
  title: "Is meta-training with self-supervised inner tasks worth it?",
  summary:
    "Meta-training against supervised pretraining, joint training, first order and placebos, in five " +
    "regimes of labels; for a sweep over seeds and its verdict.",
  question: [
    "Does meta-training with self-supervised inner tasks reach equal or better accuracy in fewer steps " +
    "than supervised pretraining followed by fine-tuning or a linear probe?",
    "Is it more than training on the sum of the losses, than its first-order part, than placebos?",
  ],
  presets: new URL("cifar-hypothesis.yaml", import.meta.url),
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
