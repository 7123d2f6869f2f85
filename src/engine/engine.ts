/**
 * Engines run traced functions on concrete arrays.
 *
 * @module
 */
import { type Aval, formatAval } from "../ir/aval.ts";
import { DeviceMemoryError } from "../gpu/device_memory.ts";
import { callNotes } from "../ir/call_notes.ts";
import { describe } from "../ir/describe.ts";
import { requireCall, requireOptions } from "../ir/options.ts";
import { Pauses } from "../ir/pauses.ts";
import { countNodes, type Program, programFlops } from "../ir/program.ts";
import type { Tensor } from "../ir/tensor.ts";
import { inlineCalls } from "../transform/inline_calls.ts";
import { simplify } from "../transform/simplify.ts";
import { trace, type Traced } from "../transform/trace.ts";
import { type Structure, unflatten } from "../tree/tree.ts";
import type { HostArray } from "../ir/host_array.ts";
import { type FlatArrays, flattenArrays, handleOf, uploadTo } from "./arrays.ts";
import type { Backend, EngineMemory, LoadedProgram } from "./backend.ts";
import type { EngineActivity, EngineWatch, EngineWork } from "./engine_watch.ts";
import type { EngineInfo } from "./engine_info.ts";
import { type Holder, Holdings } from "./holdings.ts";
import type { JitOptions, Jitted, Prepared } from "./jitted.ts";
import { type Concrete, type OnHost, Value } from "./value.ts";

export type { Backend, EngineMemory, LoadedProgram } from "./backend.ts";
export type { EngineInfo, EngineName } from "./engine_info.ts";

/**
 * Most growth of a program's temporaries that is worth what keeping inner values saves. On two cores
 * (llvmpipe) the meta-gradient W-mid of five inner steps takes 12 % less time with 34 % more.
 */
const KEPT_OVERHEAD = 1.5;

/** Programs with more nodes are not planned twice: from here on that takes half a second and more. */
const MOST_KEPT_NODES = 20_000;

interface Compiled {
  readonly loaded: LoadedProgram;
  readonly prepared: Prepared;
  readonly outputs: Structure;
}

/**
 * Runs traced functions on concrete arrays; open one with `openEngine`.
 *
 * Values need no bookkeeping: those to which nobody refers any more are freed when the values have grown by
 * half, and every 64 MiB at first. `release` and `donate` free them at once.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine, sum, type Tensor } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 * using engine = await openEngine("auto");
 * const total = engine.jit((x: Tensor) => sum(x));
 * assertEquals((await engine.read(await total(hostArray([1, 2])))).data, new Float32Array([3]));
 * ```
 */
export class Engine implements Disposable {
  /** What the engine runs on. */
  readonly info: EngineInfo;
  /** Why this engine was taken: "asked for", or what `auto` found. */
  readonly reason: string;
  /** What the engine is made of: for profiles, and for libraries that share its device. */
  readonly backend: Backend;
  /** Ends what is being compiled, and nothing else. */
  readonly signal: AbortSignal | undefined;
  readonly #onWork: (work: EngineWork) => void;
  readonly #pauses: Pauses;
  readonly #holdings: Holdings;
  #closed = false;
  /** Name of the function that is being traced: it runs in between, and cannot wait for anything. */
  #traced: string | undefined;

  /** Wraps a backend; prefer `openEngine`. */
  constructor(
    backend: Backend,
    { reason = "asked for", signal, onWork = () => {}, onLeak = console.warn }: EngineWatch & {
      readonly reason?: string;
    } = {},
  ) {
    this.backend = backend;
    this.info = backend.info;
    this.reason = reason;
    this.signal = signal;
    this.#onWork = onWork;
    this.#pauses = new Pauses(signal);
    this.#holdings = new Holdings((handle) => {
      if (!this.#closed) backend.release(handle);
    }, onLeak);
  }

  /**
   * Makes a function of concrete arrays from a function of tensors.
   *
   * @param fn Traced once for every set of argument shapes; pure.
   * @param options Arguments whose values are used up.
   * @returns The compiled function; its results are values of this engine.
   * @throws {TypeError} If `fn` is no function. When called: if arguments hold anything but values of
   *   this engine or host arrays, or a donated one is missing.
   */
  jit<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    options: JitOptions = {},
  ): Jitted<A, R> {
    requireOptions("jit", options, { donate: true, recompute: true });
    const { donate = [], recompute = "auto" } = options;
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot compile ${describe(fn)}: expected a function of tensors.`);
    }
    const name = fn.name || "anonymous";
    const known = new Map<string, Promise<Compiled>>();
    const compiled = (flat: FlatArrays): Promise<Compiled> => {
      const key = `${JSON.stringify(flat.structure)} ${flat.arrays.map(formatAval).join()}`;
      let found = known.get(key);
      if (!found) {
        known.set(key, found = this.#compile(fn as (...args: never[]) => unknown, flat, recompute));
        found.catch(() => known.delete(key));
      }
      return found;
    };
    const taken = (args: readonly unknown[]): FlatArrays => flattenArrays(`call '${name}'`, args);
    const run = async (args: readonly unknown[]): Promise<Concrete<R>> => {
      this.#requireOpen(`call '${name}'`);
      const missing = donate.find((position) => !(position in args));
      if (missing !== undefined) {
        throw new TypeError(
          `Cannot call '${name}': found no argument ${missing} to donate, expected positions below ` +
            `${args.length} in 'donate'.`,
        );
      }
      const flat = taken(args);
      const { arrays } = flat;
      const uploaded: unknown[] = [];
      try {
        // The numbers of the call: when all is compiled, the caller may have written others there.
        for (const array of arrays) {
          uploaded.push(array instanceof Value ? undefined : uploadTo(this.backend, array));
        }
        const { loaded, prepared: { program }, outputs } = await compiled(flat);
        if (this.#holdings.due) await this.#holdings.search();
        const handles = arrays.map((array, k) =>
          array instanceof Value ? handleOf(array, this.backend) : uploaded[k]
        );
        const results = await this.#run(loaded, handles);
        for (const position of donate) this.release(args[position]);
        const values = results.map((at, k) => new Value(program.outputs[k]!, at, this.backend));
        this.#holdings.add(name, values);
        return unflatten(outputs, values);
      } catch (error) {
        throw this.#explain(error);
      } finally {
        // Looking at the arrays once more keeps values from being collected while the program runs.
        uploaded.forEach((handle, k) => {
          if (!(arrays[k] instanceof Value)) this.backend.release(handle);
        });
      }
    };
    const prepare = async (args: readonly unknown[]): Promise<Prepared> => {
      this.#requireOpen(`prepare '${name}'`);
      try {
        return (await compiled(taken(args))).prepared;
      } catch (error) {
        throw this.#explain(error);
      }
    };
    const outside =
      <T>(attempt: string, run: (args: readonly unknown[]) => Promise<T>) =>
      (...args: readonly unknown[]): Promise<T> => {
        const wayOut = "Call the function that jit() was given instead.";
        this.#requireNumbers(`${attempt} '${name}'`, wayOut);
        return run(args);
      };
    return Object.assign(outside("call", run), { prepare: outside("prepare", prepare) });
  }

  async #run(loaded: LoadedProgram, handles: readonly unknown[]): Promise<unknown[]> {
    this.#tell({ kind: "run" });
    try {
      return await loaded.run(handles);
    } finally {
      this.#tell({ kind: "idle" });
    }
  }

  async #compile(
    fn: (...args: never[]) => unknown,
    flat: { arrays: readonly Aval[]; structure: Structure },
    recompute: boolean | "auto",
  ): Promise<Compiled> {
    const pauses = this.#pauses;
    const name = fn.name || "anonymous";
    this.signal?.throwIfAborted();
    this.#tell({ kind: "compile", name });
    if (pauses.due) await pauses.take();
    const traced = this.#trace(name, fn, flat);
    const chosen = await this.#chooseProgram(traced.program, { recompute, pauses });
    const loaded = await this.backend.load(chosen, {
      name,
      pauses,
      onProgress: (begun, total) => this.#tell({ kind: "compile", name, begun, total }),
    });
    const { dispatches, program = chosen } = loaded;
    const splits = callNotes(program);
    if (splits.length > 0) this.#tell({ kind: "split", name, splits });
    let flops: number | undefined;
    const prepared: Prepared = {
      program,
      get flops() {
        return flops ??= programFlops(simplify(inlineCalls(traced.program)));
      },
      executedFlops: programFlops(program),
      dispatches,
    };
    return { loaded, prepared, outputs: traced.outputs };
  }

  #trace(
    name: string,
    fn: (...args: never[]) => unknown,
    { arrays, structure }: { arrays: readonly Aval[]; structure: Structure },
  ): Traced {
    this.#traced = name;
    try {
      return trace(
        (...tensors: Tensor[]) => fn(...unflatten<never[]>(structure, tensors)),
        arrays.map(({ shape, dtype }) => ({ shape, dtype })),
      );
    } finally {
      this.#traced = undefined;
    }
  }

  async #chooseProgram(
    traced: Program,
    { recompute, pauses }: { readonly recompute: boolean | "auto"; readonly pauses: Pauses },
  ): Promise<Program> {
    if (recompute === false) return simplify(inlineCalls(traced));
    const recomputing = simplify(traced);
    if (pauses.due) await pauses.take();
    const calls = recomputing.nodes.some((node) => node.primitive.lower.kind === "call");
    const choose = recompute === "auto" && calls && countNodes(traced) <= MOST_KEPT_NODES;
    const least = choose ? await this.backend.temporaryBytes?.(recomputing, pauses) : undefined;
    if (least === undefined) return recomputing;
    const keeping = simplify(inlineCalls(traced));
    if (pauses.due) await pauses.take();
    const kept = await this.backend.temporaryBytes!(keeping, pauses);
    return kept <= KEPT_OVERHEAD * least ? keeping : recomputing;
  }

  /**
   * Puts host arrays on the device.
   *
   * @param tree A tree of host arrays.
   * @returns The same tree with values; they stay until they are released or donated, or nobody refers to
   *   them any more.
   * @throws {TypeError} If it holds anything but host arrays and values.
   */
  put<T>(tree: T): Concrete<T> {
    this.#requireOpen("put arrays on the device");
    const { arrays, structure } = flattenArrays("put arrays on the device", tree);
    requireCall("put", arguments, 1);
    try {
      return unflatten(
        structure,
        arrays.map((array) => {
          if (array instanceof Value) return array;
          const value = new Value(array, uploadTo(this.backend, array), this.backend);
          this.#holdings.add("put", [value]);
          return value;
        }),
      );
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /**
   * Reads values back to the host; waits until they are computed.
   *
   * @param tree A tree of values of this engine; host arrays in it stay as they are.
   * @returns The same tree with host arrays.
   * @throws {TypeError} If it holds anything else, such as a promise that was not awaited, or within a
   *   traced function (then at once).
   * @throws {Error} If a value was released or belongs to another engine, or the device failed.
   */
  read<T>(tree: T): Promise<OnHost<T>> {
    this.#requireNumbers("read", "Return the tensor, and read the result.");
    return this.#read(tree, arguments);
  }

  async #read<T>(tree: T, given: ArrayLike<unknown>): Promise<OnHost<T>> {
    this.#requireOpen("read");
    const { arrays, structure } = flattenArrays("read", tree);
    requireCall("read", given, 1);
    const values = arrays.filter((array) => array instanceof Value);
    const read = await this.#download(
      values.map((value) => ({ aval: value, handle: handleOf(value, this.backend) })),
    );
    const found = new Map(values.map((value, k) => [value, read[k]!]));
    return unflatten(
      structure,
      arrays.map((array) => array instanceof Value ? found.get(array) : array),
    );
  }

  #tell(work: EngineActivity): void {
    this.#onWork({ engine: this.info.name, memory: this.memory(), ...work });
  }

  async #download(wanted: Parameters<Backend["download"]>[0]): Promise<HostArray[]> {
    this.#tell({ kind: "read" });
    try {
      return await this.backend.download(wanted);
    } finally {
      this.#tell({ kind: "idle" });
    }
  }

  /** Frees the values in a tree; a value may be released more than once. */
  release(tree: unknown): void {
    const { arrays } = flattenArrays("release", tree);
    requireCall("release", arguments, 1);
    for (const array of arrays) {
      if (array instanceof Value) this.#holdings.release(array);
    }
  }

  /** What is held for values, by the function whose results they are; the most bytes first. */
  holders(): Holder[] {
    return this.#holdings.list();
  }

  /** Bytes held on the device. */
  memory(): EngineMemory {
    return this.backend.memory();
  }

  /** Starts a new measurement of the peak of {@linkcode memory}. */
  resetPeak(): void {
    this.backend.resetPeak();
  }

  /** Frees everything; the engine cannot be used afterwards. Closing it twice does no harm. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.backend.close();
  }

  /** Closes the engine at the end of the block in which it was opened by `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(attempt: string): void {
    if (!this.#closed) return;
    throw new Error(
      `Cannot ${attempt}: the engine '${this.info.name}' is closed. Close it last, or open another one.`,
    );
  }

  /** Throws within a traced function, at once: a promise would get lost there. */
  #requireNumbers(attempt: string, wayOut: string): void {
    if (this.#traced === undefined) return;
    throw new TypeError(
      `Cannot ${attempt} within the traced function '${this.#traced}': it is called once, to write ` +
        `the program down, when there are no numbers yet. ${wayOut}`,
    );
  }

  /** Says that the engine was closed meanwhile; or where the memory went, if an array finds no place. */
  #explain(error: unknown): unknown {
    if (this.#closed) {
      return new Error(
        `The engine '${this.info.name}' was closed while it worked. Close it last.`,
        { cause: error },
      );
    }
    if (error instanceof DeviceMemoryError) {
      const held = this.holders().reduce((sum, { bytes }) => sum + bytes, 0);
      // The rest are temporaries, and arguments of calls that were not awaited.
      if (2 * held > this.memory().live) error.message += ` Most of it is in ${this.#holdings}.`;
    }
    return error;
  }
}
