import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
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

Deno.test("runCommand() resumes with what the folder says, and does nothing when finished", () =>
  inFolder(async (folder, command) => {
    let fail = true;
    const seen: unknown[] = [];
    const experiment = demo(async (context) => {
      const { config, seed, engine, data, resumed } = context;
      seen.push([config, seed, engine, data, resumed]);
      await context.describe({ adapter: fail ? "one" : "two" });
      if (fail) throw new Error("first time");
    });
    const args = ["--seed", "5", "--engine", "tfjs", "--data", folder, "--set", "steps=8"];
    const first = await command(experiment, ...args);
    const path = first.out.at(-1)!;
    fail = false;
    const second = await command(experiment, "--resume", path);
    assertEquals([second.code, second.out], [0, [path]]);
    const config = { steps: 8, model: { width: 4 } };
    assertEquals(seen, [[config, 5, "tfjs", folder, false], [config, 5, "tfjs", folder, true]]);
    assertStringIncludes(second.err, 'Resumed with another adapter ("two", was "one")');
    const record = await Deno.readTextFile(`${path}/config.yaml`);
    assertStringIncludes(record, "--resume");
    assertEquals([...Deno.readDirSync(path)].some((entry) => entry.name === "error.txt"), false);
    const third = await command(experiment, "--resume", path);
    assertEquals([third.code, third.out, seen.length], [0, [path], 2]);
    assertStringIncludes(third.err, "is finished already");
  }));

Deno.test("runCommand() resumes whatever texts a configuration has, and whatever is noted", () =>
  inFolder(async (_, command) => {
    let fail = true;
    const schema = z.strictObject({ names: z.array(z.string()).default([]) });
    const seen: unknown[] = [];
    const experiment = defineExperiment({
      ...{ name: "texts", title: "Texts", summary: "Notes.", schema },
      run: async ({ config, describe }) => {
        seen.push(config);
        // More than a configuration may be long.
        await describe({
          table: Object.fromEntries(Array.from({ length: 20_000 }, (_, k) => [`shape ${k}`, k])),
        });
        if (fail) throw new Error("first time");
      },
    }) as unknown as ReturnType<typeof demo>;
    // Some readers take these for numbers, and some for text.
    const names = JSON.stringify(["0o10", "+.5", "069", "0x1F", "1e3", "yes", "~", " \n", "-0"]);
    const path = (await command(experiment, "--set", `names=${names}`)).out.at(-1)!;
    fail = false;
    const resumed = await command(experiment, "--resume", path);
    assertEquals([resumed.code, resumed.err.includes("Cannot")], [0, false], resumed.err);
    assertEquals(seen, [{ names: JSON.parse(names) }, { names: JSON.parse(names) }]);
  }));

Deno.test("runCommand() begins, goes on and is done in exactly one folder", () =>
  inFolder(async (folder, command) => {
    let fail = true;
    const seen: unknown[] = [];
    const experiment = demo((context) => {
      seen.push([context.config.steps, context.seed, context.resumed]);
      return fail ? Promise.reject(new Error("stop")) : Promise.resolve();
    });
    const path = `${folder}/study/same/meta/seed-5`;
    const run = (...more: string[]) =>
      command(experiment, "--seed", "5", "--set", "steps=8", "--folder", `${path}/`, ...more);
    // A process that was killed before it wrote its record has left its lock and its copy.
    await Deno.mkdir(path, { recursive: true });
    await Deno.writeTextFile(`${path}/run.lock`, "");
    await Deno.writeTextFile(`${path}/begun.json`, "half");
    const first = await run();
    assertEquals([first.code, first.out], [1, [path]]);
    fail = false;
    const changed = await run("--set", "steps=9");
    assertEquals(changed.code, 2);
    assertStringIncludes(changed.err, "changed since the run began: config.steps (9, was 8)");
    const data = await run("--data", "synthetic");
    assertEquals(data.code, 2);
    assertStringIncludes(data.err, 'with data "synthetic": it began with "auto"');
    assertEquals((await run()).code, 0);
    const done = await run();
    assertEquals([done.code, done.out], [0, [path]]);
    assertStringIncludes(done.err, "is finished already");
    const measured = await run("--measure-kernels");
    assertEquals(measured.code, 0);
    assertStringIncludes(measured.err, "goes on with its own kernels; nothing is measured");
    assertEquals(seen, [[8, 5, false], [8, 5, true]]);
    using lock = await RunFolder.open(path);
    const locked = await run();
    assertEquals(locked.code, 1);
    assertStringIncludes(locked.err, "another process holds its lock");
    lock.close();
    const foreign = await command(experiment, "--folder", folder);
    assertEquals(foreign.code, 1);
    assertStringIncludes(foreign.err, 'it holds "study" and no config.yaml');
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["study"]);
  }));

Deno.test("runCommand() goes on in the precision in which the run began, and in no other", () =>
  inFolder(async (folder, command) => {
    let fail = true;
    const seen: unknown[] = [];
    const experiment = demo(({ engineOptions }) => {
      seen.push(engineOptions.halfPrecision);
      return fail ? Promise.reject(new Error("stop")) : Promise.resolve();
    });
    const [half, whole] = [`${folder}/half`, `${folder}/whole`];
    await command(experiment, "--folder", half, "--half-precision");
    await command(experiment, "--folder", whole);
    const wrong = [
      await command(experiment, "--folder", half),
      await command(experiment, "--folder", whole, "--half-precision"),
      await command(experiment, "--resume", whole, "--half-precision"),
    ];
    assertEquals(wrong.map(({ code }) => code), [2, 2, 2]);
    assertStringIncludes(wrong[0]!.err, "without --half-precision: the run began with it");
    assertStringIncludes(wrong[1]!.err, "with --half-precision: the run began without it");
    fail = false;
    const right = [
      await command(experiment, "--resume", half),
      await command(experiment, "--folder", whole),
    ];
    assertEquals(right.map(({ code }) => code), [0, 0]);
    assertEquals(seen, [true, undefined, true, undefined]);
    const record = await Deno.readTextFile(`${half}/config.yaml`);
    assertStringIncludes(record, "halfPrecision: true");
  }));

Deno.test("runCommand() refuses to resume another experiment's, a locked or a changed folder", () =>
  inFolder(async (folder, command) => {
    const experiment = demo(() => Promise.reject(new Error("stop")));
    const path = (await command(experiment)).out.at(-1)!;
    const other = defineExperiment({ ...experiment, name: "other" });
    const wrongName = await command(other, "--resume", path);
    assertEquals(wrongName.code, 2);
    assertStringIncludes(wrongName.err, "as other: it is a run of demo");
    {
      using _lock = await RunFolder.open(path);
      const locked = await command(experiment, "--resume", path);
      assertEquals(locked.code, 1);
      assertStringIncludes(locked.err, "another process holds its lock");
    }
    const missing = await command(experiment, "--resume", `${folder}/none`);
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.err, "none/config.yaml: no such file");
    const text = await Deno.readTextFile(`${path}/config.yaml`);
    await Deno.writeTextFile(`${path}/config.yaml`, text.replace("steps: 3", "steps: -3"));
    const changed = await command(experiment, "--resume", path);
    assertEquals(changed.code, 2);
    assertMatch(changed.err, /config\.yaml:\d+:10: steps: Too small/);
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
