/** A stage that is fed by a stream of shards learns what one that holds all images learns. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { imageStream, loadHuggingFaceImages } from "../../src/data/mod.ts";
import { type HostArray, openEngine, type Value } from "../../src/engine/mod.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { flattenLayer, linear, sequential } from "../../src/nn/mod.ts";
import { adam } from "../../src/optim/mod.ts";
import {
  classifierStep,
  compiledStage,
  packImages,
  stepInputs,
  streamedTables,
  trainingState,
} from "../../src/train/mod.ts";
import { flatten } from "../../src/tree/tree.ts";
import { withFolder } from "../data/fixtures.ts";
import { shard } from "../data/hub_fixtures.ts";

const BATCH = 4;
const ROWS = 7 + 8 + 9;

async function withShards(test: (paths: string[]) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const paths: string[] = [];
    let first = 0;
    for (let k = 0; k < 3; k++) {
      paths.push(`${folder}/train-0000${k}-of-00003.parquet`);
      await Deno.writeFile(paths[k]!, shard(first, 7 + k));
      first += 7 + k;
    }
    await test(paths);
  });
}

Deno.test("a stage learns the same from streamed batches as from a table of all images", async () => {
  await withShards(async (paths) => {
    using engine = await openEngine("reference");
    const dataset = await loadHuggingFaceImages({ name: "tiny", paths });
    const model = sequential({
      flatten: flattenLayer(),
      output: linear({ inputs: 48, outputs: 3 }),
    });
    const compiled = engine.jit(
      classifierStep({ model, optimizer: adam(), augment: (x) => x, extents: dataset }),
    );
    const start = engine.jit((key: Tensor) => trainingState(model.init(key), adam()));
    const whole = engine.put(packImages(dataset));
    // The order of the files, as the stream has it with one lane and no pool; two epochs and a half.
    const steps = Math.floor(ROWS / BATCH) * 5 / 2;
    const perEpoch = Math.floor(ROWS / BATCH);
    const rowsAt = (step: number): Int32Array =>
      Int32Array.from({ length: BATCH }, (_, k) => step % perEpoch * BATCH + k);
    const stream = streamedTables(
      imageStream({ paths, batchSize: BATCH, seed: 0, shuffle: 1, lanes: 1 }),
    );
    const own = Int32Array.from({ length: BATCH }, (_, k) => k);
    const common = {
      ...{ arm: "tiny", phase: "train", steps, samples: BATCH, compiled },
      key: hostArray([1, 2], [2], "u32"),
      start: () => start(hostArray([0, 3], [2], "u32") as never) as never,
      evaluate: () => Promise.resolve({}),
    };
    const held = compiledStage({
      ...common,
      table: whole,
      inputs: (step) => stepInputs(rowsAt(step), { step, rate: 0.01 }),
    });
    const streamed = compiledStage({
      ...common,
      table: async (step) => (await stream.at(step)).table,
      inputs: (step) => stepInputs(own, { step, rate: 0.01 }),
    });
    const learned = await Promise.all([held, streamed].map(async (stage) => {
      let training = await stage.start();
      const losses: number[] = [];
      const { samples } = await stage.cost(training);
      assertEquals(samples, BATCH);
      for (let step = 0; step < steps; step++) {
        const result = await stage.step(training, step);
        training = result.training;
        losses.push((await engine.read(result.metrics["loss"]!)).data[0]!);
      }
      const left = await engine.read(flatten<Value>(training).leaves) as HostArray[];
      return { losses, params: left.map(({ data }) => [...data]) };
    }));
    assertEquals(learned[1], learned[0]);
    assert(learned[0]!.losses.at(-1)! < learned[0]!.losses[0]!, `${learned[0]!.losses}`);
    await stream.close();
  });
});

Deno.test("a batch depends on the number of its step, in whatever order they are asked for", async () => {
  await withShards(async (paths) => {
    const options = { paths, batchSize: BATCH, seed: 4, shuffle: 6, lanes: 2 };
    const tableAt = async (from: ReturnType<typeof streamedTables>, step: number) => {
      const { table, waited } = await from.at(step);
      assert(waited >= 0);
      return [table.labels, ...table.shards].map(({ data }) => [...data]);
    };
    const stream = streamedTables(imageStream(options));
    const inOrder = [];
    for (let step = 0; step < 14; step++) inOrder.push(await tableAt(stream, step));
    assertEquals(await tableAt(stream, 13), inOrder[13]);
    assertEquals(await tableAt(stream, 2), inOrder[2]);
    await stream.close();
    // A resumed run begins at its epoch.
    const resumed = streamedTables(imageStream(options));
    assertEquals(await tableAt(resumed, 13), inOrder[13]);
    await resumed.close();
    const large = streamedTables(imageStream({ ...options, batchSize: 99 }));
    await assertRejects(() => large.at(0), RangeError, "smaller batchSize");
    await large.close();
    assert(new Set(inOrder.map((table) => JSON.stringify(table))).size > 8);
  });
});
