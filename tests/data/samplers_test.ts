import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  batchIndices,
  classIndices,
  episodeIndices,
  EpisodeSampler,
  EpochSampler,
  gatherEpisodes,
  gatherImages,
  imageDataset,
  splitDataset,
  takePerClass,
} from "../../src/data/mod.ts";

/** 103 examples of unequal classes: 50 of 0, 30 of 1, 20 of 2, 3 of 3. */
const LABELS = Uint8Array.from({ length: 103 }, (_, index) => {
  if (index >= 100) return 3;
  return index % 10 < 5 ? 0 : index % 10 < 8 ? 1 : 2;
});
const EXAMPLES = { labels: LABELS, classNames: ["a", "b", "c", "d"] };

function countClasses(indices: Int32Array): number[] {
  return classIndices(EXAMPLES, indices).map((group) => group.length);
}

Deno.test("splitDataset() is stratified, disjoint and complete for counts and fractions", () => {
  for (const validation of [0, 1, 10, 41, 102, 0.1, 0.25, 0.5]) {
    const split = splitDataset(EXAMPLES, { validation, seed: 3 });
    const held = validation < 1 ? Math.round(validation * 103) : validation;
    assertEquals(split.validation.length, held);
    const all = [...split.train, ...split.validation].sort((a, b) => a - b);
    assertEquals(all, Array.from({ length: 103 }, (_, index) => index));
    countClasses(split.validation).forEach((count, label) => {
      const exact = [50, 30, 20, 3][label]! * held / 103;
      assert(Math.abs(count - exact) < 1, `class ${label}: ${count} of ${exact}`);
    });
    assertEquals(split.train, split.train.slice().sort());
  }
});

Deno.test("splitDataset() depends on the seed alone and honours a given list", () => {
  const options = { validation: 20, seed: 5 };
  assertEquals(splitDataset(EXAMPLES, options), splitDataset(EXAMPLES, options));
  assertNotEquals(
    splitDataset(EXAMPLES, options).validation,
    splitDataset(EXAMPLES, { validation: 20, seed: 6 }).validation,
  );
  const indices = Int32Array.of(0, 1, 2, 5, 6, 7);
  const split = splitDataset(EXAMPLES, { validation: 2, seed: 0, indices });
  assertEquals([...split.train, ...split.validation].sort(), [...indices]);
  assertEquals(countClasses(split.validation), [1, 1, 0, 0]);
});

Deno.test("splitDataset() throws on impossible sizes", () => {
  for (const validation of [-1, 1.5, 103, NaN]) {
    assertThrows(() => splitDataset(EXAMPLES, { validation, seed: 0 }), RangeError, "Cannot split");
  }
});

Deno.test("takePerClass() takes k of each class, nested over k", () => {
  const three = takePerClass(EXAMPLES, { perClass: 3, seed: 1 });
  assertEquals(countClasses(three), [3, 3, 3, 3]);
  const two = new Set(takePerClass(EXAMPLES, { perClass: 2, seed: 1 }));
  assertEquals(new Set(three).intersection(two).size, two.size);
  assertNotEquals(three, takePerClass(EXAMPLES, { perClass: 3, seed: 2 }));
  assertThrows(
    () => takePerClass(EXAMPLES, { perClass: 4, seed: 1 }),
    RangeError,
    "class 3 (d) has 3",
  );
  assertThrows(() => takePerClass(EXAMPLES, { perClass: 0, seed: 1 }), RangeError, "perClass 0");
});

Deno.test("EpochSampler gives each example at most once an epoch, in a new order each epoch", () => {
  const indices = Int32Array.from({ length: 23 }, (_, index) => index * 2);
  const sampler = new EpochSampler({ indices, batchSize: 5, seed: 4 });
  assertEquals(sampler.stepsPerEpoch, 4);
  const epochs = [0, 1, 2].map((epoch) =>
    [0, 1, 2, 3].flatMap((step) => [...sampler.batch(epoch * 4 + step)])
  );
  for (const epoch of epochs) {
    assertEquals(new Set(epoch).size, 20);
    assert(epoch.every((index) => indices.includes(index)));
  }
  assertNotEquals(epochs[0], epochs[1]);
  // What an epoch drops differs, so in the long run every example is seen.
  assertEquals(new Set(epochs.flat()).size, 23);
});

Deno.test("EpochSampler resumes anywhere with the batches of an unbroken run", () => {
  const options = { indices: Int32Array.from({ length: 50 }, (_, i) => i), batchSize: 7, seed: 11 };
  const run = new EpochSampler(options);
  const unbroken = Array.from({ length: 20 }, (_, step) => run.batch(step));
  const resumed = new EpochSampler(options);
  for (const step of [19, 3, 12, 7, 6]) {
    assertEquals(resumed.batch(step), unbroken[step]!);
    assertEquals(batchIndices({ ...options, step }), unbroken[step]!);
  }
  assertNotEquals(batchIndices({ ...options, seed: 12, step: 0 }), unbroken[0]!);
});

Deno.test("EpochSampler is not disturbed by changes of its input and output", () => {
  const indices = Int32Array.of(1, 2, 3, 4);
  const sampler = new EpochSampler({ indices, batchSize: 2, seed: 0 });
  const first = sampler.batch(0).slice();
  sampler.batch(0).fill(99);
  indices.fill(77);
  assertEquals(sampler.batch(0), first);
  assert(sampler.batch(2).every((index) => index < 5));
});

Deno.test("EpochSampler throws on impossible sizes and steps", () => {
  const indices = Int32Array.of(1, 2);
  for (const batchSize of [0, 3, 1.5]) {
    assertThrows(() => new EpochSampler({ indices, batchSize, seed: 0 }), RangeError, "2 examples");
  }
  const sampler = new EpochSampler({ indices, batchSize: 1, seed: 0 });
  assertThrows(() => sampler.batch(-1), RangeError, "step -1");
});

Deno.test("EpisodeSampler gives class-major, disjoint support and query of the right classes", () => {
  const sampler = new EpisodeSampler({
    examples: EXAMPLES,
    way: 3,
    shot: 2,
    queryShot: 1,
    seed: 9,
  });
  const drawnClasses = new Set<number>();
  for (let step = 0; step < 50; step++) {
    const episode = sampler.episode(step);
    assertEquals(new Set(episode.classes).size, 3);
    episode.classes.forEach((label) => drawnClasses.add(label));
    assertEquals([...episode.supportLabels], [0, 0, 1, 1, 2, 2]);
    assertEquals([...episode.queryLabels], [0, 1, 2]);
    episode.support.forEach((index, row) =>
      assertEquals(LABELS[index], episode.classes[Math.floor(row / 2)])
    );
    episode.query.forEach((index, row) => assertEquals(LABELS[index], episode.classes[row]));
    assertEquals(new Set([...episode.support, ...episode.query]).size, 9);
  }
  assertEquals(drawnClasses.size, 4);
});

Deno.test("episodeIndices() is pure in seed and step and honours lists of examples and classes", () => {
  const options = { examples: EXAMPLES, way: 2, shot: 1, queryShot: 1, seed: 1 };
  const sampler = new EpisodeSampler(options);
  for (const step of [5, 0, 5]) {
    assertEquals(episodeIndices({ ...options, step }), sampler.episode(step));
  }
  assertNotEquals(sampler.episode(0).support, sampler.episode(1).support);
  const indices = Int32Array.of(0, 1, 5, 6, 8);
  const limited = episodeIndices({
    ...options,
    indices,
    classes: Int32Array.of(1, 0),
    step: 0,
  });
  assertEquals([...limited.support, ...limited.query].sort(), [0, 1, 5, 6]);
});

Deno.test("EpisodeSampler throws and names what is short", () => {
  const options = { examples: EXAMPLES, way: 2, shot: 1, queryShot: 1, seed: 1 };
  assertThrows(() => new EpisodeSampler({ ...options, way: 5 }), RangeError, "4 classes");
  assertThrows(
    () => new EpisodeSampler({ ...options, queryShot: 3 }),
    RangeError,
    "class 3 (d) has 3 examples",
  );
  assertThrows(
    () => new EpisodeSampler({ ...options, classes: Int32Array.of(0, 0) }),
    RangeError,
    "no class twice",
  );
  assertThrows(
    () => new EpisodeSampler({ ...options, classes: Int32Array.of(0, 7) }),
    RangeError,
    "class 7 (unknown)",
  );
  assertThrows(() => new EpisodeSampler({ ...options, shot: 0 }), RangeError, "shot 0");
});

Deno.test("classIndices() throws on labels without a name, indices without an example and indices listed twice", () => {
  assertThrows(
    () => classIndices({ labels: Uint8Array.of(0, 4), classNames: ["a"] }),
    RangeError,
    "label 4 of example 1",
  );
  assertThrows(() => classIndices(EXAMPLES, Int32Array.of(103)), RangeError, "index 103");
  // It would be learned from and held out, or be the query of its own support.
  const indices = Int32Array.of(1, 2, 1);
  for (
    const sample of [
      () => splitDataset(EXAMPLES, { validation: 1, seed: 1, indices }),
      () => takePerClass(EXAMPLES, { perClass: 1, seed: 1, indices }),
      () =>
        episodeIndices({
          examples: EXAMPLES,
          way: 1,
          shot: 1,
          queryShot: 1,
          seed: 1,
          step: 0,
          indices,
        }),
    ]
  ) assertThrows(sample, RangeError, "index 1 is listed twice, expected every example once");
});

Deno.test("gatherEpisodes() puts the images and labels of each task behind a task axis", () => {
  const images = Array.from({ length: 103 }, (_, k) => [[k, 255 - k, 7], [0, 128, k]]);
  const dataset = imageDataset({ images, labels: LABELS, classNames: EXAMPLES.classNames });
  const sampler = new EpisodeSampler({
    ...{ examples: dataset, way: 3, shot: 2, queryShot: 1, seed: 4 },
  });
  const episodes = [5, 6].map((step) => sampler.episode(step));
  const statistics = { mean: [0.25], standardDeviation: [0.5] };
  const tasks = gatherEpisodes(dataset, episodes, statistics);
  assertEquals(tasks.support.images.shape, [2, 6, 2, 3, 1]);
  assertEquals([tasks.query.images.shape, tasks.query.labels.dtype], [[2, 3, 2, 3, 1], "i32"]);
  assertEquals([...tasks.query.labels.data], [0, 1, 2, 0, 1, 2]);
  for (const side of ["support", "query"] as const) {
    const { images: { data }, labels } = tasks[side];
    const size = data.length / 2;
    episodes.forEach((episode, task) => {
      const own = gatherImages(dataset, { ...statistics, indices: episode[side] });
      assertEquals(data.slice(task * size, (task + 1) * size), own);
      const count = episode[side].length;
      const classes = [...labels.data.slice(task * count, (task + 1) * count)]
        .map((label) => episode.classes[label]);
      assertEquals(classes, [...episode[side]].map((row) => LABELS[row]));
    });
  }
  assertThrows(() => gatherEpisodes(dataset, []), RangeError, "0 episodes");
  const other = { ...episodes[0]!, query: Int32Array.of(1), queryLabels: Int32Array.of(0) };
  const odd = () => gatherEpisodes(dataset, [episodes[0]!, other]);
  assertThrows(odd, RangeError, "number 1 has 1 images of its query, the first 3");
});
