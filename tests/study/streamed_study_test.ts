/** Studies whose pretext images are streamed out of shards, by configuration. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { runCommand } from "../../src/experiment/mod.ts";
import { imageStudy } from "../../src/study/arms/image_study.ts";
import { studySchema } from "../../src/study/arms/study_schema.ts";
import { readUnits } from "../../src/study/read_units.ts";
import { streamImageSplits } from "../../src/data/mod.ts";
import { withFolder } from "../data/fixtures.ts";
import { numberOf, shard } from "../data/hub_fixtures.ts";

const config = {
  arms: {
    pretext: {
      pretrain: [{ objective: "pretext", tasks: { rotation: {} } }],
      protocols: ["fine-tune"],
    },
    scratch: { protocols: ["fine-tune"] },
  },
  regimes: { all: { pretextImages: "all" } },
  model: { backbone: { encoder: { widths: [2], embedding: 4 } }, hidden: 4 },
  ...{ imageSize: 8, batchSize: 4, validation: 8, evaluationBatch: 4, refreshBatches: 1 },
  ...{ trainImages: 24, pictures: 0, evaluateEvery: 2 },
  pretrain: { steps: 3 },
  fineTune: { steps: 1 },
};

async function writeSet(folder: string, shards: readonly Uint8Array[]): Promise<string> {
  await Deno.mkdir(folder);
  for (const [k, bytes] of shards.entries()) {
    await Deno.writeFile(`${folder}/train-0000${k}-of-0000${shards.length}.parquet`, bytes);
  }
  await Deno.writeFile(`${folder}/test-00000-of-00001.parquet`, shard(300, 9));
  return folder;
}

async function run(
  folder: string,
  { data, changes = {} }: { readonly data: string; readonly changes?: object },
): Promise<{ readonly code: number; readonly path: string; readonly err: string }> {
  const file = `${folder}/config.yaml`;
  const presets = `${folder}/presets.yaml`;
  await Deno.writeTextFile(presets, "{}");
  const study = imageStudy({
    ...{ name: "demo", title: "A demo", summary: "Shows.", question: [] },
    presets: new URL(`file://${presets}`),
  });
  await Deno.writeTextFile(file, JSON.stringify({ ...config, ...changes }));
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(study, {
    args: [
      ...["--config", file, "--data", data, "--engine", "reference", "--seed", "2"],
      ...["--out", `${folder}/runs`],
    ],
    output: {
      print: (line) => out.push(line),
      progress: {
        ...{ write: (text) => err.push(text), terminal: false, color: false },
        ...{ columns: () => 0, now: () => performance.now() },
      },
    },
  });
  return { code, path: out.at(-1)!, err: err.join("\n") };
}

Deno.test("a study streams its pretext images; what does not stream is as without a stream", () =>
  withFolder(async (folder) => {
    const data = await writeSet(`${folder}/set`, [shard(0, 15), shard(15, 15), shard(100, 11)]);
    const streamed = await run(folder, { data, changes: { stream: true } });
    assertEquals(streamed.code, 0, streamed.err);
    assertMatch(streamed.err, /pretext pretrain: of 3 streamed batches [0-3] were ready/);
    assertStringIncludes(streamed.err, "24 of 30 images");
    assertStringIncludes(streamed.err, "11 images are streamed from 1 shards");
    const held = await run(folder, { data });
    assertEquals(held.code, 0, held.err);
    const [one, other] = await Promise.all(
      [streamed, held].map(async ({ path }) => (await readUnits([path])).map(({ unit }) => unit)),
    );
    const figures = (units: typeof one, arm: string) =>
      units!.find((unit) => unit.arm === arm)!.phases.flatMap(({ curve }) =>
        curve.map(({ seconds: _, ...point }) => point)
      );
    assertEquals(figures(one, "scratch"), figures(other, "scratch"));
    // Pretraining begins alike, sees other images and costs the same.
    const [a, b] = [figures(one, "pretext"), figures(other, "pretext")];
    assertEquals(a[0], b[0]);
    assertEquals(a.map(({ samples, flops }) => [samples, flops]).length, b.length);
    assert(JSON.stringify(a) !== JSON.stringify(b));
    const dataOf = (units: typeof one) => units![0]!.facts["data"] as readonly string[];
    assertEquals(dataOf(one).slice(0, 2), dataOf(other));
    assertEquals(dataOf(one).length, 3);
  }));

Deno.test("streamImageSplits() streams no image that memory holds, and says what cannot be streamed", () =>
  withFolder(async (folder) => {
    const data = await writeSet(`${folder}/set`, [shard(0, 15), shard(15, 15), shard(100, 11)]);
    const { train, test, stream, streamed, shards } = await streamImageSplits({ data, held: 15 });
    assertEquals([train.count, test.count, streamed], [15, 9, 26]);
    const batches = stream({ batchSize: 13, seed: 0, shuffle: 4 });
    assertEquals(await batches.batchesPerEpoch(), 2);
    const numbers: number[] = [];
    for await (const { images, epoch } of batches.batches(0)) {
      if (epoch > 0) break;
      for (let k = 0; k < 13; k++) numbers.push(numberOf(images.subarray(48 * k, 48 * (k + 1))));
    }
    const expected = [...Array(15).keys()].map((k) => k + 15)
      .concat([...Array(11).keys()].map((k) => k + 100));
    assertEquals(numbers.sort((x, y) => x - y), expected);
    await Deno.writeFile(`${data}/train-00002-of-00003.parquet`, shard(100, 12));
    assert((await streamImageSplits({ data, held: 15 })).shards !== shards);
    await assertRejects(() => streamImageSplits({ data, held: 31 }), RangeError, "in all of its 3");
    await assertRejects(
      () => streamImageSplits({ data: folder + "/none", held: 1 }),
      Error,
      "no parquet",
    );
    const message = "or stream the shards";
    const { loadImageSplits } = await import("../../src/data/mod.ts");
    await assertRejects(() => loadImageSplits({ data, mostBytes: 99 }), RangeError, message);
  }));

Deno.test("a configuration that contradicts a stream is refused", () => {
  const faults = (changes: object) =>
    studySchema.safeParse({ ...config, stream: true, ...changes }).error?.issues
      .map(({ path }) => path.join("."));
  assertEquals(faults({}), undefined);
  assertEquals(faults({ trainImages: null }), ["trainImages"]);
  assertEquals(faults({ regimes: { all: {} } }), ["regimes.all.pretextImages"]);
  const few = { pretextImages: "all", source: { classes: ["ant", "bee"] } };
  assertEquals(faults({ regimes: { few } }), ["regimes.few.source.classes"]);
});
