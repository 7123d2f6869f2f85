import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runExperimentFolder } from "../../src/experiment/run_command.ts";
import { toolkitVersion } from "../../src/machine/version.ts";
import { readMetrics } from "../../src/run/metrics.ts";
import { RunFolder } from "../../src/run/run_folder.ts";
import { type Config, demo, inFolder } from "./demo.ts";

Deno.test("runCommand() writes a complete run folder and prints it last", () =>
  inFolder(async (_, command) => {
    const experiment = demo(async (context) => {
      context.log("to stderr");
      context.print("to stdout");
      await context.describe({ engine: "reference", adapter: "none" });
      const metrics = context.openMetrics();
      metrics.write({ arm: "a", phase: "train", step: 1, loss: 0.5 });
      await context.folder.writeSummary({ seed: context.seed, width: context.config.model.width });
    });
    const { code, out, err } = await command(experiment, "--seed", "7", "--set", "model.width=9");
    assertEquals([code, out.length, out[0]], [0, 2, "to stdout"]);
    const path = out[1]!;
    assertMatch(path, /\/runs\/demo\/\d{8}T\d{6}Z-7$/);
    assertStringIncludes(err, "to stderr\n");
    assertStringIncludes(err, "demo: preset none, seed 7, engine auto, data auto");
    assertEquals(JSON.parse(await Deno.readTextFile(`${path}/summary.json`)), {
      seed: 7,
      width: 9,
    });
    assertEquals((await readMetrics(`${path}/metrics.jsonl`)).length, 1);
    using folder = await RunFolder.open(path);
    assertEquals((await folder.readStatus())?.state, "finished");
    const record = await folder.readRecord();
    assertEquals(record.config, { steps: 3, model: { width: 9 } });
    assertEquals(record.versions["deno"], Deno.version.deno);
    assertEquals(record.versions["toolkit"], toolkitVersion);
    assertEquals([record.environment["engine"], record.environment["os"]], [
      "reference",
      Deno.build.os,
    ]);
    assertEquals(record.command.slice(0, 3), ["experiments/demo.ts", "--seed", "7"]);
  }));

Deno.test("toolkitVersion is the version of the package", async () => {
  const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(toolkitVersion, config.version);
});

Deno.test("runCommand() takes defaults, then preset, then file, then --set", () =>
  inFolder(async (folder, command) => {
    const presets = new URL(`file://${folder}/demo.yaml`);
    await Deno.writeTextFile(
      presets,
      "smoke: {steps: 1}\nquick:\n  steps: 20\n  model: {width: 30}\nfull:\n",
    );
    await Deno.writeTextFile(`${folder}/mine.yaml`, "model: {width: 31}");
    let seen: Config | undefined;
    const experiment = demo((context) => Promise.resolve(void (seen = context.config)), presets);
    const config = async (...args: string[]) => {
      assertEquals((await command(experiment, ...args)).code, 0);
      return [seen!.steps, seen!.model.width];
    };
    assertEquals(await config(), [20, 30]);
    assertEquals(await config("--preset", "smoke"), [1, 4]);
    assertEquals(await config("--preset", "full"), [3, 4]);
    assertEquals(await config("--config", `${folder}/mine.yaml`), [20, 31]);
    assertEquals(await config("--set", "model.width=32", "--config", `${folder}/mine.yaml`), [
      20,
      32,
    ]);
    const unknown = await command(experiment, "--preset", "fulll");
    assertEquals(unknown.code, 2);
    assertStringIncludes(
      unknown.err,
      'Unknown preset "fulll". Did you mean "full"? Valid: smoke, quick',
    );
    await Deno.writeTextFile(presets, "quick:\n  setps: 1\n");
    const wrong = await command(experiment);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.err, 'demo.yaml:2:3: Unknown key "setps". Did you mean "steps"?');
  }));

Deno.test("runCommand() fails with 2 before there is a run folder when the usage is wrong", () =>
  inFolder(async (folder, command) => {
    const experiment = demo(() => Promise.reject(new Error("never called")));
    const cases: [string[], string][] = [
      [["--sede", "1"], 'Unknown flag "--sede". Did you mean "--seed"?'],
      [["other"], 'Unexpected argument "other": this command runs demo. If another was meant'],
      [["--list"], 'Unexpected argument "--list"'],
      [["--preset", "quick"], 'Unknown preset "quick". There is none.'],
      [["--config", `${folder}/none.yaml`], "none.yaml: no such file"],
      [["--set", "steps=0"], "--set steps=0: steps: Too small"],
      [
        ["--kernels", `${folder}/none.json`],
        'none.json", which is no file. Expected a copy of what',
      ],
      [["--kernels", folder], "which is no file. Expected a copy of what"],
      [
        ["--data", `${folder}/none`],
        "which is no folder. Expected a folder, an archive, or one of auto, synthetic",
      ],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await command(experiment, ...args);
      assertEquals([code, out], [2, []], err);
      assertStringIncludes(err, message);
      assertStringIncludes(err, "See: experiments/demo.ts --help");
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("runCommand() keeps the run folder and the error of a run that failed", () =>
  inFolder(async (_, command) => {
    const experiment = demo((context) => {
      const metrics = context.openMetrics();
      metrics.write({ arm: "a", phase: "train", step: 1, loss: 0.5 });
      metrics.write({ arm: "a", phase: "train", step: 2, loss: NaN });
      return Promise.resolve();
    });
    const { code, out, err } = await command(experiment);
    assertEquals(code, 1);
    const path = out.at(-1)!;
    assertStringIncludes(
      err,
      'Error: Cannot log metric "loss" of arm "a", phase "train" at step 2',
    );
    assertStringIncludes(err, `Details are in ${path}/error.txt.`);
    assertMatch(await Deno.readTextFile(`${path}/error.txt`), /found NaN[\s\S]*\n +at /);
    assertEquals((await readMetrics(`${path}/metrics.jsonl`)).length, 1);
    assertEquals(JSON.parse(await Deno.readTextFile(`${path}/status.json`)).state, "failed");
  }));

Deno.test("runCommand() fails on a rejection that nobody awaits, and shows the cause of an error", () =>
  inFolder(async (_, command) => {
    const experiment = demo(async () => {
      queueMicrotask(() =>
        void Promise.reject(new Error("lost device", { cause: new Error("deep") }))
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    });
    const { code, out, err } = await command(experiment);
    assertEquals(code, 1);
    assertStringIncludes(err, "Error: lost device");
    assertStringIncludes(
      await Deno.readTextFile(`${out.at(-1)}/error.txt`),
      "Caused by: Error: deep",
    );
  }));

Deno.test("runCommand() shows presets and every key with --help", () =>
  inFolder(async (folder, command) => {
    const presets = new URL(`file://${folder}/demo.yaml`);
    await Deno.writeTextFile(presets, "smoke:\nquick:\n");
    const { code, out } = await command(demo(() => Promise.resolve(), presets), "--help");
    assertEquals(code, 0);
    const help = out.join("\n");
    for (
      const part of [
        "A demo. Does little.",
        "Usage: experiments/demo.ts [flags]",
        "--resume RUN_FOLDER",
        "Presets: smoke, quick",
        "beside the experiment (default quick)",
        "Steps. (integer, default 3)",
        "model.width",
      ]
    ) assertStringIncludes(help, part);
    await Deno.writeTextFile(presets, "smoke:\n");
    const other = (await command(demo(() => Promise.resolve(), presets), "--help")).out.join("\n");
    assertStringIncludes(other, "beside the experiment (none unless told)");
  }));

Deno.test("runExperimentFolder() lists and runs the files of a folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["main.ts", "demo.ts", "other.ts", "notes.md", "demo.yaml", "_x.ts"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    const modules: Record<string, unknown> = {
      "demo.ts": { experiment: demo((context) => Promise.resolve(context.print("ran"))) },
      "other.ts": { experiment: { ...demo(() => Promise.resolve()), name: "another" } },
    };
    const run = async (...args: string[]) => {
      const out: string[] = [];
      let err = "";
      const progress = {
        write: (text: string) => void (err += text),
        terminal: false,
        color: false,
        columns: () => 0,
        now: () => 0,
      };
      const code = await runExperimentFolder(new URL(`file://${folder}/`), {
        args,
        load: (url) => Promise.resolve(modules[url.split("/").at(-1)!]),
        output: { print: (line) => void out.push(line), progress },
      });
      return { code, out: out.join("\n"), err };
    };
    const ran = await run("demo", "--out", `${folder}/runs`);
    assertEquals(ran.code, 0);
    assertMatch(ran.out, /^ran\n.*\/runs\/demo\//);
    const misspelt = await run("dmeo");
    assertEquals(misspelt.code, 2);
    assertStringIncludes(
      misspelt.err,
      'Unknown experiment "dmeo". Did you mean "demo"? Valid: demo, other.',
    );
    assertStringIncludes(misspelt.err, "See: deno task experiment --help");
    assertEquals((await run()).code, 2);
    assertEquals((await run("demo", "more")).code, 2);
    assertStringIncludes((await run("other")).err, 'expected an export "experiment"');
    modules["other.ts"] = { experiment: { ...demo(() => Promise.resolve()), name: "other" } };
    assertEquals(await run("--list"), {
      code: 0,
      out: "demo\n    A demo. Does little.\nother\n    A demo. Does little.",
      err: "",
    });
    assertStringIncludes((await run("--help")).out, "Usage: deno task experiment <name> [flags]");
    assertStringIncludes(
      (await run("demo", "--help")).out,
      "Usage: deno task experiment demo [flags]",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("runExperiment() lets the process that has started it know when it waits for a device", () =>
  inFolder(async (_, command) => {
    const seen: unknown[] = [];
    const experiment = demo(async ({ engineOptions, folder, progress, signal }) => {
      assertEquals(engineOptions.signal, signal);
      progress.begin({ label: "meta pretrain", total: 9, done: 4 });
      engineOptions.onWork!({ engine: "webgpu", kind: "read" });
      const { waits, stage, step } = JSON.parse(
        await Deno.readTextFile(folder.file("heartbeat.json")),
      );
      seen.push(waits, stage, step);
    });
    const { code, out } = await command(experiment);
    assertEquals([code, seen], [0, [true, "meta pretrain", 4]]);
    assertEquals(
      [...Deno.readDirSync(out[0]!)].some(({ name }) => name === "heartbeat.json"),
      false,
    );
    const limited = demo(({ engineOptions }) => {
      seen.push(engineOptions.byteBudget);
      return Promise.resolve();
    });
    assertEquals((await command(limited, "--memory", "2MiB")).code, 0);
    assertEquals(seen.at(-1), 2 ** 21);
  }));
