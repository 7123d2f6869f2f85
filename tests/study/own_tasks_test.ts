/** Pretext tasks of a study's own, chosen by name in a configuration. */
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { runCommand } from "../../src/experiment/mod.ts";
import { linear } from "../../src/nn/mod.ts";
import type { PretextTask } from "../../src/pretext/mod.ts";
import { imageStudy, type ImageStudyOptions } from "../../src/study/images.ts";
import { readUnits } from "../../src/study/read_units.ts";
import { mean, square, sub } from "../../src/tensor/mod.ts";
import { withFolder } from "../data/fixtures.ts";

/** Tells how bright an image is. */
const brightness = (name: string): PretextTask => ({
  name,
  needsLabels: false,
  initHead: (key, embedding) => linear({ inputs: embedding, outputs: 1 }).init(key).params,
  loss({ encode, head, images, key }) {
    const embeddings = encode(images, key);
    const told = linear({ inputs: embeddings.shape[1]!, outputs: 1 })
      .apply(head as never, {}, embeddings, { training: true }).output;
    const loss = mean(square(sub(mean(told, { axes: 1 }), mean(images, { axes: [1, 2, 3] }))));
    const pictures = () => ({ input: images, target: images, prediction: images });
    return { loss, metrics: { error: loss }, pictures };
  },
});

const config = {
  arms: {
    meta: {
      pretrain: [{
        objective: "meta",
        tasks: { brightness: {}, rotation: null, contrastive: null },
      }],
      protocols: ["as-is"],
    },
  },
  model: { backbone: { encoder: { widths: [2], embedding: 4 } }, hidden: 4 },
  ...{ imageSize: 8, batchSize: 2, validation: 4, evaluationBatch: 4, refreshBatches: 0 },
  ...{ trainImages: 24, testImages: 4, pictures: 0, evaluateEvery: 2, adaptationDraws: 1 },
  pretrain: { steps: 1 },
};

const about = { name: "demo", title: "A demo", summary: "Shows.", question: [] };

async function run(folder: string, tasks: ImageStudyOptions["tasks"], ...args: string[]) {
  const presets = `${folder}/presets.yaml`;
  await Deno.writeTextFile(presets, "{}");
  await Deno.writeTextFile(`${folder}/config.yaml`, JSON.stringify(config));
  const study = imageStudy({
    ...about,
    presets: new URL(`file://${presets}`),
    ...(tasks && { tasks }),
  });
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommand(study, {
    args: args.length > 0 ? args : [
      ...["--config", `${folder}/config.yaml`, "--data", "synthetic", "--engine", "reference"],
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
  return { code, out, err: err.join("\n") };
}

Deno.test("a study meta-trains on a task of its own, chosen by its name", () =>
  withFolder(async (folder) => {
    const settings: unknown[] = [];
    const tasks: ImageStudyOptions["tasks"] = {
      brightness: (setting) => {
        settings.push(setting);
        return brightness("brightness");
      },
    };
    const { code, out, err } = await run(folder, tasks);
    assertEquals(code, 0, err);
    assertMatch(err, /guard: outer loss .* parameters learn/);
    assertStringIncludes(err, "agree with the meta-gradient");
    assertEquals(settings[0], { imageSize: 8, imageChannels: 3, classes: 2, hidden: 4 });
    const path = out.at(-1)!;
    const [{ unit }] = await readUnits([path]) as [Awaited<ReturnType<typeof readUnits>>[0]];
    assertEquals(unit.arm, "meta");
    const metrics = await Deno.readTextFile(`${path}/metrics.jsonl`);
    for (const name of ["brightnessLoss", "brightnessError"]) {
      assertStringIncludes(metrics, `"${name}":`);
    }
    const help = (await run(folder, tasks, "--help")).out.join("\n");
    assertMatch(help, /meta\.tasks\.brightness +A task of this study/);
    const without = await run(folder, undefined);
    assertEquals(without.code, 2);
    assertStringIncludes(without.err, "brightness");
  }));

Deno.test("an own task whose name is taken, or other than its own, is refused", () =>
  withFolder(async (folder) => {
    const presets = new URL("file:///none.yaml");
    const task = () => brightness("brightness");
    for (const name of ["rotation", "Bright", "a b"]) {
      const message = `Cannot add the task "${name}"`;
      assertThrows(
        () => imageStudy({ ...about, presets, tasks: { [name]: task } }),
        RangeError,
        message,
      );
    }
    const none = { brightness: 3 } as never;
    assertThrows(() => imageStudy({ ...about, presets, tasks: none }), TypeError, "a function");
    const { code, err } = await run(folder, { brightness: () => brightness("dark") });
    assertEquals(code, 1, err);
    assertStringIncludes(err, 'it was made with the name "dark", expected the same');
  }));
