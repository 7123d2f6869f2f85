/**
 * Parts of an experiment that a configuration chooses by name.
 *
 * A registry is a table of such parts. In YAML a choice is a mapping from names to options:
 *
 * ```yaml
 * tasks: { rotation: {}, contrastive: { temperature: 0.5 } }
 * weighting: { famo: { rate: 0.05 } }
 * ```
 *
 * so that `--set tasks.contrastive.temperature=0.2` reaches into it, and `null` takes out what a preset
 * has chosen.
 *
 * @module
 */
import { z } from "zod";

/** A part that can be chosen by name. */
export interface Component<Part, Given> {
  /** What it is, in one line, with its source. */
  readonly summary: string;
  /** Its options; all have defaults. */
  readonly options: z.ZodObject;
  /**
   * Makes the part.
   *
   * @param options Validated options.
   * @param given What does not come from the configuration, such as the size of the images.
   */
  make(options: unknown, given: Given): Part;
}

/** Parts of one kind by name. */
export type Registry<Part, Given> = Readonly<Record<string, Component<Part, Given>>>;

/** A choice of parts: options by name; `null` for one that a layer below had chosen. */
export type Choice = Readonly<Record<string, Readonly<Record<string, unknown>> | null | undefined>>;

/**
 * Describes a part.
 *
 * @param summary What it is, in one line.
 * @param shape Its options as zod schemas with defaults and descriptions.
 * @param make Makes it from options.
 * @returns An entry of a registry.
 */
export function component<Shape extends z.ZodRawShape, Part, Given>(
  summary: string,
  shape: Shape,
  make: (options: z.output<z.ZodObject<Shape, z.core.$strict>>, given: Given) => Part,
): Component<Part, Given> {
  const options = z.strictObject(shape);
  return { summary, options, make: (chosen, given) => make(options.parse(chosen), given) };
}

/** The schema of a {@linkcode Choice}, with what is chosen unless told. */
export type ChoiceSchema = z.ZodPrefault<z.ZodType<Choice, Choice>>;

/** The schema of a choice: every name of the registry, with the options of its part. */
function choiceShape<Part, Given>(
  registry: Registry<Part, Given>,
): Record<string, z.ZodOptional<z.ZodNullable<z.ZodObject>>> {
  return Object.fromEntries(
    Object.entries(registry).map(([name, { summary, options }]) => [
      name,
      options.nullable().optional().describe(summary),
    ]),
  );
}

/** How many names a choice has that are not `null`. */
function chosen(choice: Choice): string[] {
  return Object.entries(choice).filter(([, options]) => options != null).map(([name]) => name);
}

/**
 * The schema of a choice of one or several parts.
 *
 * @param registry The parts.
 * @param fallback What is chosen unless told.
 * @returns A zod schema.
 */
export function manyOf<Part, Given>(
  registry: Registry<Part, Given>,
  fallback: Choice,
): ChoiceSchema {
  return z.strictObject(choiceShape(registry))
    .refine((choice) => chosen(choice).length > 0, "Choose at least one.")
    .prefault(fallback) as unknown as ChoiceSchema;
}

/**
 * The schema of a choice of exactly one part.
 *
 * @param registry The parts.
 * @param fallback What is chosen unless told.
 * @returns A zod schema.
 */
export function oneOf<Part, Given>(
  registry: Registry<Part, Given>,
  fallback: Choice,
): ChoiceSchema {
  return z.strictObject(choiceShape(registry))
    .refine((choice) => chosen(choice).length === 1, {
      error: ({ input }) =>
        `Choose exactly one, found ${
          chosen(input as Choice).join(", ") || "none"
        }. Set the others to null.`,
    })
    .prefault(fallback) as unknown as ChoiceSchema;
}

/**
 * Makes the parts that were chosen, in the order of their names in the registry.
 *
 * @param registry The parts.
 * @param choice Options by name.
 * @param given What does not come from the configuration.
 * @returns The parts.
 * @throws {RangeError} If the registry has no part of a name; lists those it has.
 */
export function makeMany<Part, Given>(
  registry: Registry<Part, Given>,
  choice: Choice,
  given: Given,
): Part[] {
  const names = chosen(choice);
  const unknown = names.find((name) => !Object.hasOwn(registry, name));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot find "${unknown}": expected one of ${Object.keys(registry).join(", ")}.`,
    );
  }
  return Object.keys(registry).filter((name) => names.includes(name))
    .map((name) => registry[name]!.make(choice[name], given));
}

/**
 * Makes the one part that was chosen.
 *
 * @param registry The parts.
 * @param choice Options by name, of one name.
 * @param given What does not come from the configuration.
 * @returns The part.
 * @throws {RangeError} If not exactly one was chosen, or the registry has none of that name.
 */
export function makeOne<Part, Given>(
  registry: Registry<Part, Given>,
  choice: Choice,
  given: Given,
): Part {
  const [part, ...others] = makeMany(registry, choice, given);
  if (part === undefined || others.length > 0) {
    throw new RangeError(
      `Cannot choose ${chosen(choice).join(", ") || "nothing"}: expected exactly one of ${
        Object.keys(registry).join(", ")
      }.`,
    );
  }
  return part;
}
