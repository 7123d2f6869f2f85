/**
 * Arms as data: how a backbone is pretrained and by which protocols it is judged.
 *
 * @module
 */
import { z } from "zod";
import { type Objectives, protocols } from "../../components/mod.ts";
import { unknownName } from "../../experiment/usage_error.ts";
import { kebabCase } from "../../text/kebab_case.ts";

/** Length, rate and clipping of a training phase. */
export interface PhasePlan {
  /** Optimizer steps. */
  readonly steps: number;
  /** Largest learning rate. */
  readonly rate: number;
  /** How the rate changes. */
  readonly schedule: "constant" | "cosine";
  /** Largest global norm of a gradient; `null` clips nothing. */
  readonly clip: number | null;
}

/** What of a plan an arm has for itself. */
export type PlanChanges = { readonly [Key in keyof PhasePlan]?: PhasePlan[Key] | undefined };

/** A phase of pretraining with everything filled in. */
export interface Phase extends PhasePlan {
  /** Name of the objective. */
  readonly objective: string;
  /** Validated options of the objective. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** An arm with everything filled in. */
export interface Arm {
  /** Name in tables and files. */
  readonly name: string;
  /** Phases of pretraining, in order; none for an arm that begins at the initialisation. */
  readonly pretrain: readonly Phase[];
  /** Names of protocols. */
  readonly protocols: readonly string[];
  /** Changes of the plan of fine-tuning. */
  readonly fineTune: PlanChanges;
  /** Changes of the plan of the linear probe. */
  readonly probe: PlanChanges;
}

/** Keys of a plan as zod schemas without defaults. */
const planShape = {
  steps: z.int().min(1).describe("Optimizer steps."),
  rate: z.number().positive().describe("Learning rate of Adam, the largest of a schedule."),
  schedule: z.enum(["constant", "cosine"]).describe(
    "How the rate changes; cosine falls from the first step to 0 at the last.",
  ),
  clip: z.number().positive().nullable()
    .describe(
      "Largest global norm of the gradient of a step, all heads among it; null clips nothing.",
    ),
};

/**
 * The schema of a plan.
 *
 * @param fallback Its defaults.
 * @returns A zod schema.
 */
export function planSchema(fallback: { readonly steps: number; readonly rate: number }) {
  return z.strictObject({
    steps: planShape.steps.default(fallback.steps),
    rate: planShape.rate.default(fallback.rate),
    schedule: planShape.schedule.default("constant"),
    clip: planShape.clip.default(null),
  }).prefault({});
}

/** A schema without its default. */
function bare(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
    ? schema.unwrap() as z.ZodType
    : schema;
}

/** The schema of a phase as it is written: what is left out comes from the groups `meta` and `pretrain`. */
function phaseSchemaOn(objectives: Objectives) {
  const changes = changesOn(objectives);
  const objective = z.enum(Object.keys(objectives)).describe("What the phase lowers.");
  return z.strictObject({ objective, ...changes });
}

/** Keys of a plan, and options of all objectives, none of them needed. */
function changesOn(objectives: Objectives) {
  return {
    ...Object.fromEntries(
      Object.entries(planShape).map(([key, schema]) => [key, schema.optional()]),
    ),
    ...Object.fromEntries(
      Object.values(objectives).flatMap(({ options }) =>
        Object.entries(options.shape).map(([key, schema]) =>
          [key, bare(schema as z.ZodType).optional()] as const
        )
      ),
    ),
  };
}

function armSchemaOn(objectives: Objectives) {
  return z.strictObject({
    like: z.string().optional().describe("Another arm, of which this one differs as told."),
    pretrain: z.array(phaseSchemaOn(objectives)).optional()
      .describe("Phases of pretraining, in order."),
    protocols: z.array(z.enum(Object.keys(protocols))).min(1).optional()
      .describe("How the backbone is judged."),
    fineTune: z.strictObject(planShape).partial().optional()
      .describe("Changes of the plan of fine-tuning."),
    probe: z.strictObject(planShape).partial().optional()
      .describe("Changes of the plan of the linear probe."),
    ...changesOn(objectives),
  }).nullable().describe("An arm; null takes it out.");
}

/** Arms as they are written. */
export type WrittenArms = Readonly<Record<string, z.output<ReturnType<typeof armSchemaOn>>>>;

/**
 * The schema of arms by name.
 *
 * @param objectives What phases may lower.
 * @returns A zod schema.
 */
export function armsSchemaOn(objectives: Objectives) {
  return z.record(
    z.string().max(64).regex(kebabCase, "Expected a kebab-case name"),
    armSchemaOn(objectives),
  );
}

/** What phases take from the configuration around them. */
export interface ArmDefaults {
  /** The group `meta`: options of objectives. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The group `pretrain`. */
  readonly plan: PhasePlan;
  /** What phases may lower. */
  readonly objectives: Objectives;
}

/** Something wrong with an arm. */
export interface ArmFault {
  /** Where, from the arms on. */
  readonly path: readonly (string | number)[];
  /** What was found and what was expected. */
  readonly message: string;
}

/** Arms that can run, or what is wrong with them. */
export interface ResolvedArms {
  /** The arms. */
  readonly arms: readonly Arm[];
  /** Faults; empty if there are none. */
  readonly faults: readonly ArmFault[];
}

/**
 * Fills arms in: what `like` refers to, options from the groups of the configuration, defaults of the
 * objectives.
 *
 * @param written The arms.
 * @param defaults The groups.
 * @returns The arms, or what is wrong with them.
 */
export function resolveArms(written: WrittenArms, defaults: ArmDefaults): ResolvedArms {
  const faults: ArmFault[] = [];
  const arms = Object.keys(written).filter((name) => written[name]).map((name) => {
    const own = following(name, { written, faults });
    return {
      name,
      pretrain: (own.pretrain ?? []).flatMap((phase, k) =>
        fillPhase(phase, { path: [name, "pretrain", k], defaults, faults })
      ),
      protocols: own.protocols ?? ["fine-tune"],
      fineTune: own.fineTune ?? {},
      probe: own.probe ?? {},
    };
  });
  // What is wrong with an arm is found again in all that are like it.
  const places = faults.map(({ path }) => path.join("."));
  return { arms, faults: faults.filter((_, k) => places.indexOf(places[k]!) === k) };
}

/** Whether there is an arm, and not null: names that all objects have do not count. */
function isThere(name: string, written: WrittenArms): boolean {
  return Object.hasOwn(written, name) && written[name] !== null;
}

type WrittenArm = NonNullable<WrittenArms[string]>;
type WrittenPhase = z.output<ReturnType<typeof phaseSchemaOn>>;

/** An arm and those that it is like, merged. */
function following(
  name: string,
  { written, faults }: { readonly written: WrittenArms; readonly faults: ArmFault[] },
  above: readonly string[] = [],
): WrittenArm {
  const { like, pretrain, protocols, fineTune, probe, ...changed } = written[name]!;
  if (like !== undefined && (!isThere(like, written) || like === name || above.includes(like))) {
    const names = Object.keys(written).filter((other) => written[other] && other !== name);
    faults.push({
      path: [name, "like"],
      message: above.includes(like) || like === name
        ? `The arm "${like}" is like itself`
        : unknownName("arm", { found: like, valid: names }).replace(/\.$/, ""),
    });
    return { pretrain: [] };
  }
  const base: WrittenArm = like === undefined
    ? {}
    : following(like, { written, faults }, [...above, name]);
  const all = {
    pretrain: (pretrain ?? base.pretrain ?? []).map((phase) => ({ ...phase, ...changed })),
    protocols: protocols ?? base.protocols,
    fineTune: { ...base.fineTune, ...fineTune },
    probe: { ...base.probe, ...probe },
  };
  const stray = Object.keys(changed)[0];
  if (stray !== undefined && all.pretrain.length === 0) {
    faults.push({ path: [name, stray], message: "There is no phase of pretraining to change" });
  }
  return all as WrittenArm;
}

/** A phase with its defaults, or nothing if something is wrong with it. */
function fillPhase(
  phase: WrittenPhase,
  { path, defaults, faults }: {
    readonly path: readonly (string | number)[];
    readonly defaults: ArmDefaults;
    readonly faults: ArmFault[];
  },
): Phase[] {
  const { objective, ...given } = phase;
  const { options } = defaults.objectives[objective]!;
  const known = Object.keys(options.shape);
  const plan: Record<string, unknown> = { ...defaults.plan };
  const chosen: Record<string, unknown> = {};
  for (const key of known) {
    if (defaults.options[key] !== undefined) chosen[key] = defaults.options[key];
  }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (key in planShape) plan[key] = value;
    else if (known.includes(key)) chosen[key] = value;
    else {
      faults.push({
        path: [...path, key],
        message: unknownName(`option of the objective "${objective}"`, {
          found: key,
          valid: [...known, ...Object.keys(planShape)],
        }).replace(/\.$/, ""),
      });
    }
  }
  const result = options.safeParse(chosen);
  if (result.success) {
    return [{ objective, ...plan as unknown as PhasePlan, options: result.data }];
  }
  for (const issue of result.error.issues) {
    faults.push({ path: [...path, ...issue.path.map(String)], message: issue.message });
  }
  return [];
}

/**
 * The name of an arm in stages, metrics and files.
 *
 * @param arm The arm.
 * @param options Its regime, and all regimes of the run.
 */
export function armLabel(
  { name }: Pick<Arm, "name">,
  { regime, regimes }: { readonly regime: string; readonly regimes: readonly string[] },
): string {
  return regimes.length === 1 ? name : `${regime}.${name}`;
}
