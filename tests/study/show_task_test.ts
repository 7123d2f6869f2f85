/** Pictures of pretext tasks, from the command line and in runs. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { objectivesOn, pretextTasks } from "../../src/components/mod.ts";
import { decodeImage } from "../../src/data/mod.ts";
import { runExperiment } from "../../src/experiment/mod.ts";
import { rotation } from "../../src/pretext/mod.ts";
import { imageStudy, type ImageStudyOptions } from "../../src/study/arms/image_study.ts";
import { withOwnTasks } from "../../src/study/arms/own_tasks.ts";
import { studySchemaOn } from "../../src/study/arms/study_schema.ts";
import { readRunPictures } from "../../src/study/run_pictures.ts";
import { showTaskCommand } from "../../src/study/show/show_task_command.ts";

interface Shown {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function show(...args: string[]): Promise<Shown> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await showTaskCommand(args, {
    load: (url) => import(url),
    output: { print: (line) => out.push(line), log: (line) => err.push(line) },
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const config = {
  arms: {
    pretext: {
      pretrain: [{ objective: "pretext", tasks: { rotation: {}, inpainting: { widths: [2] } } }],
      protocols: ["knn"],
    },
    plain: { protocols: ["fine-tune"] },
  },
  model: { backbone: { encoder: { widths: [2], embedding: 4 } }, hidden: 4 },
  imageSize: 8,
  batchSize: 4,
  validation: 8,
  trainImages: 40,
  testImages: 4,
  pretrain: { steps: 2, rate: 0.1 },
  fineTune: { steps: 1 },
  refreshBatches: 1,
  evaluationBatch: 4,
  pictures: 3,
};

/** Runs a study of two arms; gives its folder. */
async function runStudy(
  root: string,
  changes: object = {},
  tasks: NonNullable<ImageStudyOptions["tasks"]> = {},
): Promise<string> {
  const study = imageStudy({
    ...{ name: "demo", title: "A demo", summary: "Shows.", question: [] },
    presets: new URL("none.yaml", import.meta.url),
    tasks,
  });
  const schema = studySchemaOn(objectivesOn(withOwnTasks(tasks)));
  const { exitCode, path } = await runExperiment(study, {
    ...{ seed: 3, engine: "reference", data: "synthetic", preset: null, command: ["test"] },
    ...{ config: schema.parse({ ...config, ...changes }), folder: { root } },
  });
  assertEquals(exitCode, 0);
  return path;
}

Deno.test("a run keeps pictures of its pretext tasks, before and after pretraining", () =>
  inFolder(async (root) => {
    const path = await runStudy(root);
    const images = await readRunPictures(path);
    assertEquals(images.map(({ title }) => title), [
      "inpainting in pretext, pretrain, after 0 steps",
      "inpainting in pretext, pretrain, after 2 steps",
      "rotation in pretext, pretrain, after 0 steps",
      "rotation in pretext, pretrain, after 2 steps",
    ]);
    for (const { png } of images) {
      assert(png.length < 20_000, `${png.length} bytes`);
      const { width } = await decodeImage(png);
      assertEquals(width, 8 + 6 * "prediction".length + 3 * 36);
    }
    // The weights have moved, and with them what is painted; input and target are the same.
    assertNotEquals(images[0]!.png, images[1]!.png);
    const rows = await Promise.all(
      images.slice(0, 2).map(async ({ png }) => {
        const { width, height, pixels } = await decodeImage(png);
        // Three rows of 32 pixels, with 4 below each.
        return [3, 2, 1].map((row) => {
          const top = height - 36 * row;
          return pixels.subarray(3 * width * top, 3 * width * (top + 32)).join();
        });
      }),
    );
    assertEquals(rows[0]!.slice(0, 2), rows[1]!.slice(0, 2));
    assertNotEquals(rows[0]![2], rows[1]![2]);
    const report = await Deno.readTextFile(`${path}/report.html`);
    assertEquals(report.split('src="data:image/png;base64,').length - 1, 4);
    const events = await Deno.readFile(
      `${path}/tensorboard/pretext/events.out.tfevents.0.run`,
    );
    const text = new TextDecoder("latin1").decode(events);
    assertEquals(text.split("pretrain/rotation\x22").length - 1, 2);
    assertEquals(text.split("PNG\r\n").length - 1, 4);

    // Of the run that has them, the command shows what the last checkpoint does.
    const file = `${root}/shown.png`;
    const shown = await show(
      "inpainting",
      "--checkpoint",
      path,
      "--out",
      file,
      "--engine",
      "reference",
    );
    assertEquals([shown.code, shown.out.split(": ")[1]], [
      0,
      "528 x 358, pretext, pretrain, step 2",
    ]);
    const engine = ["--engine", "reference"];
    const fresh = await show("inpainting", "--checkpoint", path, "--arm", "plain", ...engine);
    assertEquals(fresh.code, 2);
    assertStringIncludes(fresh.err, "of the arm plain");
    const unknown = await show("jigsaw", "--checkpoint", path, ...engine);
    assertStringIncludes(unknown.err, 'this run "jigsaw". Valid: inpainting, rotation');
    await Deno.remove(`${path}/checkpoints`, { recursive: true });
    const none = await show("rotation", "--checkpoint", path, ...engine);
    assertEquals(none.code, 2);
    assertStringIncludes(none.err, "no checkpoint of pretext-pretrain");
  }));

Deno.test("a run that is told to draws no pictures, and computes the same", () =>
  inFolder(async (root) => {
    const [drawn, plain] = [
      await runStudy(`${root}/a`),
      await runStudy(`${root}/b`, { pictures: 0 }),
    ];
    assertEquals(await readRunPictures(plain), []);
    const units = await Promise.all([drawn, plain].map(async (path) => {
      const { configuration, outcomes } = JSON.parse(
        await Deno.readTextFile(`${path}/unit.all.pretext.json`),
      );
      return [configuration, outcomes[0].test];
    }));
    assertEquals(units[0], units[1]);
  }));

Deno.test("show-task draws any task by a fresh model", () =>
  inFolder(async (folder) => {
    const file = `${folder}/colours.png`;
    const args = ["--data", "synthetic", "--size", "24", "--count", "2", "--engine", "reference"];
    const { code, out, err } = await show("rotation", ...args, "--out", file);
    assertEquals([code, out], [0, `${file}: 328 x 358, untrained`], err);
    assertStringIncludes(err, "procedural");
    const { width, height } = await decodeImage(await Deno.readFile(file));
    assertEquals([width, height], [328, 358]);
    const first = await Deno.readFile(file);
    await show("rotation", ...args, "--out", file, "--seed", "1");
    assertNotEquals(await Deno.readFile(file), first);
  }));

Deno.test("show-task draws tasks of a module of one's own, and of its runs", () =>
  inFolder(async (folder) => {
    // Names that are not those of a URL.
    const path = `${folder}/50% of #1.ts`;
    await Deno.writeTextFile(
      path,
      `import { rotation } from "@mutasesumele/toolkit";
       export const tasks = {
         "half-turn": ({ hidden }) => ({ ...rotation({ hidden }), name: "half-turn" }),
         other: ({ hidden }) => rotation({ hidden }),
       };`,
    );
    const file = `${folder}/shown.png`;
    const rest = ["--data", "synthetic", "--engine", "reference", "--out", file];
    const args = [...rest, "--size", "24", "--count", "2"];
    const fresh = await show("half-turn", "--from", path, ...args);
    assertEquals([fresh.code, fresh.out], [0, `${file}: 328 x 358, untrained`], fresh.err);
    const own = await Deno.readFile(file);
    assertEquals((await show("rotation", "--from", path, ...args)).code, 0);
    assertEquals((await decodeImage(await Deno.readFile(file))).width, 328);
    assert(own.length > 0);
    const run = await runStudy(folder, {
      arms: {
        pretext: {
          pretrain: [{ objective: "pretext", tasks: { "half-turn": {}, rotation: null } }],
          protocols: ["knn"],
        },
      },
    }, { "half-turn": ({ hidden }) => ({ ...rotation({ hidden }), name: "half-turn" }) });
    const trained = await show("half-turn", "--from", path, "--checkpoint", run, ...rest);
    assertEquals([trained.code, trained.out.split(", ").at(-1)], [0, "step 2"], trained.err);
    const unknown = await show("rotation", "--checkpoint", run, ...rest);
    assertEquals(unknown.code, 2);
    assertStringIncludes(unknown.err, "tasks of its own, give their module: --from FILE");

    const wrong: [text: string, name: string, message: string][] = [
      ["export const task = 3;", "task", "it exports task, expected `tasks`"],
      ["export const tasks = {};", "task", "it exports tasks = an empty object, expected `tasks`"],
      ["export const tasks = () => {};", "task", "tasks = the function tasks, expected `tasks`"],
      ["export const tasks = { rotation: () => {} };", "a", 'Cannot add the task "rotation"'],
      ["export const tasks = { a: 3 };", "a", "expected a function that makes it"],
      ["export const tasks = { a: () => {} };", "b", 'Unknown pretext task "b". Valid: '],
      ["throw new Error('not today');", "a", "not today. Expected the path of a module"],
      ["throw null;", "a", "it throws null. Expected the path of a module"],
    ];
    for (const [k, [text, name, message]] of wrong.entries()) {
      const module = `${folder}/wrong_${k}.ts`;
      await Deno.writeTextFile(module, text);
      const { code, err } = await show(name, "--from", module, ...args);
      assertEquals(code, 2, err);
      assertStringIncludes(err, message);
    }
    const made: [text: string, message: string][] = [
      ["export const tasks = { a: () => null };", "it was made as null, expected the same name"],
      ["export const tasks = { a: async () => {} };", "as a promise (not awaited)"],
      [
        `import { rotation } from "@mutasesumele/toolkit";
         export const tasks = {
           a: ({ hidden }) => {
             const task = rotation({ hidden });
             return { ...task, name: "a", loss: (x) => ({ loss: task.loss(x).loss, metrics: {} }) };
           },
         };`,
        "returns undefined as 'pictures', expected a function",
      ],
    ];
    for (const [k, [text, message]] of made.entries()) {
      const module = `${folder}/made_${k}.ts`;
      await Deno.writeTextFile(module, text);
      const { code, err } = await show("a", "--from", module, ...args);
      assertEquals(code, 1, err);
      assertStringIncludes(err, message);
    }
    const missing = await show("a", "--from", `${folder}/none.ts`, ...args);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.err, `Cannot import "${folder}/none.ts": No such file`);
    // The task says who it is.
    const named = await show("other", "--from", path, ...args);
    assertStringIncludes(named.err, 'made with the name "rotation", expected the same');
  }));

Deno.test("show-task names what it knows, and what is wrong with its flags", async () => {
  const cases: [string[], string][] = [
    [[], Object.keys(pretextTasks).join(", ")],
    [["rotaton"], 'Unknown pretext task "rotaton". Did you mean "rotation"? Valid: barlow-twins,'],
    [["rotation", "jigsaw"], 'Unexpected argument "jigsaw"'],
    [["rotation", "--count", "0"], '--count got "0", expected a whole number from 1 to 64'],
    [["rotation", "--size", "1e3"], '--size got "1e3"'],
    [["rotation", "--engine", "cuda"], 'Unknown engine "cuda"'],
    [["rotation", "--arm", "meta"], "--arm needs a run"],
    [["rotation", "--checkpoint", "/nowhere"], 'of "/nowhere": found no config.yaml'],
    [["rotation", "--colour"], 'Unknown flag "--colour"'],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await show(...args, ...args.length > 0 ? ["--data", "synthetic"] : []);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, message);
  }
  const help = await show("--help");
  assertEquals(help.code, 0);
  assertStringIncludes(help.out, "colorization");
});

Deno.test("show-task may read, and write its file, and nothing else", async () => {
  const text = await Deno.readTextFile(new URL("../../deno.json", import.meta.url));
  const { tasks, permissions } = JSON.parse(text);
  assertEquals(tasks["show-task"].command.split(" ").slice(0, 3), ["deno", "run", "-P=show"]);
  assertEquals(Object.keys(permissions.show).sort(), ["env", "import", "read", "write"]);
  assertEquals(permissions.show.import, false);
  // It measures no adapter.
  const needless = "MUTASESUMELE_PROFILES";
  assertEquals(
    permissions.show.env,
    permissions.experiment.env.filter((name: string) => name !== needless),
  );
});
