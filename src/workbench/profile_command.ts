/**
 * `deno task profile TARGET`: where the time of a model, of a workload or of a function of one's own goes.
 *
 * @module
 */
import { backbones, makeOne } from "../components/mod.ts";
import { openEngine } from "../engine/open_engine.ts";
import { exportedNames, importFile } from "../experiment/import_file.ts";
import { unknownName, UsageError } from "../experiment/usage_error.ts";
import type { Aval } from "../ir/aval.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Params } from "../nn/mod.ts";
import { formatProfile, profile, profileTrace } from "../profile/mod.ts";
import { type CommandOutput, readFlags, reportFaults, standardOutput } from "../study/flags.ts";
import { mean, square } from "../tensor/mod.ts";
import { measureKernelTable } from "./kernel_table.ts";
import { printableLines } from "../text/printable.ts";
import { trace, valueAndGradAux } from "../transform/mod.ts";
import { unflatten } from "../tree/tree.ts";

const PROGRAM = "deno task profile";

/** A function to be profiled, and what it is called with. */
export interface ProfileTarget {
  /** A function of trees of tensors. */
  readonly fn: (...args: never[]) => unknown;
  /** Its arguments: host arrays, or shapes `{ shape, dtype }`. */
  readonly args: readonly unknown[];
  /** What it is called. */
  readonly name?: string;
}

/** Makes a target; `order` is that of derivatives, where it has any. */
export type MakeTarget = (order: "exact" | "first") => ProfileTarget;

/** Options of {@linkcode profileCommand}. */
export interface ProfileCommandOptions {
  /** Where lines go. */
  readonly output?: CommandOutput;
  /** Imports a file with a target of one's own. */
  readonly load: (address: string) => Promise<unknown>;
  /** Targets by name, besides models and files. */
  readonly workloads?: Readonly<Record<string, MakeTarget>>;
}

function usage(workloads: readonly string[]): string {
  return `Usage: ${PROGRAM} TARGET [flags]

Compiles TARGET for WebGPU, times every dispatch by the device's clock, and prints what was dispatched, how
often, how long it took, its operations and bytes, its share of the roofline measured in the same run, and how
much of the adapter its invocations fill.

TARGET is
  a model        ${Object.keys(backbones).join(", ")}: a training step on --batch images of --size
${workloads.length > 0 ? `  a workload     ${workloads.join(", ")}\n` : ""}\
  a file         FILE.ts, which exports \`fn\` (a function of tensors) and \`args\` (host arrays, or shapes
                 { shape: [2, 3], dtype: "f32" })

  --order NAME   exact (default) or first: of the derivatives of a workload
  --batch N      images of a batch (default 64)
  --size N       height and width of the images (default 32)
  --keep         keep activations instead of recomputing them (default: what memory allows)
  --each         a line for every dispatch, in order
  --wgsl TEXT    show the WGSL of dispatches with this text in their names
  --trace FILE   write a trace for https://ui.perfetto.dev or chrome://tracing
  --kernels      instead: measure which of several kernels is the fastest for each shape of TARGET, and
                 keep that beside the adapter's profile, for all later runs of experiments
  --half-precision
                 measure kernels of half precision too, and keep that apart, for runs with this flag
  --seconds N    time after which --kernels begins no further shape (default 60)
  --no-roofline  do not measure the adapter's ceilings
  --help         this text`;
}

/**
 * Runs the command.
 *
 * @param args Arguments.
 * @param options Where lines go, how files are imported, and more targets.
 * @returns Exit code: 0 done, 1 failed, 2 wrong usage.
 */
export async function profileCommand(
  args: readonly string[],
  { output = standardOutput, workloads = {}, load }: ProfileCommandOptions,
): Promise<number> {
  return await reportFaults(PROGRAM, output, async () => {
    const { names, values, given } = readFlags(args, {
      value: ["order", "batch", "size", "wgsl", "trace", "seconds"],
      plain: ["keep", "each", "no-roofline", "kernels", "half-precision", "help"],
    });
    if (given.help) {
      output.print(usage(Object.keys(workloads)));
      return 0;
    }
    const [name] = names;
    if (name === undefined || names.length > 1) {
      throw new UsageError(
        `Found ${names.length} targets, expected one: a model, a workload, a file.`,
      );
    }
    const order = values.order[0] ?? "exact";
    if (order !== "exact" && order !== "first") {
      throw new UsageError(unknownName("order", { found: order, valid: ["exact", "first"] }));
    }
    const number = (flag: "batch" | "size" | "seconds", fallback: number): number => {
      const text = values[flag][0];
      const found = Number(text ?? fallback);
      if (Number.isSafeInteger(found) && found >= 1) return found;
      throw new UsageError(`Flag --${flag} got "${text}", expected a whole number from 1.`);
    };
    const setting = { batch: number("batch", 64), size: number("size", 32) };
    const target = await targetOf(name, { workloads, load, order, ...setting });
    if (given["half-precision"] && !given.kernels) {
      throw new UsageError("Flag --half-precision is for --kernels.");
    }
    if (given.kernels) {
      const right = await measureKernelTable(target, {
        budget: 1000 * number("seconds", 60),
        halfPrecision: given["half-precision"],
        print: (line) => output.print(printableLines(line)),
      });
      return right ? 0 : 1;
    }
    using engine = await openEngine("webgpu");
    const measured = await profile(engine, target.fn, target.args, {
      name: target.name ?? name,
      roofline: !given["no-roofline"],
      ...(given.keep && { recompute: false }),
    });
    const [wgsl] = values.wgsl;
    output.print(
      printableLines(
        formatProfile(measured, { each: given.each, ...(wgsl !== undefined && { wgsl }) }),
      ),
    );
    const [path] = values.trace;
    if (path !== undefined) {
      await Deno.writeTextFile(path, JSON.stringify(profileTrace(measured)));
      output.print(`${path} is a trace: open it at https://ui.perfetto.dev`);
    }
    return 0;
  });
}

interface TargetOptions extends Required<Pick<ProfileCommandOptions, "load" | "workloads">> {
  readonly order: "exact" | "first";
  readonly batch: number;
  readonly size: number;
}

async function targetOf(name: string, options: TargetOptions): Promise<ProfileTarget> {
  const { workloads, order } = options;
  if (Object.hasOwn(workloads, name)) return workloads[name]!(order);
  if (Object.hasOwn(backbones, name)) return trainingStep(name, options);
  if (/\.[cm]?[jt]s$/.test(name)) return await ownTarget(name, options);
  const valid = [...Object.keys(backbones), ...Object.keys(workloads)];
  throw new UsageError(`${unknownName("target", { found: name, valid })} Or a file FILE.ts.`);
}

/** Loss and gradient of a model on a batch; the loss is the mean square of its results. */
function trainingStep(name: string, { batch, size }: TargetOptions): ProfileTarget {
  const { layer } = makeOne(backbones, { [name]: {} }, { imageSize: size, imageChannels: 3 });
  const key: Aval = { shape: [2], dtype: "u32" };
  const { program, outputs } = trace((key: Tensor) => layer.init(key), [key]);
  const variables = unflatten(
    outputs,
    program.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  return {
    name: `a training step of ${name} on ${batch} images of ${size} x ${size}`,
    fn: ({ params, state }: { params: Params; state: Params }, images: Tensor, key: Tensor) =>
      valueAndGradAux((params: Params) => {
        const applied = layer.apply(params, state, images, { training: true, key });
        return { loss: mean(square(applied.output)), aux: applied.state };
      })(params),
    args: [variables, { shape: [batch, size, size, 3], dtype: "f32" }, key],
  };
}

async function ownTarget(path: string, { load }: TargetOptions): Promise<ProfileTarget> {
  const found = await importFile(path, load) as Partial<ProfileTarget>;
  if (typeof found.fn !== "function" || !Array.isArray(found.args)) {
    throw new UsageError(
      `${path} exports ${
        exportedNames(found)
      }, expected a function \`fn\` and an array \`args\` of its arguments.`,
    );
  }
  return { fn: found.fn, args: found.args, ...(found.name !== undefined && { name: found.name }) };
}
