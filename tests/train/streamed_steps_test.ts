/** Pretext images that are streamed, labelled ones in memory: which images a step sees, and resuming. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { imageStream, loadHuggingFaceImages } from "../../src/data/mod.ts";
import { openEngine } from "../../src/engine/mod.ts";
import { classifierHead, encoder, linear } from "../../src/nn/mod.ts";
import { sgd } from "../../src/optim/mod.ts";
import { classification, inpainting, rotation } from "../../src/pretext/mod.ts";
import { MetricsLog, Progress } from "../../src/run/mod.ts";
import {
  type ImageSource,
  ImageTraining,
  jointObjective,
  runStage,
  type StreamReport,
} from "../../src/train/mod.ts";
import { ImageSetting } from "../../src/train/image_setting.ts";
import { StreamedSteps } from "../../src/train/streamed_steps.ts";
import { withFolder } from "../data/fixtures.ts";
import { numberOf, shard } from "../data/hub_fixtures.ts";

const BATCH = 3;
/** Images in memory are 0 to 19, those of the stream 100 to 116 and 200 to 213. */
const HELD = 20;

async function withImages(
  test: (given: {
    readonly folder: string;
    readonly options: ConstructorParameters<typeof ImageSetting>[1];
    readonly source: ImageSource;
  }) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const path = async (name: string, bytes: Uint8Array) => {
      await Deno.writeFile(`${folder}/${name}.parquet`, bytes);
      return `${folder}/${name}.parquet`;
    };
    const held = await path("held", shard(0, HELD));
    const paths = [await path("a", shard(100, 17)), await path("b", shard(200, 14))];
    const dataset = await loadHuggingFaceImages({ paths: [held], size: 8 });
    const head = linear({ inputs: 4, outputs: 3 });
    const side = {
      dataset,
      head: classifierHead({ inputs: 4, classes: 3, hidden: 4 }),
      train: Int32Array.of(1, 3, 5, 7, 9, 11, 13),
      validation: Int32Array.of(0, 2, 4, 6),
      unlabelled: Int32Array.from({ length: HELD - 4 }, (_, k) => k + 4),
    };
    const source: ImageSource = (batches) =>
      imageStream({ ...batches, paths, size: 8, shuffle: 8, lanes: 2 });
    await test({
      folder,
      source,
      options: {
        ...{
          encoder: encoder({ widths: [2], embedding: 4, imageSize: 8 }),
          embedding: 4,
          probe: head,
        },
        ...{ optimizer: sgd(), augment: (images) => images, source: side, target: side },
        ...{ batchSize: BATCH, evaluationBatch: 4, seed: 5, refreshBatches: 0, adaptationDraws: 1 },
        stream: source,
      },
    });
  });
}

const tasks = [
  rotation({ hidden: 4 }),
  classification({ classes: 3, hidden: 4 }),
  inpainting({ widths: [2], imageSize: 8 }),
];

Deno.test("a step has its labelled batch from memory, and images of its own of the stream", () =>
  withImages(async ({ options, source }) => {
    using engine = await openEngine("reference");
    const setting = new ImageSetting(engine, options);
    const steps = new StreamedSteps(setting, { source, objective: { tasks }, phase: "p" });
    const seen: number[] = [];
    const { dataset, train } = options.source;
    for (let step = 0; step < 5; step++) {
      const { table, rows, support } = await steps.at(step);
      // Those of the stream are a part of the table, as those in memory are.
      assertEquals(table.shards.map(({ shape }) => shape), [[2 * BATCH, 48], [2 * BATCH, 48]]);
      const images = table.shards.flatMap(({ data, shape: [count, words] }) =>
        Array.from(
          { length: count! },
          (_, k) => [...new Uint8Array(data.slice(k * words!, (k + 1) * words!).buffer)],
        )
      );
      const at = ({ data }: { readonly data: ArrayLike<number> }) =>
        Array.from(data, (row) => ({ image: images[row]!, label: table.labels.data[row] }));
      const inMemory = (drawn: Int32Array) =>
        Array.from(drawn, (row) => ({
          image: [...dataset.images.subarray(row * 192, (row + 1) * 192)],
          label: dataset.labels[row],
        }));
      const from = { phase: "p", rows: train, step };
      assertEquals(at(rows), inMemory(setting.draws.labelled(from)));
      const labelled = setting.draws.support("classification", from);
      assertEquals(at(support["classification"]!), inMemory(labelled));
      const streamed = ["rotation", "inpainting"].map((name) => at(support[name]!));
      for (const { image, label } of streamed.flat()) {
        // Every pixel of the small image is four of this one.
        const small = Array.from({ length: 16 }, (_, k) => {
          const [y, x] = [Math.floor(k / 4), k % 4];
          return image.slice(3 * (16 * y + 2 * x), 3 * (16 * y + 2 * x) + 3);
        }).flat();
        const number = numberOf(Uint8Array.from(small));
        assertEquals([number >= 100, label], [true, number % 3]);
        seen.push(number);
      }
      assertEquals((await steps.at(step)).table, table);
    }
    // An epoch is 31 images in batches of six: none comes twice.
    assertEquals(new Set(seen).size, 5 * 2 * BATCH);
    const { batches, ready, waited }: StreamReport = steps.report;
    assertEquals([batches, ready <= 5, waited >= 0], [5, true, true]);
    await steps.close();
    const other = new StreamedSteps(setting, { source, objective: { tasks }, phase: "q" });
    const first = (await other.at(0)).table.shards[1]!.data;
    const again = new StreamedSteps(setting, { source, objective: { tasks }, phase: "p" });
    assert(first.join() !== (await again.at(0)).table.shards[1]!.data.join());
    await other.close();
    await again.close();
  }));

Deno.test("a streamed stage that was stopped goes on with the same numbers, and closes its stream", () =>
  withImages(async ({ folder, options }) => {
    const STEPS = 8;
    const reports: StreamReport[] = [];
    const run = async (name: string, stopAt?: number) => {
      using engine = await openEngine("reference");
      const training = ImageTraining.open(engine, {
        ...options,
        onStream: (_, report) => reports.push(report),
      });
      const stage = training.stage(jointObjective(training.learner("source"), { tasks }), {
        ...{ arm: "a", phase: "p", steps: STEPS, rate: 0.05, side: "source" },
      });
      await Deno.mkdir(`${folder}/${name}`, { recursive: true });
      using metrics = MetricsLog.open(`${folder}/${name}`);
      const stop = new AbortController();
      return await runStage({
        ...stage,
        step: async (state, step) => {
          if (step === stopAt) stop.abort();
          return await stage.step(state, step);
        },
      }, {
        ...{ engine, metrics, checkpoints: `${folder}/${name}/checkpoints` },
        ...{ progress: new Progress(), signal: stop.signal, evaluateEvery: 4, saveEvery: 2 },
      }).then(async ({ training, record }) => ({
        params: JSON.stringify(await engine.read(training)),
        curve: record.curve.map(({ seconds: _, ...figures }) => figures),
      }));
    };
    const whole = await run("whole");
    // Eight batches of six images: the second epoch has begun.
    assertEquals(reports.map(({ batches }) => batches), [STEPS]);
    await assertRejects(() => run("stopped", 5), DOMException);
    assertEquals(await run("stopped"), whole);
    assertEquals(reports.length, 3);
    const held = await (async () => {
      const { stream: _, ...inMemory } = options;
      using engine = await openEngine("reference");
      const training = ImageTraining.open(engine, inMemory);
      const stage = training.stage(jointObjective(training.learner("source"), { tasks }), {
        ...{ arm: "a", phase: "p", steps: 1, rate: 0.05, side: "source" },
      });
      const start = await stage.start();
      return [await stage.evaluate(start), await stage.cost(start)];
    })();
    // What does not stream is the same as without a stream.
    const { step: _, samples: __, flops: ___, ...first } = whole.curve[0]!;
    assertEquals(first as unknown, held[0]);
  }));
