/**
 * The configuration of a study on images.
 *
 * @module
 */
import { z } from "zod";
import { backbones, heads, type Objectives, objectives, oneOf } from "../../components/mod.ts";
import { type Arm, armsSchemaOn, planSchema, resolveArms } from "./arms.ts";
import { regimesSchema } from "./regimes.ts";

/** Options of all objectives that a study sets for all of its arms; `placebo` belongs to an arm. */
function optionShapeOn(objectives: Objectives): z.ZodRawShape {
  const { placebo: _, ...metaShape } = objectives["meta"]!.options.shape;
  const { pretextWeight } = objectives["joint"]!.options.shape;
  return { ...metaShape, pretextWeight };
}

const names = (what: string) =>
  z.array(z.string()).nullable().default(null).describe(
    `Names of the ${what} to run; null for all.`,
  );

function shapeOn(objectives: Objectives) {
  return z.strictObject({
    arms: armsSchemaOn(objectives).default({ scratch: { protocols: ["fine-tune"] } })
      .describe("Arms by name: how a backbone is pretrained and judged."),
    regimes: regimesSchema.prefault({ all: {} }).describe(
      "Regimes by name: which images are labelled.",
    ),
    only: z.strictObject({ arms: names("arms"), regimes: names("regimes") }).prefault({})
      .describe("The part of the study that this run does."),
    model: z.strictObject({
      backbone: oneOf(backbones, { encoder: {} }).describe("From images to embeddings."),
      head: oneOf(heads, { classifier: {} })
        .describe("From embeddings to logits of the wanted task."),
      hidden: z.int().min(1).default(512).describe("Width of the heads' hidden layers."),
    }).prefault({}).describe("The model."),
    imageSize: z.int().min(8).max(512).default(32)
      .describe("Rows and columns of the images; those of other sizes are cut square and resized."),
    batchSize: z.int().min(2).default(64).describe("Images of a batch, in every loss."),
    validation: z.number().positive()
      .refine(
        (held) => held < 1 || Number.isInteger(held),
        "Give a share below 1 or a whole number",
      )
      .default(0.1)
      .describe("Images held out of training: a share if below 1, else a count."),
    splitSeed: z.int().min(0).default(0)
      .describe(
        "Seed of the split and of the choice of labelled images, equal for all seeds of a study.",
      ),
    trainImages: z.int().min(1).nullable().default(null)
      .describe(
        "Use only the first so many training images, validation among them (as many at equal distances where they lie class by class); null uses all.",
      ),
    stream: z.boolean().default(false)
      .describe(
        "Whether pretext tasks take their images from parquet shards as they are decoded, for sets beyond " +
          "memory; trainImages are held in memory, for labels and validation, the shards behind them are streamed.",
      ),
    testImages: z.int().min(1).nullable().default(null)
      .describe(
        "Use only the first so many test images (as many at equal distances where they lie class by class); null uses all.",
      ),
    judgeBy: z.enum(["test", "validation"]).default("test")
      .describe(
        "Images that finished models are judged by; validation leaves the test images alone, as tuning must.",
      ),
    meta: z.strictObject(optionShapeOn(objectives)).prefault({})
      .describe("Options of the objectives, for all arms that do not say otherwise."),
    pretrain: planSchema({ steps: 2000, rate: 1e-3 }).describe("Phases of pretraining."),
    fineTune: planSchema({ steps: 1000, rate: 1e-3 }).describe(
      "Fine-tuning, and training from scratch.",
    ),
    probe: planSchema({ steps: 500, rate: 1e-3 }).describe("The linear probe."),
    refreshBatches: z.int().min(0).default(50)
      .describe(
        "Training batches, not augmented, from which running statistics are collected again before weights are judged.",
      ),
    adaptationDraws: z.int().min(1).default(4)
      .describe("Support batches over which adapted backbones are averaged."),
    alignment: z.boolean().default(true)
      .describe("Whether cosines of wanted and pretext gradients are logged at evaluations."),
    pictures: z.int().min(0).max(16).default(6)
      .describe("Pictures of every pretext task, before and after pretraining; 0 draws none."),
    evaluateEvery: z.int().min(1).default(100).describe("Steps between evaluations."),
    evaluationBatch: z.int().min(1).default(250).describe("Images of a batch in evaluations."),
    saveEvery: z.int().min(1).default(200).describe("Steps between checkpoints."),
  });
}

/** A validated configuration. */
export type StudyConfig = z.output<ReturnType<typeof shapeOn>>;

/**
 * The arms of a configuration, filled in; those that it asks for.
 *
 * @param config The configuration.
 * @param objectives Those of its schema.
 * @returns The arms.
 */
export function armsOf(
  { arms, meta, pretrain, only }: StudyConfig,
  objectives: Objectives,
): readonly Arm[] {
  const { arms: resolved } = resolveArms(arms, { options: meta, plan: pretrain, objectives });
  return resolved.filter(({ name }) => only.arms === null || only.arms.includes(name));
}

/**
 * The names of the regimes that a configuration asks for.
 *
 * @param config The configuration.
 * @returns Names.
 */
export function regimeNames({ regimes, only }: StudyConfig): readonly string[] {
  return Object.keys(regimes).filter((name) =>
    regimes[name] && (only.regimes === null || only.regimes.includes(name))
  );
}

/** What contradicts a stream: it has all classes, no labels, and what is in memory must be bounded. */
function* streamFaults(
  { stream, trainImages, regimes }: StudyConfig,
): Generator<{ readonly path: readonly string[]; readonly message: string }> {
  if (!stream) return;
  if (trainImages === null) {
    const message = "Expected a number with stream: true, of images that memory holds";
    yield { path: ["trainImages"], message };
  }
  for (const [name, regime] of Object.entries(regimes)) {
    if (!regime) continue;
    if (regime.pretextImages !== "all") {
      const message = 'Expected "all" with stream: true, for what is streamed has no labels';
      yield { path: ["regimes", name, "pretextImages"], message };
    }
    if (regime.source.classes) {
      const message = "Expected null with stream: true, for what is streamed has all classes";
      yield { path: ["regimes", name, "source", "classes"], message };
    }
  }
}

/**
 * The schema of the configuration of a study on images.
 *
 * @param objectives What its arms may lower.
 * @returns A zod schema.
 */
export function studySchemaOn(objectives: Objectives) {
  return shapeOn(objectives).superRefine((config, context) => {
    const { meta: options, pretrain: plan } = config;
    const { faults } = resolveArms(config.arms, { options, plan, objectives });
    // Choices are checked where they are written, too; so are options for all arms, which phases take over.
    const known = context.issues.map(({ path }) => path?.join("."));
    for (const { path, message } of faults) {
      const shared = ["meta", ...path.slice(path.indexOf("pretrain") + 2)];
      if ([["arms", ...path], shared].some((place) => known.includes(place.join(".")))) continue;
      context.addIssue({ code: "custom", path: ["arms", ...path], message });
    }
    for (const { path, message } of streamFaults(config)) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    for (const kind of ["arms", "regimes"] as const) {
      const valid = Object.keys(config[kind]).filter((name) => config[kind][name]);
      if (valid.length === 0) {
        context.addIssue({ code: "custom", path: [kind], message: `Expected at least one` });
      }
      for (const [k, name] of (config.only[kind] ?? []).entries()) {
        if (valid.includes(name)) continue;
        const message = `There is no "${name}". Valid: ${valid.join(", ")}`;
        context.addIssue({ code: "custom", path: ["only", kind, k], message });
      }
    }
  });
}

/** The schema with the objectives of the package. */
export const studySchema = studySchemaOn(objectives);
