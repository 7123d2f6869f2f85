/**
 * Programs that do not fit a device, in parts that do.
 *
 * @module
 */
import type { MemoryLack } from "../compile/plan_memory.ts";
import { DeviceMemoryError } from "../gpu/device_memory.ts";
import { formatAval } from "../ir/aval.ts";
import type { Program } from "../ir/program.ts";
import { SplitError, type SplitOptions, splitProgram } from "../transform/split_program.ts";
import type { Fitting, PlannedProgram } from "./fitting_program.ts";

/** How often the limit of one value is halved. */
const MOST_HALVINGS = 8;

/**
 * Plans a program in parts.
 *
 * @param program The simplified program.
 * @param fitting The device.
 * @param lacking What the plan of the whole program takes too much of.
 * @returns A program that gives the same results up to the order of sums.
 * @throws {DeviceMemoryError} If it does not fit, with the sizes, and what cannot be split.
 */
export async function splitToFit(
  program: Program,
  fitting: Fitting,
  lacking: MemoryLack,
): Promise<PlannedProgram> {
  const { name, stored, lack } = fitting;
  let reason = "";
  for (const options of attempts(lacking)) {
    try {
      const split = splitProgram(program, { ...options, ...(stored && { stored }) });
      if (split === program) continue;
      const planned = await fitting.plan(split);
      if (!lack(planned)) return { program: split, plan: planned };
      reason = ` Computed in parts it takes too much as well.`;
    } catch (error) {
      if (!(error instanceof SplitError)) throw error;
      reason ||= ` It cannot be computed in parts: ${error.message}.`;
      break;
    }
  }
  if (lacking.whole) throw wholeError(program, name, { ...lacking, whole: lacking.whole });
  throw new DeviceMemoryError(
    `Cannot load "${name}": ${lacking.found}.${reason} Use smaller batches, images or models, or ` +
      `fewer inner steps${lacking.wayOut}.`,
  );
}

/** What is given, returned or constant is one array in memory: it cannot be computed in parts. */
function wholeError(
  program: Program,
  name: string,
  { found, whole: { kind, index } }: MemoryLack & {
    readonly whole: NonNullable<MemoryLack["whole"]>;
  },
): DeviceMemoryError {
  const constants = () => program.nodes.filter(({ primitive }) => primitive.name === "literal");
  const largest = () =>
    constants().flatMap(({ outputs }) => outputs).reduce((a, b) => b.size > a.size ? b : a);
  const tensor = kind === "argument"
    ? program.inputs[index]!
    : kind === "result"
    ? program.outputs[index]!
    : largest();
  const what = `${kind === "constant" ? "constant" : `${kind} ${index}`}, ${formatAval(tensor)},`;
  const wayOut = {
    argument: "Give it as several arguments that each fit, as packImages() does with images",
    result: "Return it as several arrays that each fit",
    constant: "Make it of smaller ones that are joined, or give it as several arguments",
  }[kind];
  return new DeviceMemoryError(
    `Cannot load "${name}": ${found}. It is its ${what} which cannot be computed in parts. ` +
      `${wayOut}; or use smaller batches, images or models.`,
  );
}

function attempts({ limit }: MemoryLack): Pick<SplitOptions, "limit" | "recompute">[] {
  if (limit === undefined) return [];
  return [
    { limit },
    ...Array.from({ length: MOST_HALVINGS }, (_, k) => ({
      limit: Math.floor(limit / 2 ** k),
      recompute: true,
    })),
  ];
}
