import { describe } from "../ir/describe.ts";
import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { checkStep } from "./batch_indices.ts";
import { classIndices, type LabelledExamples } from "./class_indices.ts";
import { HostRandom } from "./host_random.ts";

/** Options of {@linkcode EpisodeSampler}. */
export interface EpisodeSamplerOptions {
  /** Labels and class names of the data set. */
  readonly examples: LabelledExamples;
  /** Classes of an episode (N-way). */
  readonly way: number;
  /** Support examples of a class (K-shot). */
  readonly shot: number;
  /** Query examples of a class. */
  readonly queryShot: number;
  /** Seed of the episodes. */
  readonly seed: number;
  /** The examples to draw from; all of them unless told. */
  readonly indices?: Int32Array;
  /** The classes to draw from; every class that has an example unless told. */
  readonly classes?: Int32Array;
}

/** Options of {@linkcode episodeIndices}. */
export interface EpisodeIndicesOptions extends EpisodeSamplerOptions {
  /** Number of the episode, from 0. */
  readonly step: number;
}

/** One N-way K-shot task; all lists are class-major, so the label of row `r` is `floor(r / shot)`. */
export interface Episode {
  /** The drawn classes `[way]`; label `i` of the episode means class `classes[i]`. */
  readonly classes: Int32Array;
  /** Support examples `[way * shot]`. */
  readonly support: Int32Array;
  /** Labels of the support examples within the episode, 0..way-1 `[way * shot]`. */
  readonly supportLabels: Int32Array;
  /** Query examples `[way * queryShot]`, disjoint from the support. */
  readonly query: Int32Array;
  /** Labels of the query examples within the episode, 0..way-1 `[way * queryShot]`. */
  readonly queryLabels: Int32Array;
}

/** Draws `size` different values of `pool` in random order (partial Fisher-Yates). */
function draw(pool: Int32Array, { size, random }: { size: number; random: HostRandom }) {
  const list = pool.slice();
  for (let position = 0; position < size; position++) {
    const other = position + random.integer(list.length - position);
    const kept = list[position]!;
    list[position] = list[other]!;
    list[other] = kept;
  }
  return list.subarray(0, size);
}

/** Labels `0, 0, .., 1, 1, ..` of a class-major list. */
function classMajorLabels(way: number, shot: number): Int32Array {
  return Int32Array.from({ length: way * shot }, (_, row) => Math.floor(row / shot));
}

/** Throws unless `value` is a whole number from `least`. */
function checkCount(value: number, { name, least }: { name: string; least: number }): void {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(
      `Cannot sample episodes: ${name} ${
        describe(value)
      }, expected a whole number from ${least}. Correct ${name}.`,
    );
  }
}

/**
 * Draws N-way K-shot episodes; an episode is a pure function of the seed and the step.
 *
 * Episodes as in Vinyals et al., "Matching Networks for One Shot Learning", arXiv 1606.04080,
 * section 2.2: draw `way` classes, then `shot` support and `queryShot` other query examples of each.
 *
 * @example
 * ```ts
 * import { EpisodeSampler, syntheticImages } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { train } = syntheticImages({ seed: 0, trainCount: 100, testCount: 10 });
 * const sampler = new EpisodeSampler({ examples: train, way: 5, shot: 1, queryShot: 3, seed: 0 });
 * const episode = sampler.episode(0);
 * assertEquals([...episode.supportLabels], [0, 1, 2, 3, 4]);
 * assertEquals(train.labels[episode.query[3]!], episode.classes[1]);
 * ```
 */
export class EpisodeSampler {
  readonly #groups: readonly Int32Array[];
  readonly #classes: Int32Array;
  readonly #options: EpisodeSamplerOptions;

  /**
   * Groups the examples by class; nothing is drawn yet.
   *
   * @param options Examples, episode size and seed.
   * @throws {RangeError} If a size is not a whole number, there are fewer classes than `way`, a class
   * is named twice, or a class has fewer than `shot + queryShot` examples.
   */
  constructor(options: EpisodeSamplerOptions) {
    requireOptions("new EpisodeSampler", options, {
      examples: kinds.labelledExamples,
      way: true,
      shot: true,
      queryShot: true,
      seed: is.natural,
      indices: is.optional(is.indices),
      classes: is.optional(is.indices),
    });
    const { examples, way, shot, queryShot } = options;
    checkCount(way, { name: "way", least: 1 });
    checkCount(shot, { name: "shot", least: 1 });
    checkCount(queryShot, { name: "queryShot", least: 0 });
    this.#groups = classIndices(examples, options.indices);
    this.#classes = options.classes?.slice() ??
      Int32Array.from(this.#groups.keys()).filter((label) => this.#groups[label]!.length > 0);
    this.#options = options;
    const distinct = new Set(this.#classes).size;
    if (distinct < this.#classes.length) {
      throw new RangeError(
        `Cannot sample episodes: ${this.#classes.length} classes of which ${distinct} differ, expected no class twice. Name every class once.`,
      );
    }
    if (this.#classes.length < way) {
      throw new RangeError(
        `Cannot sample ${way}-way episodes: ${this.#classes.length} classes, expected at least ${way}. Lower way or add classes.`,
      );
    }
    for (const label of this.#classes) {
      const size = this.#groups[label]?.length ?? 0;
      if (size < shot + queryShot) {
        throw new RangeError(
          `Cannot sample ${shot} support and ${queryShot} query examples: class ${label} (${
            examples.classNames[label] ?? "unknown"
          }) has ${size} examples, expected at least ${
            shot + queryShot
          }. Lower shot or queryShot, or leave the class out of classes.`,
        );
      }
    }
  }

  /**
   * Gives the episode of a step.
   *
   * @param step Number of the episode, from 0; episodes may be asked for in any order.
   * @returns Class-major support and query lists.
   * @throws {RangeError} If `step` is not a whole number from 0.
   */
  episode(step: number): Episode {
    checkStep(step);
    const { way, shot, queryShot, seed } = this.#options;
    const random = new HostRandom([seed, 0xe9150de, step]);
    const classes = draw(this.#classes, { size: way, random }).slice();
    const support = new Int32Array(way * shot);
    const query = new Int32Array(way * queryShot);
    classes.forEach((label, position) => {
      const drawn = draw(this.#groups[label]!, { size: shot + queryShot, random });
      support.set(drawn.subarray(0, shot), position * shot);
      query.set(drawn.subarray(shot), position * queryShot);
    });
    return {
      classes,
      support,
      supportLabels: classMajorLabels(way, shot),
      query,
      queryLabels: classMajorLabels(way, queryShot),
    };
  }
}

/**
 * Gives the episode of a step as a pure function; {@linkcode EpisodeSampler} gives the same episodes
 * and groups the examples only once.
 *
 * @param options Examples, episode size, seed and step.
 * @returns Class-major support and query lists.
 * @throws {RangeError} As the constructor and `episode` of {@linkcode EpisodeSampler}.
 *
 * @example
 * ```ts
 * import { episodeIndices } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const examples = { labels: Uint8Array.of(0, 0, 1, 1), classNames: ["cat", "dog"] };
 * const episode = episodeIndices({ examples, way: 2, shot: 1, queryShot: 1, seed: 0, step: 0 });
 * assertEquals([...episode.support, ...episode.query].sort(), [0, 1, 2, 3]);
 * ```
 */
export function episodeIndices(options: EpisodeIndicesOptions): Episode {
  const { step, ...sampler } = options ?? {};
  return new EpisodeSampler(sampler).episode(step);
}
