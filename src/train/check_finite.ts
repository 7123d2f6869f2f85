/**
 * The check that what is trained is still made of finite numbers.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Engine, HostArray, Value } from "../engine/mod.ts";
import type { Tensor } from "../ir/tensor.ts";
import { isFinite, sum, where } from "../tensor/mod.ts";
import { flatten } from "../tree/tree.ts";

/** A tensor with numbers that are not finite. */
export interface NonFiniteTensor {
  /** Its path, such as `params.encoder.stage1.conv1.weight`. */
  readonly path: string;
  /** How many elements are NaN or infinite. */
  readonly count: number;
  /** How many elements it has. */
  readonly size: number;
}

/** What {@linkcode FiniteCheck} found: how many tensors were looked at, and the bad ones. */
export interface FiniteFindings {
  /** Number of `f32` tensors. */
  readonly tensors: number;
  /** Those with numbers that are not finite, in the order of the tree. */
  readonly bad: readonly NonFiniteTensor[];
}

/** Counts on the device, not read yet. */
export interface PendingCounts {
  /** To be read with `engine.read`, together with whatever else is waited for. */
  readonly counts: readonly Value[];
  /**
   * Makes sense of the counts.
   *
   * @param read What `engine.read` gave for `counts`.
   */
  readonly findings: (read: readonly HostArray[]) => FiniteFindings;
}

/**
 * Counts, on the device and by bits, what is not finite: devices fold comparisons with NaN away. One
 * program for every structure of tree; it is compiled when it is first used.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { FiniteCheck } from "@mutasesumele/toolkit/train";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const engine = await openEngine("reference");
 * const check = new FiniteCheck(engine);
 * const training = engine.put({ good: hostArray([1, 2]), weight: hostArray([1, NaN, Infinity]) });
 * const { bad } = await check.find(training);
 * assertEquals(bad, [{ path: "weight", count: 2, size: 3 }]);
 * await assertRejects(
 *   () => check.demand(training, "evaluate the model"),
 *   RangeError,
 *   "Cannot evaluate the model: 2 of 3 numbers of 'weight' are NaN or infinite",
 * );
 * engine.close();
 * ```
 */
export class FiniteCheck {
  readonly #engine: Engine;
  readonly #count: (leaves: readonly Value[]) => Promise<Value[]>;

  /** Prepares the check; nothing is compiled yet. */
  constructor(engine: Engine) {
    requireArguments("new FiniteCheck", { engine }, { engine: is.engine });
    this.#engine = engine;
    this.#count = engine.jit(function countNonFinite(leaves: readonly Tensor[]): Tensor[] {
      return leaves.map((leaf) => sum(where(isFinite(leaf), 0, 1)));
    });
  }

  /**
   * Gives the counting to the device, without waiting.
   *
   * @param tree Values of the engine; those that are not `f32` are passed over.
   * @returns The counts, to be released after they were read.
   */
  async start(tree: unknown): Promise<PendingCounts> {
    const all = flatten<Value>(tree);
    const paths = all.paths.filter((_, k) => all.leaves[k]!.dtype === "f32");
    const leaves = all.leaves.filter(({ dtype }) => dtype === "f32");
    const sizes = leaves.map(({ shape }) => shape.reduce((size, extent) => size * extent, 1));
    return {
      counts: leaves.length === 0 ? [] : await this.#count(leaves),
      findings: (read) => ({
        tensors: leaves.length,
        bad: read.flatMap(({ data }, k) =>
          data[0] === 0 ? [] : [{ path: paths[k]!, count: Number(data[0]), size: sizes[k]! }]
        ),
      }),
    };
  }

  /** Counts, and waits for the result. */
  async find(tree: unknown): Promise<FiniteFindings> {
    const { counts, findings } = await this.start(tree);
    const read = await this.#engine.read(counts) as HostArray[];
    this.#engine.release(counts);
    return findings(read);
  }

  /**
   * Throws unless everything is finite.
   *
   * @param tree Values of the engine.
   * @param attempt What is about to be done with them, as an infinitive.
   * @param wayOut A sentence that says what can be done about it.
   * @throws {RangeError} Names the attempt and the first tensor that is not finite.
   */
  async demand(tree: unknown, attempt: string, wayOut = ""): Promise<void> {
    const found = await this.find(tree);
    if (found.bad.length === 0) return;
    throw new RangeError(`Cannot ${attempt}: ${inWords(found)}. ${wayOut}`.trimEnd());
  }
}

/** Thrown where numbers that are not finite were found in what is to be used. */
export class NotFiniteError extends RangeError {
  override readonly name = "RangeError";
}

/** What is not finite, in words: the first tensor, and how many there are. */
export function inWords({ tensors, bad }: FiniteFindings): string {
  const { path, count, size } = bad[0]!;
  const others = bad.length === 1 ? "" : ` (${bad.length} of ${tensors} tensors are hit)`;
  return `${count} of ${size} numbers of '${path || "the only tensor"}' are NaN or infinite, ` +
    `expected finite numbers${others}`;
}
