/**
 * Programs on TensorFlow.js, op by op: for machines without a WebGPU adapter.
 *
 * @module
 */
import type { HostArray } from "../ir/host_array.ts";
import { type Aval, formatAval, sameAval, sizeOf } from "../ir/aval.ts";
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { contractionImplementations } from "./contractions.ts";
import { elementwiseImplementations } from "./elementwise.ts";
import {
  type Held,
  heldTensor,
  hold,
  readHeld,
  releaseHold,
  shared,
  sharedHold,
  toReference,
  whole,
} from "./held.ts";
import { withBackend } from "./current_backend.ts";
import type { Implementation } from "./implementation.ts";
import type { LoadTfjsOptions, Tf, TfjsBackendName, TfTensor } from "./load.ts";
import { structuralImplementations } from "./structural.ts";
import { computeWords } from "./words.ts";

/** Primitives that TensorFlow.js computes; all others are evaluated on the host. */
const implementations: Readonly<Record<string, Implementation>> = {
  ...elementwiseImplementations,
  ...structuralImplementations,
  ...contractionImplementations,
};

/** A primitive that computes with TensorFlow.js by itself; `tfOp` makes such. */
export interface TfjsPrimitive {
  /** Results from operands, all whole. */
  tfjs(params: unknown, operands: readonly TfTensor[]): readonly TfTensor[];
}

function isTfjsPrimitive(primitive: object): primitive is TfjsPrimitive {
  return "tfjs" in primitive;
}

/** What an executor runs on. */
export interface TfjsInfo {
  /** Which engine. */
  readonly name: "tfjs";
  /** Backend and version, in words. */
  readonly adapter: string;
  /** Always `true`: it computes on the CPU. */
  readonly software: true;
  /** Always `"float32"`. */
  readonly holds: "float32";
}

/** Options of {@linkcode openTfjs}. */
export interface TfjsOptions extends LoadTfjsOptions {
  /** Backend of TensorFlow.js; default `wasm`. */
  readonly backend?: TfjsBackendName;
}

/** A program that is ready to run. */
export interface TfjsProgram {
  /** Operations of one run. */
  readonly dispatches: number;
  /**
   * Runs the program.
   *
   * @param inputs One held array for each input of the program; they stay the caller's.
   * @returns One held array for each output, to be released by the caller.
   * @throws {TypeError} If an input has another shape or element type.
   */
  run(inputs: readonly unknown[]): Held[];
}

/**
 * Runs programs on TensorFlow.js; open one with `openTfjs()`.
 *
 * @example
 * ```ts
 * import { print, square, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { openTfjs, TfjsExecutor } from "@mutasesumele/toolkit/tfjs";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const executor = await openTfjs({ backend: "cpu" });
 * assert(executor instanceof TfjsExecutor);
 * const { program } = trace((x: Tensor) => square(x), [{ shape: [], dtype: "f32" }]);
 * assert(print(program).includes("mul"));
 * assertEquals(executor.info.name, "tfjs");
 * executor.close();
 * ```
 */
export class TfjsExecutor {
  /** What it runs on. */
  readonly info: TfjsInfo;
  /** The TensorFlow.js module, with the executor's backend current. */
  readonly tf: Tf;
  #compiled = new WeakMap<Program, CompiledProgram>();
  /** The constants of each program. */
  readonly #constants = new Set<readonly Held[]>();
  /** Frees the constants of programs that nobody uses any more. */
  readonly #unused = new FinalizationRegistry<readonly Held[]>((held) => this.#free(held));
  readonly #backend: string;
  #peak = 0;

  /** Wraps a TensorFlow.js module whose backend is started; prefer {@linkcode openTfjs}. */
  constructor(tf: Tf) {
    this.tf = tf;
    const backend = this.#backend = tf.getBackend();
    const simd = backend === "wasm" && tf.env().getBool("WASM_HAS_SIMD_SUPPORT") ? " simd" : "";
    this.info = {
      name: "tfjs",
      adapter: `TensorFlow.js ${tf.version_core} ${backend}${simd} (CPU, one thread)`,
      software: true,
      holds: "float32",
    };
  }

  /** Runs `fn` with the executor's backend current: another may have been made so in the meantime. */
  within<T>(fn: () => T): T {
    return withBackend(this.tf, this.#backend, fn);
  }

  /** Puts a host array into TensorFlow.js. */
  upload(array: HostArray): Held {
    return this.within(() => hold(this.tf, array));
  }

  /** Reads held arrays. */
  download(arrays: readonly { readonly handle: unknown }[]): Promise<HostArray[]> {
    return this.within(() =>
      Promise.all(arrays.map(({ handle }) => readHeld(this.tf, handle as Held)))
    );
  }

  /** Frees a held array. */
  release(handle: unknown): void {
    releaseHold(handle as Held);
  }

  /** Prepares a program; its constants stay until nobody uses it any more, or the executor is closed. */
  compile(program: Program): TfjsProgram {
    let found = this.#compiled.get(program);
    if (!found) {
      found = this.within(() =>
        new CompiledProgram(this.tf, program, {
          callee: (inner) => this.compile(inner),
          within: (fn) => this.within(fn),
          sample: () => this.#peak = Math.max(this.#peak, this.memory().live),
        })
      );
      this.#compiled.set(program, found);
      const constants = [...found.constants.values()];
      this.#constants.add(constants);
      this.#unused.register(found, constants);
    }
    return found;
  }

  #free(constants: readonly Held[]): void {
    if (this.#constants.delete(constants)) { for (const held of constants) releaseHold(held); }
  }

  /** Prepares a program; like {@linkcode TfjsExecutor.compile}. */
  load(program: Program): Promise<TfjsProgram> {
    return Promise.resolve(this.compile(program));
  }

  /**
   * Runs a program on host arrays.
   *
   * @param program The program.
   * @param inputs One array for each input of the program.
   * @returns One array for each output.
   * @throws {TypeError} If an input has another shape or element type.
   */
  async run(program: Program, inputs: readonly HostArray[]): Promise<HostArray[]> {
    const held = inputs.map((array) => this.upload(array));
    let results: Held[] = [];
    try {
      results = this.compile(program).run(held);
      return await this.download(results.map((handle) => ({ handle })));
    } finally {
      for (const array of [...held, ...results]) releaseHold(array);
    }
  }

  /** Bytes of all tensors of the TensorFlow.js module. */
  memory(): { readonly live: number; readonly peak: number } {
    const live = this.tf.memory().numBytes;
    return { live, peak: Math.max(this.#peak, live) };
  }

  /** Starts a new measurement of the peak. */
  resetPeak(): void {
    this.#peak = 0;
  }

  /** Frees all programs and their constants; held arrays stay their owners'. */
  close(): void {
    for (const constants of this.#constants) this.#free(constants);
    this.#compiled = new WeakMap();
  }
}

/** What a compiled program needs of its executor. */
interface Surroundings {
  callee(program: Program): TfjsProgram;
  within<T>(fn: () => T): T;
  sample(): void;
}

/** One operation of a compiled program. */
interface Step {
  readonly node: Node;
  /** Tensors that nobody needs after this step. */
  readonly last: readonly Tensor[];
}

class CompiledProgram implements TfjsProgram {
  readonly dispatches: number;
  readonly #tf: Tf;
  readonly #program: Program;
  readonly #surroundings: Surroundings;
  readonly #steps: readonly Step[];
  /** What does not depend on inputs. */
  readonly constants = new Map<Tensor, Held>();

  constructor(tf: Tf, program: Program, surroundings: Surroundings) {
    this.#tf = tf;
    this.#program = program;
    this.#surroundings = surroundings;
    const computed = program.nodes.filter(({ primitive }) => primitive.lower.kind !== "source");
    for (const node of program.nodes) {
      if (node.inputs.length > 0 || node.primitive.name === "input") continue;
      this.#compute(node, []).forEach((held, k) => this.constants.set(node.outputs[k]!, held));
    }
    const nodes = computed.filter(({ inputs }) => inputs.length > 0);
    const lastUse = new Map<Tensor, number>();
    nodes.forEach(({ inputs, outputs }, at) => {
      for (const tensor of [...outputs, ...inputs]) lastUse.set(tensor, at);
    });
    const kept = new Set([...program.inputs, ...program.outputs, ...this.constants.keys()]);
    const freed = nodes.map((): Tensor[] => []);
    for (const [tensor, at] of lastUse) {
      if (!kept.has(tensor)) freed[at]!.push(tensor);
    }
    this.#steps = nodes.map((node, at) => ({ node, last: freed[at]! }));
    this.dispatches = nodes.reduce(
      (count, { primitive, params }) =>
        count +
        (primitive.lower.kind === "call"
          ? surroundings.callee(primitive.lower.program(params)).dispatches
          : 1),
      0,
    );
  }

  run(inputs: readonly unknown[]): Held[] {
    return this.#surroundings.within(() => this.#run(inputs));
  }

  #run(inputs: readonly unknown[]): Held[] {
    const values = new Map<Tensor, Held>(this.constants);
    this.#program.inputs.forEach((tensor, k) => {
      const held = inputs[k] as Held | undefined;
      if (!held || !sameAval(held.aval, tensor)) {
        throw new TypeError(
          `Cannot run a program: input ${k} is ${
            held ? formatAval(held.aval) : "missing"
          }, expected ${formatAval(tensor)}.`,
        );
      }
      values.set(tensor, held);
    });
    const own = new Set<Tensor>();
    try {
      for (const { node, last } of this.#steps) {
        const operands = node.inputs.map((tensor) => values.get(tensor)!);
        this.#compute(node, operands).forEach((held, k) => {
          values.set(node.outputs[k]!, held);
          own.add(node.outputs[k]!);
        });
        this.#surroundings.sample();
        for (const tensor of last) {
          releaseHold(values.get(tensor)!);
          own.delete(tensor);
        }
      }
      return this.#program.outputs.map((tensor) => sharedHold(values.get(tensor)!));
    } finally {
      for (const tensor of own) releaseHold(values.get(tensor)!);
    }
  }

  #compute(node: Node, operands: readonly Held[]): Held[] {
    const { primitive, params, outputs } = node;
    if (primitive.lower.kind === "call") {
      return this.#surroundings.callee(primitive.lower.program(params)).run(operands);
    }
    const tf = this.#tf;
    try {
      if (isTfjsPrimitive(primitive)) {
        return inScope(
          tf,
          operands,
          () => primitive.tfjs(params, operands.map((held) => whole(tf, held))),
        ).map((tensor, k) => heldTensor(tensor, outputs[k]!));
      }
      const results = native(tf, node, operands) ?? computeWords(tf, node, operands);
      if (results) return results;
      return primitive.evaluate(params, operands.map((held) => toReference(tf, held)), outputs)
        .map((array) => hold(tf, array));
    } catch (error) {
      throw new Error(
        `Cannot run '${primitive.name}' of (${
          operands.map(({ aval }) => formatAval(aval)).join(", ")
        }) on TensorFlow.js: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
}

/** The result computed by TensorFlow.js, or `undefined` where it cannot. */
function native(tf: Tf, node: Node, operands: readonly Held[]): Held[] | undefined {
  const implementation = implementations[node.primitive.name];
  const avals: Aval[] = [...operands.map(({ aval }) => aval), ...node.outputs];
  if (!implementation?.dtypes.includes(avals[0]!.dtype)) return undefined;
  const fits = avals.every(({ dtype, shape }) => dtype !== "u32" && sizeOf(shape) > 0);
  if (!fits) return undefined;
  const tensors = inScope(tf, operands, () => {
    const results = implementation.run(tf, node, operands);
    return results && [results].flat() as TfTensor[];
  });
  return tensors?.map((tensor, k) => heldTensor(tensor, node.outputs[k]!));
}

/** Runs `fn`, frees its intermediate tensors, and leaves results that no one else owns. */
function inScope<T extends readonly TfTensor[] | undefined>(
  tf: Tf,
  operands: readonly Held[],
  fn: () => T,
): T {
  const owned = new Set(operands.map((held) => held.kind === "tensor" ? held.tensor : null));
  return tf.tidy(() =>
    fn()?.map((tensor) => {
      const result = owned.has(tensor) ? shared(tensor) : tensor;
      owned.add(result);
      return result;
    }) as T & TfTensor[]
  );
}
