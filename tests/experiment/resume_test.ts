/** Runs that go on in their folders. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";
import { RunFolder } from "../../src/run/run_folder.ts";
import { demo, inFolder } from "./demo.ts";

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
