import { z } from "zod";
import {
  alignedMtl,
  caGrad,
  dbMtl,
  dwa,
  equalWeighting,
  excessMtl,
  fairGrad,
  famo,
  fixedWeighting,
  focalWeighting,
  geometricLoss,
  gradDrop,
  gradNorm,
  gradVac,
  imtl,
  imtlGradient,
  imtlLoss,
  logLosses,
  lossBalancedWeighting,
  mgda,
  moCo,
  moDo,
  nashMtl,
  pcGrad,
  randomWeighting,
  sdmGrad,
  similarityWeighting,
  smoothTchebycheff,
  uncertaintyWeighting,
  upGrad,
  type Weighting,
} from "../multitask/mod.ts";
import { component, type Registry } from "./component.ts";

const positive = (what: string, value: number) =>
  z.number().positive().default(value).describe(`${what}.`);
const share = (what: string, value: number) =>
  z.number().min(0).max(1).default(value).describe(`${what}.`);
const count = (what: string, value: number) => z.int().min(1).default(value).describe(`${what}.`);

/** Every method that weighs tasks, by its name. */
export const weightings: Registry<Weighting, object> = {
  "aligned-mtl": component(
    "Gradients whose principal components are of one size (2305.19000).",
    {},
    () => alignedMtl(),
  ),
  cagrad: component(
    "The worst improvement in a ball around the mean gradient (2110.14048).",
    { radius: z.number().min(0).lt(1).default(0.4).describe("Radius of the ball.") },
    (options) => caGrad(options),
  ),
  "db-mtl": component(
    "Logarithms of losses, mean gradients of one length (2308.12029).",
    {
      decay: share("Part of the old gradients at the first step", 0.9),
      fall: share("How fast the decay falls", 0.5),
    },
    (options) => dbMtl(options),
  ),
  dwa: component(
    "Slower losses count more, by epochs (1803.10704).",
    { epoch: count("Steps of an epoch", 100), temperature: positive("Temperature", 2) },
    (options) => dwa(options),
  ),
  equal: component("All losses alike.", {}, () => equalWeighting()),
  excessmtl: component(
    "Weights by what each loss exceeds its best (2402.02009).",
    { rate: positive("Step size of the logarithms of the weights", 0.01) },
    (options) => excessMtl(options),
  ),
  fairgrad: component(
    "The fair step of utility theory (2402.15638).",
    { alpha: positive("How fair", 2), iterations: count("Steps of Newton's method", 40) },
    (options) => fairGrad(options),
  ),
  famo: component(
    "Logarithms of losses that fall at one rate (2306.03792).",
    {
      rate: positive("Step size of the logits", 0.025),
      decay: z.number().min(0).default(0.001).describe("Decay of the logits."),
    },
    (options) => famo(options),
  ),
  fixed: component(
    "Given weights, in the order of the tasks' sorted names.",
    { weights: z.array(z.number().min(0)).min(1).describe("One weight for each task.") },
    ({ weights }) => fixedWeighting(weights),
  ),
  focal: component(
    "Focal weights from the fall of the losses (1810.12193).",
    {
      part: share("Part of the newest loss in the mean", 0.25),
      gamma: positive("Exponent", 2),
    },
    (options) => focalWeighting(options),
  ),
  gls: component("The geometric mean of the losses (1904.08492).", {}, () => geometricLoss()),
  graddrop: component(
    "Elements of gradients dropped by sign (2010.06808).",
    { leak: share("Part that is kept", 0) },
    (options) => gradDrop(options),
  ),
  gradnorm: component(
    "Gradients of one length, slower tasks longer (1711.02257).",
    {
      alpha: z.number().min(0).default(1.5).describe("How strongly slow tasks are favoured."),
      rate: positive("Step size of the weights", 0.025),
    },
    (options) => gradNorm(options),
  ),
  gradvac: component(
    "Cosines between gradients pulled to their mean (2010.05874).",
    { part: share("Part of the newest cosine in the mean", 0.01) },
    (options) => gradVac(options),
  ),
  imtl: component(
    "Both parts of impartial learning, by loss and by gradient (ICLR 2021).",
    { rate: positive("Step size of the logarithms", 0.025) },
    (options) => imtl(options),
  ),
  "imtl-g": component(
    "A gradient with equal projections on all (ICLR 2021).",
    {},
    () => imtlGradient(),
  ),
  "imtl-l": component(
    "Losses of one scale, learned (ICLR 2021).",
    { rate: positive("Step size of the logarithms", 0.025) },
    (options) => imtlLoss(options),
  ),
  lbtw: component(
    "Weights by the fall of the losses in an epoch (AAAI 2019).",
    { epoch: count("Steps of an epoch", 100), alpha: positive("How strongly", 0.5) },
    (options) => lossBalancedWeighting(options),
  ),
  log: component("The sum of the logarithms of the losses.", {}, () => logLosses()),
  mgda: component("The shortest combination of gradients (1810.04650).", {}, () => mgda()),
  moco: component(
    "Multi-objective descent with tracked gradients (2210.12624).",
    { rate: positive("Step size of the weights", 0.1), part: share("Part of the newest", 0.5) },
    (options) => moCo(options),
  ),
  modo: component(
    "Multi-objective descent with a second sample (2305.20057).",
    { rate: positive("Step size of the weights", 0.1) },
    (options) => moDo(options),
  ),
  "nash-mtl": component(
    "The bargain of Nash between gradients (2202.01017).",
    { iterations: count("Steps of Newton's method", 32) },
    (options) => nashMtl(options),
  ),
  pcgrad: component("Conflicts projected away (2001.06782).", {}, () => pcGrad()),
  random: component("Random weights at every step (2111.10603).", {}, () => randomWeighting()),
  sdmgrad: component(
    "Direction-oriented multi-objective descent (2305.18409).",
    { pull: positive("Pull to the mean gradient", 0.3), rate: positive("Step size", 0.3) },
    (options) => sdmGrad(options),
  ),
  similarity: component(
    "Tasks by the cosine of their gradients with the wanted one's.",
    { wanted: z.int().min(0).default(0).describe("Place of the wanted task among sorted names.") },
    (options) => similarityWeighting(options),
  ),
  stch: component(
    "The smooth largest of the losses (2402.19078).",
    { mu: positive("How smooth", 1) },
    (options) => smoothTchebycheff(options),
  ),
  uncertainty: component(
    "Learned variances of the tasks (1705.07115).",
    { rate: positive("Step size of the logarithms", 0.025) },
    (options) => uncertaintyWeighting(options),
  ),
  upgrad: component(
    "The mean of projections that conflict with none (2406.16232).",
    {},
    () => upGrad(),
  ),
};
