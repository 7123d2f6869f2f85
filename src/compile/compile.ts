/**
 * From a simplified program to dispatches over storages. A program that is called several times
 * is compiled once.
 *
 * @module
 */
import { formatAval } from "../ir/aval.ts";
import type { CodedKernelCall, DeviceTraits, HostStep, KernelLowering } from "../ir/lowering.ts";
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { type KernelBinding, readWgslInterface } from "../gpu/wgsl_interface.ts";
import { chooseBuffers } from "./choose_buffers.ts";
import { checkKernelCalls } from "./kernel_call.ts";
import { fitsBuffers, type GeneratedKernel, type KernelPart } from "./kernel_source.ts";
import { mapKernel } from "./map_kernel.ts";
import { narrowUnit, resultsOf } from "./narrow_unit.ts";
import { packSteps } from "./pack_steps.ts";
import { reduceKernels } from "./reduce_kernel.ts";
import { rootOf, Storage } from "./storage.ts";
import { unitFlops } from "./unit_flops.ts";
import { formUnits, type MapUnit, type ReduceUnit, type Unit } from "./units.ts";

/** One dispatch of one kernel over storages. */
export interface DispatchStep {
  readonly kind: "dispatch";
  /** What it computes, for profiles and errors. */
  readonly label: string;
  /** WGSL, and the name of a hand-written kernel. */
  readonly kernel: { readonly code: string; readonly name?: string };
  /** Values of `override` constants and of the members of `struct Sizes`. */
  readonly overrides: Readonly<Record<string, number>>;
  /** Storage of each binding. */
  readonly memory: readonly Storage[];
  /** Whether each binding is written, all of it; otherwise it is only read. */
  readonly writes: readonly boolean[];
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
  /** Floating-point operations (a multiply-add counts 2). */
  readonly flops: number;
  /** Present where it may be put together with others. */
  readonly part?: KernelPart<Storage>;
}

/** Code on the host that computes on the device by itself, between two submissions. */
export interface HostCallStep {
  readonly kind: "host";
  /** Name of the operation. */
  readonly label: string;
  /** Gets the code ready for a device. */
  readonly load: (device: GPUDevice) => Promise<HostStep>;
  /** Storages of the operands, then of the results. */
  readonly memory: readonly Storage[];
  /** Whether each storage is written, all of it; otherwise it is only read. */
  readonly writes: readonly boolean[];
}

/** All dispatches of a called program. */
export interface CallStep {
  readonly kind: "call";
  /** The called program. */
  readonly program: CompiledProgram;
  /** Storages of the operands. */
  readonly inputs: readonly Storage[];
  /** Storages of the results that are used. */
  readonly outputs: readonly Storage[];
}

/** A program as a list of dispatches and calls. */
export interface CompiledProgram {
  /** Storages of the inputs. */
  readonly inputs: readonly Storage[];
  /** Storages of the outputs; may be those of inputs, and may repeat. */
  readonly outputs: readonly Storage[];
  /** What to run, in order. */
  readonly steps: readonly (DispatchStep | HostCallStep | CallStep)[];
}

/** Compiles programs for one adapter; remembers what it has compiled. */
export class Compiler {
  /** The adapter that it compiles for. */
  readonly traits: DeviceTraits;
  readonly #compiled = new WeakMap<Program, CompiledProgram>();

  /** A compiler for an adapter with the given traits. */
  constructor(traits: DeviceTraits) {
    this.traits = traits;
  }

  /**
   * Compiles a simplified program, in steps: a large one takes seconds.
   *
   * @param program The program, as `simplify` returns it.
   * @returns Its dispatches.
   * @throws {Error} If an operation is beyond the adapter's limits; names the operation.
   */
  *compile(program: Program): Generator<void, CompiledProgram> {
    let compiled = this.#compiled.get(program);
    if (!compiled) {
      compiled = yield* new ProgramCompiler(program, this.traits, this).run();
      this.#compiled.set(program, compiled);
    }
    return compiled;
  }
}

class ProgramCompiler {
  readonly #storages = new Map<Tensor, Storage>();
  readonly #steps: (DispatchStep | HostCallStep | CallStep)[] = [];
  readonly #program: Program;
  readonly #traits: DeviceTraits;
  readonly #compiler: Compiler;

  constructor(program: Program, traits: DeviceTraits, compiler: Compiler) {
    this.#program = program;
    this.#traits = traits;
    this.#compiler = compiler;
  }

  *run(): Generator<void, CompiledProgram> {
    const choice = chooseBuffers(this.#program, this.#traits);
    yield;
    const units = formUnits(this.#program, choice, this.#traits);
    for (const input of this.#program.inputs) this.#allocate(input);
    for (const node of this.#program.nodes) {
      if (node.primitive.name === "literal") this.#allocate(node.outputs[0]!);
    }
    for (const unit of units) for (const tensor of unit.reads) this.#allocate(tensor);
    for (const output of this.#program.outputs) this.#allocate(rootOf(output));
    for (const unit of units) {
      yield;
      yield* this.#unit(unit);
    }
    return {
      inputs: this.#program.inputs.map((input) => this.#storages.get(input)!),
      outputs: this.#program.outputs.map((output) => this.#storages.get(rootOf(output))!),
      steps: packSteps(this.#steps, this.#traits),
    };
  }

  #allocate(tensor: Tensor): void {
    if (this.#storages.has(tensor)) return;
    const { primitive, params } = tensor.node;
    const literal = primitive.name === "literal"
      ? (params as { data: ArrayLike<number> }).data
      : undefined;
    this.#storages.set(tensor, new Storage(tensor.size, tensor.dtype, primitive.name, literal));
  }

  *#unit(unit: Unit): Generator<void, void> {
    if (unit.kind === "map" || unit.kind === "reduce") this.#generated(unit);
    else if (unit.kind === "call") yield* this.#call(unit.node);
    else if (unit.kind === "host") this.#host(unit.node);
    else this.#handWritten(unit.node);
  }

  #generated(unit: MapUnit | ReduceUnit): void {
    const kernels = this.#generate(unit);
    if (!kernels.every((kernel) => fitsBuffers(kernel, this.#traits))) {
      const parts = unit.kind === "reduce" && narrowUnit(unit);
      if (!parts) throw new Error(tooManyBuffers(unit, kernels, this.#traits));
      for (const result of resultsOf(unit)) this.#allocate(result);
      for (const part of parts) this.#generated(part);
      return;
    }
    const label = labelOf(unit.kind, resultsOf(unit));
    const flops = unitFlops(
      resultsOf(unit),
      (tensor) => this.#storages.has(rootOf(tensor)),
    );
    kernels.forEach(({ code, sizes, memory, writes, workgroups, part }, k) => {
      this.#steps.push({
        kind: "dispatch",
        label,
        kernel: { code },
        overrides: sizes,
        memory,
        writes,
        workgroups,
        // A second kernel only joins the parts of sums.
        flops: k === 0 ? flops : 0,
        ...(part && { part }),
      });
    });
  }

  #generate(unit: MapUnit | ReduceUnit): readonly GeneratedKernel<Storage>[] {
    const memoryOf = (tensor: Tensor): Storage | undefined => this.#storages.get(rootOf(tensor));
    if (unit.kind === "map") return [mapKernel(unit.results, { memoryOf }, this.#traits)];
    const scratch = (size: number): Storage => new Storage(size, "f32", "partial results");
    return reduceKernels(unit, { memoryOf, scratch }, this.#traits);
  }

  *#call(node: Node): Generator<void, void> {
    const { lower } = node.primitive;
    if (lower.kind !== "call") throw new Error("Internal error: not a call.");
    const program = yield* this.#compiler.compile(lower.program(node.params));
    for (const output of node.outputs) this.#allocate(output);
    this.#steps.push({
      kind: "call",
      program,
      inputs: node.inputs.map((input) => this.#storages.get(rootOf(input))!),
      outputs: node.outputs.map((output) => this.#storages.get(output)!),
    });
  }

  #host(node: Node): void {
    const { lower, name } = node.primitive;
    if (lower.kind !== "host") throw new Error("Internal error: no code of the host.");
    for (const output of node.outputs) this.#allocate(output);
    this.#steps.push({
      kind: "host",
      label: name,
      load: (device) => lower.load(node, device),
      memory: [...node.inputs, ...node.outputs].map((tensor) =>
        this.#storages.get(rootOf(tensor))!
      ),
      writes: [...node.inputs.map(() => false), ...node.outputs.map(() => true)],
    });
  }

  #handWritten(node: Node): void {
    const { name } = node.primitive;
    const [output] = node.outputs;
    this.#allocate(output!);
    const { calls, scratch, bindings } = this.#lowered(node);
    const inputs = node.inputs.map((input) => this.#storages.get(rootOf(input))!);
    const extra = scratch.map((size) => new Storage(size, "f32", `scratch of ${name}`));
    calls.forEach((call, k) => {
      this.#steps.push({
        kind: "dispatch",
        label: `${call.kernel} ${output!.shape.join("x")}`,
        kernel: { name: call.kernel, code: call.code },
        overrides: call.overrides,
        memory: call.buffers.map(({ kind, index }) =>
          kind === "input"
            ? inputs[index]!
            : kind === "scratch"
            ? extra[index]!
            : this.#storages.get(output!)!
        ),
        writes: bindings[k]!.map(({ access }) => access === "read_write"),
        workgroups: call.workgroups,
        flops: call.flops,
      });
    });
  }

  /** The kernels of a node, and the buffers that these declare. */
  #lowered(node: Node): KernelLowering<CodedKernelCall> & {
    readonly bindings: readonly (readonly KernelBinding[])[];
  } {
    const { lower, name } = node.primitive;
    if (lower.kind !== "kernel") throw new Error("Internal error: no kernel.");
    const [output] = node.outputs;
    try {
      const lowering = lower.lower(node.params, node.inputs, output!, this.#traits);
      const bindings = lowering.calls.map(({ kernel, code }) =>
        readWgslInterface(code, kernel).bindings
      );
      checkKernelCalls(node, lowering, { bindings, traits: this.#traits });
      return { ...lowering, bindings };
    } catch (error) {
      throw new Error(
        `Cannot compile '${name}' of (${node.inputs.map(formatAval).join(", ")}): ${
          (error as Error).message
        }`,
        { cause: error },
      );
    }
  }
}

function tooManyBuffers(
  unit: MapUnit | ReduceUnit,
  kernels: readonly GeneratedKernel<Storage>[],
  { maxStorageBuffers }: DeviceTraits,
): string {
  const most = Math.max(...kernels.map(({ memory }) => memory.length));
  return `Cannot compile ${labelOf(unit.kind, resultsOf(unit))}: it needs ${most} buffers, the ` +
    `adapter allows ${maxStorageBuffers}. Split the operation into several.`;
}

function labelOf(kind: string, tensors: readonly Tensor[]): string {
  const names = [...new Set(tensors.map((tensor) => tensor.node.primitive.name))].slice(0, 4);
  const shape = tensors[0]!.shape.join("x");
  return `${kind} ${names.join("+")} [${shape}]${tensors.length > 1 ? ` x${tensors.length}` : ""}`;
}
